// SPDX-License-Identifier: Apache-2.0
#include "s3/conditions.h"

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace valetkey::s3 {
namespace {

bool is_that_tag(std::string_view tag, std::string_view etag, bool weak) {
  if (tag == "*") return true;
  if (tag.starts_with("W/")) {
    if (!weak) return false;
    tag.remove_prefix(2);
  }
  if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"')
    tag = tag.substr(1, tag.size() - 2);
  return tag == etag;
}

// Whether any header of that name names the tag; nothing if there is none.
std::optional<bool> find_tag(const http::Request& request, std::string_view name,
                             std::string_view etag, bool weak) {
  std::optional<bool> found;
  for (const auto& header : request.headers)
    if (equal_ignoring_case(header.name, name))
      found = found.value_or(false) || names_etag(header.value, etag, weak);
  return found;
}

std::optional<Timestamp> find_date(const http::Request& request, std::string_view name) {
  const auto text = request.header(name);
  if (!text) return std::nullopt;
  const auto date = parse_http_date(*text);
  return date ? std::optional(*date) : std::nullopt;
}

Timestamp whole_seconds(Timestamp t) { return std::chrono::floor<seconds>(t); }

}  // namespace

// A comma cannot stand in one of our tags, so quotes need no parser here.
bool names_etag(std::string_view list, std::string_view etag, bool weak) {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    if (is_that_tag(trimmed(list.substr(0, comma), " \t"), etag, weak)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

Condition check_conditions(const http::Request& request, const Validators& object) {
  const Timestamp modified = whole_seconds(object.modified);
  if (const auto match = find_tag(request, "if-match", object.etag, false)) {
    if (!*match) return {Verdict::failed, "If-Match"};
  } else if (const auto date = find_date(request, "if-unmodified-since");
             date && modified > *date) {
    return {Verdict::failed, "If-Unmodified-Since"};
  }
  if (const auto match = find_tag(request, "if-none-match", object.etag, true)) {
    if (*match) return {Verdict::not_modified, "If-None-Match"};
  } else if (const auto date = find_date(request, "if-modified-since"); date && modified <= *date) {
    return {Verdict::not_modified, "If-Modified-Since"};
  }
  return {};
}

bool range_applies(const http::Request& request, const Validators& object) {
  const auto condition = request.header("if-range");
  if (!condition) return true;
  if (const auto date = parse_http_date(*condition)) return *date == whole_seconds(object.modified);
  return *condition != "*" && is_that_tag(*condition, object.etag, false);
}

}  // namespace valetkey::s3
