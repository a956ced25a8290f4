// SPDX-License-Identifier: Apache-2.0
#include "api/strict_json.h"

#include <fmt/format.h>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <boost/system/errc.hpp>
#include <set>
#include <vector>

#include "base/encoding.h"
#include "base/text.h"

namespace valetkey::api {
namespace {

namespace json = boost::json;
using json::error_code;

json::parse_options strict_options() {
  json::parse_options options;
  options.max_depth = 8;
  return options;
}

// Sees the events of a parse and stops it at a repeated name: the DOM would keep the last one in
// silence. The names (on_…) and their results are what basic_parser asks for.
struct NameWatch {
  static constexpr std::size_t max_object_size = 1000;
  static constexpr std::size_t max_array_size = 1000;
  static constexpr std::size_t max_key_size = 1024;
  static constexpr std::size_t max_string_size = 64 * 1024;

  std::vector<std::set<std::string, std::less<>>> open;  // names of each object that is open
  std::string name;
  std::string repeated;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) {
    open.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, error_code&) {
    open.pop_back();
    return true;
  }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t, error_code&) { return true; }
  bool on_key_part(json::string_view part, std::size_t, error_code&) {
    name.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view rest, std::size_t, error_code& error) {
    name.append(rest.data(), rest.size());
    if (!open.back().insert(name).second) {
      repeated = name;
      error = make_error_code(boost::system::errc::invalid_argument);
      return false;
    }
    name.clear();
    return true;
  }
  bool on_string_part(json::string_view, std::size_t, error_code&) { return true; }
  bool on_string(json::string_view, std::size_t, error_code&) { return true; }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t, json::string_view, error_code&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, error_code&) { return true; }
  bool on_double(double, json::string_view, error_code&) { return true; }
  bool on_bool(bool, error_code&) { return true; }
  bool on_null(error_code&) { return true; }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }
};

// Empty if `text` is one JSON document without repeated names; else what is wrong.
std::string find_fault(std::string_view text) {
  json::basic_parser<NameWatch> parser(strict_options());
  error_code error;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
  const std::string& repeated = parser.handler().repeated;
  if (!repeated.empty() || (error && error.category() == boost::system::generic_category()))
    return fmt::format("The field {} appears twice.", quote_name(repeated));
  if (error || read != text.size())
    return fmt::format("The body is not valid JSON (near byte {}).", read);
  return {};
}

}  // namespace

bool is_json(const http::Request& request) {
  const auto type = request.header("content-type");
  if (!type || request.count("content-type") != 1) return false;
  std::string_view media = type->substr(0, type->find(';'));
  while (media.ends_with(' ') || media.ends_with('\t')) media.remove_suffix(1);
  return equal_ignoring_case(media, "application/json");
}

std::string quote_name(std::string_view name) {
  constexpr std::size_t kMost = 60;
  if (name.size() <= kMost) return fmt::format("\"{}\"", name);
  std::size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
  return fmt::format("\"{}…\"", name.substr(0, end));
}

std::expected<json::object, std::string> parse_strict_object(std::string_view text) {
  if (!is_utf8(text)) return std::unexpected("The body is not UTF-8.");
  if (std::string fault = find_fault(text); !fault.empty())
    return std::unexpected(std::move(fault));
  error_code error;
  json::value value = json::parse(text, error, {}, strict_options());
  if (error) return std::unexpected("The body is not valid JSON.");
  if (!value.is_object()) return std::unexpected("The body must be a JSON object.");
  return std::move(value.get_object());
}

}  // namespace valetkey::api
