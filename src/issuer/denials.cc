// SPDX-License-Identifier: Apache-2.0
#include "issuer/denials.h"

#include <boost/json.hpp>

namespace valetkey::issuer {
namespace {

namespace json = boost::json;
constexpr seconds kMostClockDifference{300};  // at which an engine takes a signature, too
constexpr std::string_view kTag = "aws:PrincipalTag/";
constexpr std::string_view kIssued = "aws:TokenIssueTime";

std::unexpected<Error> not_ours() {
  return fail(ErrorCode::invalid,
              "the role's policy valetkey-cut-off is not as valetkeyd writes it: remove it, and "
              "what it denies is allowed again");
}

// The one member of an object of one member.
const json::key_value_pair* only(const json::value* value) {
  const json::object* object = value ? value->if_object() : nullptr;
  return object && object->size() == 1 ? &*object->begin() : nullptr;
}

}  // namespace

void Denials::add(const access::Cut& cut, Timestamp at) {
  // The engine compares whole seconds, by a clock of its own: those of this second end as well.
  const Timestamp now = std::chrono::floor<seconds>(at);
  if (cut.tokens.empty()) until_[{"account", cut.account.str()}] = now + seconds(1);
  // They buy none any more, so what the engine's clock is ahead may be denied, too.
  for (const TokenId& token : cut.tokens)
    until_[{"token", token.str()}] = now + kMostClockDifference;
}

void Denials::forget_older(Timestamp than) {
  std::erase_if(until_, [than](const auto& entry) { return entry.second < than; });
}

Result<std::string> Denials::policy() const {
  json::array statements;
  for (const auto& [whose, before] : until_) {
    json::object tag{{std::string(kTag) + whose.first, whose.second}};
    json::object time{{kIssued, format_iso8601(before)}};
    statements.push_back(json::object{
        {"Effect", "Deny"},
        {"Action", "*"},
        {"Resource", "*"},
        {"Condition",
         json::object{{"StringEquals", std::move(tag)}, {"DateLessThan", std::move(time)}}}});
  }
  std::string text = json::serialize(
      json::object{{"Version", "2012-10-17"}, {"Statement", std::move(statements)}});
  if (text.size() > kMaxPolicy)
    return fail(ErrorCode::too_large,
                "the role's policy valetkey-cut-off holds as many cut-offs as it can: wait until "
                "the oldest sessions have ended, or revoke the role's sessions in IAM");
  return text;
}

Result<Denials> parse_denials(std::string_view policy) {
  boost::system::error_code error;
  const json::value whole = json::parse(policy, error);
  const json::object* object = error ? nullptr : whole.if_object();
  const json::value* list = object ? object->if_contains("Statement") : nullptr;
  if (!list || !list->is_array()) return not_ours();
  Denials denials;
  for (const json::value& each : list->get_array()) {
    const json::object* statement = each.if_object();
    const json::value* found = statement ? statement->if_contains("Condition") : nullptr;
    const json::object* condition = found ? found->if_object() : nullptr;
    if (!condition) return not_ours();
    const auto* tag = only(condition->if_contains("StringEquals"));
    const auto* time = only(condition->if_contains("DateLessThan"));
    if (!tag || !time || !tag->value().is_string() || !time->value().is_string() ||
        !std::string_view(tag->key()).starts_with(kTag) || time->key() != kIssued)
      return not_ours();
    const auto before = parse_iso8601(std::string_view(time->value().get_string()));
    if (!before) return not_ours();
    denials.until_[{std::string(std::string_view(tag->key()).substr(kTag.size())),
                    std::string(tag->value().get_string())}] = *before;
  }
  return denials;
}

}  // namespace valetkey::issuer
