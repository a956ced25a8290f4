// SPDX-License-Identifier: Apache-2.0
#include "tables/internal/sharing_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/strict_json.h"
#include "base/crypto.h"

namespace valetkey::tables {
namespace {

namespace json = boost::json;
constexpr std::size_t kMaxHints = 100;

std::unexpected<Refusal> invalid(std::string message) {
  return refuse(400, "INVALID_PARAMETER_VALUE", std::move(message));
}

const json::value* given(const json::object& body, std::string_view name) {
  const auto* found = body.if_contains(name);
  return found == nullptr || found->is_null() ? nullptr : found;
}

Answer<std::optional<std::uint64_t>> read_number(const json::object& body, std::string_view name,
                                                 std::uint64_t least) {
  const auto* value = given(body, name);
  if (value == nullptr) return std::nullopt;
  std::uint64_t number = 0;
  bool whole = false;
  if (value->is_int64() && value->get_int64() >= 0) {
    number = static_cast<std::uint64_t>(value->get_int64());
    whole = true;
  } else if (value->is_uint64()) {
    number = value->get_uint64();
    whole = true;
  }
  if (!whole || number < least)
    return invalid(fmt::format("{} must be a whole number from {}.", name, least));
  return number;
}

Answer<std::optional<PageToken>> read_token(const json::object& body, std::string_view name) {
  const auto* value = given(body, name);
  if (value == nullptr || (value->is_string() && value->get_string().empty())) return std::nullopt;
  const auto token =
      value->is_string() ? decode_page_token(value->get_string()) : std::optional<PageToken>();
  if (!token)
    return invalid(
        fmt::format("{} is not one that this server gave: query again without it.", name));
  return token;
}

Answer<void> read_hints(const json::object& body, SharingQuery& query, std::string& asked) {
  if (const auto* hints = given(body, "jsonPredicateHints")) {
    auto predicate =
        hints->is_string() ? Predicate::parse(hints->get_string()) : std::optional<Predicate>();
    if (!predicate)
      return invalid(fmt::format(
          "jsonPredicateHints must be the text of a JSON object of at most {} bytes and "
          "{} levels.",
          kMaxPredicateBytes, kMaxPredicateDepth));
    query.predicates.push_back(std::move(*predicate));
    asked.append(hints->get_string());
  }
  const auto* hints = given(body, "predicateHints");
  if (hints == nullptr) return {};
  if (!hints->is_array() || hints->get_array().size() > kMaxHints)
    return invalid(fmt::format("predicateHints must be a list of at most {} texts.", kMaxHints));
  for (const json::value& hint : hints->get_array()) {
    if (!hint.is_string()) return invalid("predicateHints must be a list of texts.");
    query.predicates.push_back(Predicate::parse_sql(hint.get_string()));
    (asked += '\n').append(hint.get_string());
  }
  return {};
}

}  // namespace

bool SharingQuery::may_hold(const Hinted& part) const {
  return std::ranges::all_of(predicates,
                             [&](const Predicate& each) { return each.may_hold(part); });
}

Answer<SharingQuery> SharingQuery::parse(std::string_view body) {
  SharingQuery query;
  std::string asked;
  json::object fields;
  if (!body.empty()) {
    auto parsed = api::parse_strict_object(body);
    if (!parsed) return invalid(parsed.error());
    fields = std::move(*parsed);
  }
  for (const std::string_view name : {"timestamp", "startingVersion", "endingVersion"})
    if (given(fields, name) != nullptr)
      return invalid(fmt::format("Only the latest version can be read: leave out {}.", name));
  if (auto read = read_hints(fields, query, asked); !read) return std::unexpected(read.error());
  const auto take = [](auto read, auto& to) -> Answer<void> {
    if (!read) return std::unexpected(read.error());
    to = *read;
    return {};
  };
  std::optional<PageToken> page, refresh;
  for (const auto& done : {take(read_number(fields, "limitHint", 0), query.limit),
                           take(read_number(fields, "maxFiles", 1), query.max_files),
                           take(read_number(fields, "version", 0), query.version),
                           take(read_token(fields, "pageToken"), page),
                           take(read_token(fields, "refreshToken"), refresh)})
    if (!done) return std::unexpected(done.error());
  if (const auto* wants = given(fields, "includeRefreshToken"))
    query.wants_refresh_token = wants->is_bool() && wants->get_bool();
  asked += fmt::format("\n{}", query.limit.value_or(0));
  const Digest256 digest = sha256(asked);
  for (const auto byte : std::span(digest).first(8)) query.digest = query.digest << 8 | byte;
  query.from = page ? page : refresh;
  if (page && page->query != query.digest)
    return invalid("pageToken belongs to another query: repeat the same hints with it.");
  return query;
}

}  // namespace valetkey::tables
