// SPDX-License-Identifier: Apache-2.0
#include "api/token_request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "api/strict_json.h"
#include "base/text.h"
#include "control/names.h"
#include "http/message.h"

namespace valetkey::api {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 8> kFields{"name", "scopes", "expires_in", "expires",
                                                  "user", "types",  "prefixes",   "sources"};
constexpr std::size_t kMaxListed = 64;  // far beyond what a token's limits hold
constexpr std::array<std::string_view, 3> kReplaceFields{"overlap", "expires_in", "expires"};
constexpr std::chrono::days kLongestOverlap{30};
constexpr std::size_t kMaxEmailBytes = 254;  // RFC 5321
constexpr auto kLongestLife = std::chrono::days(36'500);

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

std::unexpected<Problem> bad(std::string message, std::string field = {}) {
  auto refused = problem(ProblemCode::invalid_parameter, std::move(message));
  refused.error().field = std::move(field);
  return refused;
}

const json::value* given(const json::object& body, std::string_view field) {
  const json::value* value = body.if_contains(field);
  return value != nullptr && !value->is_null() ? value : nullptr;
}

Answer<std::string> read_name(const json::object& body) {
  constexpr auto kRule =
      "\"name\" must be a text of 1 to 100 characters, without a blank at its ends and without "
      "control or invisible characters.";
  const json::value* name = body.if_contains("name");
  if (name == nullptr || !name->is_string() ||
      !control::check_name(view(name->get_string()), 1, "\"name\""))
    return bad(kRule);
  return std::string(view(name->get_string()));
}

Answer<control::TokenScopes> read_scopes(const json::object& body) {
  constexpr auto kRule =
      "\"scopes\" must be a list of \"export\", \"tokens\", \"users\" and \"audit\", each at most "
      "once.";
  const json::value* scopes = body.if_contains("scopes");
  if (scopes == nullptr) return control::TokenScopes{.export_ = true};
  if (!scopes->is_array()) return bad(kRule);
  control::TokenScopes read;
  for (const json::value& scope : scopes->get_array()) {
    if (!scope.is_string()) return bad(kRule);
    // An account's token never handles accounts.
    if (view(scope.get_string()) == "accounts" || !read.add(view(scope.get_string())))
      return bad(kRule);
  }
  if (read == control::TokenScopes{}) return bad(kRule);
  return read;
}

Answer<Timestamp> read_expires_in(const json::value& value, Timestamp now) {
  constexpr auto kRule =
      "\"expires_in\" must be a text such as \"90d\" or \"12h\": a whole number and s, m, h or d, "
      "more than "
      "zero, at most 36500d.";
  if (!value.is_string()) return bad(kRule);
  const auto life = parse_duration(view(value.get_string()));
  if (!life || *life <= milliseconds(0) || *life > kLongestLife) return bad(kRule);
  return now + *life;
}

Answer<Timestamp> read_expires_at(const json::value& value, Timestamp now) {
  constexpr auto kRule =
      "\"expires\" must be an instant to come, such as \"2030-01-31T00:00:00Z\".";
  if (!value.is_string()) return bad(kRule);
  const auto instant = parse_iso8601(view(value.get_string()));
  if (!instant || *instant <= now) return bad(kRule);
  return *instant;
}

Answer<std::optional<Timestamp>> read_expiry(const json::object& body, Timestamp now) {
  // null is what answers say where there is no expiry; it may come back.
  const json::value* in = given(body, "expires_in");
  const json::value* at = given(body, "expires");
  if (in != nullptr && at != nullptr) return bad("Give \"expires_in\" or \"expires\", not both.");
  if (in == nullptr && at == nullptr) return std::nullopt;
  const auto read = in != nullptr ? read_expires_in(*in, now) : read_expires_at(*at, now);
  if (!read) return std::unexpected(read.error());
  return *read;
}

Answer<std::optional<std::string>> read_user(const json::object& body) {
  const json::value* user = given(body, "user");
  if (user == nullptr) return std::nullopt;
  if (!user->is_string() || user->get_string().empty() ||
      user->get_string().size() > kMaxEmailBytes)
    return bad("\"user\" must be the e-mail address of a user of the account.");
  return lowered(view(user->get_string()));
}

Answer<std::vector<std::string>> read_texts(const json::object& body, std::string_view field) {
  const json::value* list = given(body, field);
  if (list == nullptr) return {};
  const auto refused = [field] {
    return bad(fmt::format("\"{}\" must be a list of at most {} texts.", field, kMaxListed));
  };
  if (!list->is_array() || list->get_array().size() > kMaxListed) return refused();
  std::vector<std::string> texts;
  for (const json::value& text : list->get_array()) {
    if (!text.is_string()) return refused();
    texts.emplace_back(view(text.get_string()));
  }
  return texts;
}

Answer<control::Narrowing> read_narrowing(const json::object& body) {
  control::WantedNarrowing wanted;
  VALETKEY_TRY(wanted.types, read_texts(body, "types"));
  VALETKEY_TRY(wanted.prefixes, read_texts(body, "prefixes"));
  if (const auto made = control::Narrowing::make(wanted); !made)
    return bad(sentence_of(made.error()), wanted.prefixes.empty() ? "types" : "prefixes");
  VALETKEY_TRY(wanted.sources, read_texts(body, "sources"));
  auto narrowing = control::Narrowing::make(wanted);
  if (!narrowing) return bad(sentence_of(narrowing.error()), "sources");
  return std::move(*narrowing);
}

// Empty if all names are known.
std::string find_unknown_field(const json::object& body, std::span<const std::string_view> known) {
  for (const auto& field : body) {
    const std::string_view name(field.key().data(), field.key().size());
    if (std::ranges::find(known, name) == known.end())
      return fmt::format("The field {} is unknown; known are {}.", quote_name(name),
                         fmt::join(known, ", "));
  }
  return {};
}

Answer<std::size_t> read_limit(std::string_view text) {
  std::size_t limit = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error != std::errc() || end != text.data() + text.size() || limit < 1 || limit > 1000)
    return problem(ProblemCode::invalid_parameter, "limit must be a whole number from 1 to 1000.");
  return limit;
}

Answer<TokenId> read_after(std::string_view text) {
  auto id = TokenId::parse(text);
  if (!id)
    return problem(ProblemCode::invalid_parameter, "after must be the id of a token of this list.");
  return std::move(*id);
}

}  // namespace

Answer<TokenRequest> parse_token_request(std::string_view body, Timestamp now) {
  auto object = parse_strict_object(body);
  if (!object) return problem(ProblemCode::invalid_request, std::move(object.error()));
  if (std::string unknown = find_unknown_field(*object, kFields); !unknown.empty())
    return bad(std::move(unknown));
  VALETKEY_TRY(std::string name, read_name(*object));
  VALETKEY_TRY(const control::TokenScopes scopes, read_scopes(*object));
  VALETKEY_TRY(const std::optional<Timestamp> expires, read_expiry(*object, now));
  VALETKEY_TRY(std::optional<std::string> user, read_user(*object));
  VALETKEY_TRY(control::Narrowing narrowing, read_narrowing(*object));
  return TokenRequest{std::move(name), scopes, expires, std::move(user), std::move(narrowing)};
}

Answer<ReplaceRequest> parse_replace_request(std::string_view body, Timestamp now) {
  constexpr auto kRule = "\"overlap\" must be a text such as \"1h\" or \"7d\", at most 30d.";
  if (body.empty()) return ReplaceRequest{};
  auto object = parse_strict_object(body);
  if (!object) return problem(ProblemCode::invalid_request, std::move(object.error()));
  if (std::string unknown = find_unknown_field(*object, kReplaceFields); !unknown.empty())
    return bad(std::move(unknown));
  ReplaceRequest request;
  if (const json::value* overlap = given(*object, "overlap")) {
    if (!overlap->is_string()) return bad(kRule);
    const auto read = parse_duration(view(overlap->get_string()));
    if (!read || *read < milliseconds(0) || *read > kLongestOverlap) return bad(kRule);
    request.overlap = *read;
  }
  VALETKEY_TRY(request.expires, read_expiry(*object, now));
  return request;
}

Answer<Page> read_page(std::string_view query) {
  const auto parameters = http::parse_query(query);
  if (!parameters)
    return problem(ProblemCode::invalid_parameter, "The query has a broken percent-encoding.");
  Page page;
  for (const http::QueryParameter& parameter : *parameters) {
    if (parameter.name == "limit") {
      VALETKEY_TRY(page.limit, read_limit(parameter.value));
    } else if (parameter.name == "after") {
      VALETKEY_TRY(page.after, read_after(parameter.value));
    }
  }
  return page;
}

Answer<bool> read_cut_off(std::string_view query) {
  const auto parameters = http::parse_query(query);
  if (!parameters)
    return problem(ProblemCode::invalid_parameter, "The query has a broken percent-encoding.");
  bool cut_off = false;
  for (const http::QueryParameter& parameter : *parameters) {
    if (parameter.name != "cut_off") continue;
    if (parameter.value != "true" && parameter.value != "false")
      return problem(ProblemCode::invalid_parameter, "cut_off must be true or false.");
    cut_off = parameter.value == "true";
  }
  return cut_off;
}

}  // namespace valetkey::api
