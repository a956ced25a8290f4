// SPDX-License-Identifier: Apache-2.0
#include "aws/internal/credentials_json.h"

#include <algorithm>
#include <boost/json.hpp>

namespace valetkey::aws {
namespace {

namespace json = boost::json;
constexpr std::size_t kMaxBytes = 64 * 1024;
constexpr std::size_t kMaxText = 16 * 1024;

std::unexpected<Error> not_keys(std::string_view why) {
  return fail(ErrorCode::corrupt, "the document holds no AWS credentials: " + std::string(why));
}

// Printable ASCII: it goes into headers.
const json::string* text_of(const json::object& from, std::string_view name) {
  const json::value* found = from.if_contains(name);
  const json::string* text = found ? found->if_string() : nullptr;
  const auto plain = [](char c) { return c > 0x20 && c < 0x7F; };
  return text && !text->empty() && text->size() <= kMaxText && std::ranges::all_of(*text, plain)
             ? text
             : nullptr;
}

Result<void> check_kind(const json::object& from, KeysForm form) {
  if (form == KeysForm::process) {
    const json::value* version = from.if_contains("Version");
    const std::int64_t* number = version ? version->if_int64() : nullptr;
    return number && *number == 1 ? Result<void>{} : not_keys("its Version is not 1");
  }
  const json::value* code = from.if_contains("Code");
  if (code && (!code->is_string() || code->get_string() != "Success"))
    return not_keys("its Code is not Success");
  return {};
}

}  // namespace

Result<OwnKeys> parse_keys(std::string_view document, KeysForm form) {
  if (document.size() > kMaxBytes) return not_keys("it is too large");
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 8;
  const json::value whole = json::parse(document, error, {}, options);
  if (error || !whole.is_object()) return not_keys("it is not JSON");
  const json::object& from = whole.get_object();
  VALETKEY_CHECK(check_kind(from, form));
  const auto* id = text_of(from, "AccessKeyId");
  const auto* secret = text_of(from, "SecretAccessKey");
  const auto* name = form == KeysForm::process ? "SessionToken" : "Token";
  const auto* token = text_of(from, name);
  if (!id || !secret) return not_keys("AccessKeyId or SecretAccessKey is missing");
  const json::value* stated = from.if_contains(name);
  const bool empty = stated == nullptr || stated->is_null();
  if (!token && (form == KeysForm::endpoint || !empty))
    return not_keys(std::string(name) + " is missing");
  OwnKeys keys{{std::string(*id), Secret(std::string(*secret)), std::nullopt}, {}, {}};
  if (token) keys.keys.session_token = Secret(std::string(*token));
  const auto* expires = text_of(from, "Expiration");
  if (!expires && (form == KeysForm::endpoint || from.contains("Expiration")))
    return not_keys("Expiration is missing");
  if (!expires) return keys;
  const auto at = parse_iso8601(*expires);
  if (!at) return not_keys("Expiration is not a time like 2026-01-31T12:00:00Z");
  keys.expires = *at;
  return keys;
}

}  // namespace valetkey::aws
