// SPDX-License-Identifier: Apache-2.0
#include "issuer/internal/denials.h"

#include <algorithm>
#include <boost/json.hpp>
#include <vector>

namespace valetkey::issuer {
namespace {

namespace json = boost::json;
constexpr seconds kMostClockDifference{300};  // at which an engine takes a signature, too
constexpr std::string_view kIssued = "aws:TokenIssueTime";
constexpr std::string_view kAccountTag = "aws:PrincipalTag/account";
constexpr std::string_view kTokenTag = "aws:PrincipalTag/token";

std::unexpected<Error> not_ours() {
  return fail(ErrorCode::invalid,
              "the role's policy valetkey-cut-off is not as valetkeyd writes it: remove it, and "
              "repeat the command, which puts back what valetkeyd itself has cut off");
}

const json::object* object_in(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  return found ? found->if_object() : nullptr;
}

// One text, or a list of them; nothing else, and nothing where the member is missing.
std::optional<std::vector<std::string>> texts_in(const json::object& object,
                                                 std::string_view name) {
  const json::value* found = object.if_contains(name);
  if (!found) return std::vector<std::string>{};
  if (const auto* text = found->if_string()) return std::vector{std::string(*text)};
  if (!found->is_array()) return std::nullopt;
  std::vector<std::string> texts;
  for (const json::value& each : found->get_array()) {
    if (!each.is_string()) return std::nullopt;
    texts.emplace_back(each.get_string());
  }
  return texts;
}

json::object denial(json::object tags, Timestamp before) {
  json::object time{{kIssued, format_iso8601(before)}};
  return {{"Effect", "Deny"},
          {"Action", "*"},
          {"Resource", "*"},
          {"Condition",
           json::object{{"StringEquals", std::move(tags)}, {"DateLessThan", std::move(time)}}}};
}

}  // namespace

void Denials::add(const access::Cut& cut, Timestamp at) {
  // The engine compares whole seconds, by a clock of its own: those of this second end as well.
  const Timestamp now = std::chrono::floor<seconds>(at);
  OfAccount& account = accounts_[cut.account.str()];
  if (cut.tokens.empty()) account.all = now + seconds(1);
  // They buy none any more, so what the engine's clock is ahead may be denied, too.
  for (const TokenId& token : cut.tokens) account.tokens[token.str()] = now + kMostClockDifference;
}

void Denials::add(const Denials& others) {
  for (const auto& [id, other] : others.accounts_) {
    OfAccount& account = accounts_[id];
    account.all = std::max(account.all, other.all);
    for (const auto& [token, before] : other.tokens)
      account.tokens[token] = std::max(account.tokens[token], before);
  }
}

void Denials::forget_older(Timestamp than) {
  for (auto& [id, account] : accounts_) {
    if (account.all && *account.all < than) account.all.reset();
    std::erase_if(account.tokens, [than](const auto& entry) { return entry.second < than; });
  }
  std::erase_if(accounts_,
                [](const auto& entry) { return !entry.second.all && entry.second.tokens.empty(); });
}

std::optional<AccountId> Denials::widen(Timestamp at) {
  const auto tokens_of = [](const auto& entry) {
    return entry.first.empty() ? 0 : entry.second.tokens.size();
  };
  const auto widest = std::ranges::max_element(accounts_, {}, tokens_of);
  if (widest == accounts_.end() || tokens_of(*widest) == 0) return std::nullopt;
  const auto id = AccountId::parse(widest->first);
  if (!id) return std::nullopt;
  widest->second.tokens.clear();
  add({.account = *id}, at);
  return *id;
}

Result<std::string> Denials::policy() const {
  json::array statements;
  for (const auto& [id, account] : accounts_) {
    if (account.all) statements.push_back(denial({{kAccountTag, id}}, *account.all));
    std::map<Timestamp, json::array> tokens;
    for (const auto& [token, before] : account.tokens) tokens[before].emplace_back(token);
    for (auto& [before, list] : tokens) {
      json::object tags;
      if (!id.empty()) tags.emplace(kAccountTag, id);
      tags.emplace(kTokenTag, list.size() == 1 ? std::move(list[0]) : json::value(std::move(list)));
      statements.push_back(denial(std::move(tags), before));
    }
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
    const json::object* condition = statement ? object_in(*statement, "Condition") : nullptr;
    const json::object* tags = condition ? object_in(*condition, "StringEquals") : nullptr;
    const json::object* time = condition ? object_in(*condition, "DateLessThan") : nullptr;
    if (!tags || !time) return not_ours();
    const auto accounts = texts_in(*tags, kAccountTag);
    const auto tokens = texts_in(*tags, kTokenTag);
    const auto issued = texts_in(*time, kIssued);
    if (!accounts || accounts->size() > 1 || !tokens || !issued || issued->size() != 1 ||
        accounts->size() + tokens->size() == 0)
      return not_ours();
    const auto before = parse_iso8601(issued->front());
    if (!before) return not_ours();
    Denials::OfAccount& account = denials.accounts_[accounts->empty() ? "" : accounts->front()];
    if (tokens->empty()) account.all = *before;
    for (const std::string& token : *tokens) account.tokens[token] = *before;
  }
  return denials;
}

}  // namespace valetkey::issuer
