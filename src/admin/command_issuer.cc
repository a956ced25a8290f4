// SPDX-License-Identifier: Apache-2.0
// `issuer check`: whether tokens buy what they should at the engine, and nothing more.
#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "admin/engines.h"
#include "admin/internal/commands.h"
#include "issuer/check.h"

namespace valetkey::admin {
namespace {

namespace json = boost::json;
using Outcome = issuer::Step::Outcome;

std::string_view word_of(Outcome outcome) {
  return outcome == Outcome::good ? "ok" : outcome == Outcome::warning ? "WARNING" : "FAILED";
}

// The account that sessions are bought for: as said, else the first that is active.
Result<AccountId> account_to_try(control::ControlStore& store, const std::string& id) {
  if (!id.empty()) {
    VALETKEY_TRY(const AccountId account, AccountId::parse(id));
    VALETKEY_CHECK(store.account(account));
    return account;
  }
  VALETKEY_TRY(const auto accounts, store.accounts());
  for (const auto& account : accounts)
    if (account.state == control::AccountState::active) return account.id;
  return fail(ErrorCode::not_found,
              "there is no account to try with: valetkeyd account create ID --name NAME");
}

}  // namespace

Result<int> issuer_check(CommandContext& context, const std::string& id) {
  VALETKEY_TRY(const Engines engines, context.engines());
  VALETKEY_CHECK(config::check_config(engines.config()));
  if (!engines.vends())
    return fail(
        ErrorCode::invalid,
        "[issuer] kind is \"sealed\": credentials are this server's own, and need no check");
  VALETKEY_TRY(const auto store, context.open_control());
  VALETKEY_TRY(const auto keys, context.open_keys());
  control::ChangeFeed feed(*store, context.clock, kLongestSession);
  VALETKEY_TRY(const auto minting, engines.open_minting(*keys, *store, feed));
  VALETKEY_TRY(const AccountId account, account_to_try(*store, id));
  json::array steps;
  const auto longest = std::chrono::floor<seconds>(engines.config().credentials.max_duration);
  const bool fine = issuer::check_engine(
      *minting->vending(), account, longest, context.clock.now(), [&](const issuer::Step& step) {
        if (!context.json)
          context.out << fmt::format("{:<8} {:<12} {}\n", word_of(step.outcome), step.name,
                                     step.sentence);
        steps.push_back(json::object{
            {"step", step.name}, {"outcome", word_of(step.outcome)}, {"sentence", step.sentence}});
      });
  if (context.json)
    context.print(json::object{{"account", account.str()}, {"ok", fine}, {"steps", steps}});
  return fine ? 0 : 1;
}

}  // namespace valetkey::admin
