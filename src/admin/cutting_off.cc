// SPDX-License-Identifier: Apache-2.0
#include "admin/internal/cutting_off.h"

#include "admin/engines.h"

namespace valetkey::admin {
namespace {

// With a feed that nobody polls: a command ends soon.
struct Opened {
  std::unique_ptr<KeySource> keys;
  std::unique_ptr<control::ChangeFeed> feed;
  std::unique_ptr<Minting> minting;
};

Result<Opened> open(const CommandContext& context, const Engines& engines,
                    control::ControlStore& store) {
  Opened out;
  VALETKEY_TRY(out.keys, context.open_keys());
  out.feed = std::make_unique<control::ChangeFeed>(store, context.clock, kLongestSession);
  VALETKEY_TRY(out.minting, engines.open_minting(*out.keys, store, *out.feed));
  return out;
}

}  // namespace

Result<void> open_at_engine(const CommandContext& context, control::ControlStore& store,
                            const AccountId& account) {
  VALETKEY_TRY(const Engines engines, context.engines());
  if (!engines.vends()) return {};
  VALETKEY_TRY(const Opened opened, open(context, engines, store));
  return opened.minting->issuer().open_account(account, context.clock.now());
}

Result<void> check_at_engine(const CommandContext& context, control::ControlStore& store,
                             const AccountId& account, const control::Narrowing& narrowing) {
  VALETKEY_TRY(const Engines engines, context.engines());
  if (!engines.vends() || narrowing.empty()) return {};
  VALETKEY_TRY(const Opened opened, open(context, engines, store));
  return opened.minting->issuer().check_narrowing(account, narrowing);
}

Result<std::optional<access::EndOfSessions>> end_sessions(const CommandContext& context,
                                                          control::ControlStore& store,
                                                          const access::Whose& whose,
                                                          bool cut_off) {
  VALETKEY_TRY(const Engines engines, context.engines());
  if (!engines.vends()) return std::nullopt;
  VALETKEY_TRY(const Opened opened, open(context, engines, store));
  const access::Cutting with{opened.minting->issuer(), store,
                             engines.config().credentials.max_duration};
  const Timestamp now = context.clock.now();
  auto ended = cut_off ? access::try_to_cut_off(with, whose, now)
                       : access::end_of_sessions(with, whose, now);
  VALETKEY_CHECK(context.record(ended.action(), whose.account,
                                whose.token ? whose.token->str() : whose.account.str(),
                                ended.text));
  for (const AccountId& other : ended.others)
    VALETKEY_CHECK(context.record(ended.action(), other, other.str(), access::kMadeRoom));
  return ended;
}

}  // namespace valetkey::admin
