// SPDX-License-Identifier: Apache-2.0
#include "http/message.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/log.h"
#include "base/text.h"

namespace valetkey::http {
namespace {

constexpr std::size_t kUsualHeadBytes = 256;  // of most answers; one allocation instead of five

bool breaks_a_line(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

std::optional<std::string> decode(std::string_view text, bool plus) {
  if (text.find_first_of(plus ? "%+" : "%") == std::string_view::npos) return std::string(text);
  std::string spaced(text);
  if (plus) std::ranges::replace(spaced, '+', ' ');
  auto decoded = percent_decode(spaced);
  if (!decoded) return std::nullopt;
  return std::move(*decoded);
}

}  // namespace

std::optional<std::string_view> Request::header(std::string_view name) const {
  for (const Header& h : headers)
    if (equal_ignoring_case(h.name, name)) return h.value;
  return std::nullopt;
}

std::size_t Request::count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      headers, [name](const Header& h) { return equal_ignoring_case(h.name, name); }));
}

Response& Response::set(std::string_view name, std::string_view value) & {
  if (name.empty() || breaks_a_line(name) || breaks_a_line(value)) {
    log::error("http", "dropped a response header that would break its line",
               {{"bytes", value.size()}});
    return *this;
  }
  if (head_.empty()) head_.reserve(kUsualHeadBytes);
  head_.append(name).append(": ").append(value).append("\r\n");
  return *this;
}

Response& Response::body(std::string bytes, std::string_view content_type) & {
  body_ = std::move(bytes);
  return set("Content-Type", content_type);
}

Response& Response::stream(std::unique_ptr<BodySource> source) & {
  source_ = std::move(source);
  return *this;
}

Response& Response::length_only(std::uint64_t length) & {
  length_ = length;
  return *this;
}

Response& Response::close_connection() & {
  close_ = true;
  return *this;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Status";
  }
}

std::optional<std::vector<QueryParameter>> parse_query(std::string_view query, bool plus) {
  std::vector<QueryParameter> parameters;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view piece = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (piece.empty()) continue;
    const auto equals = piece.find('=');
    const bool has_value = equals != std::string_view::npos;
    auto name = decode(piece.substr(0, equals), plus);
    auto value = decode(has_value ? piece.substr(equals + 1) : std::string_view{}, plus);
    if (!name || !value) return std::nullopt;
    parameters.push_back({std::move(*name), std::move(*value), has_value});
  }
  return parameters;
}

}  // namespace valetkey::http
