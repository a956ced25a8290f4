// SPDX-License-Identifier: Apache-2.0
#include "admin/internal/cutting_off.h"

#include "admin/engines.h"

namespace valetkey::admin {
namespace {

// The engines of the configuration, with a feed that nobody polls: a command ends soon.
struct Opened {
  std::unique_ptr<KeySource> keys;
  std::unique_ptr<control::ChangeFeed> feed;
  std::unique_ptr<Engines> engines;
};

Result<Opened> open(const CommandContext& context, const config::Config& config,
                    control::ControlStore& store) {
  Opened out;
  VALETKEY_TRY(out.keys, context.open_keys());
  out.feed = std::make_unique<control::ChangeFeed>(store, context.clock, kLongestSession);
  VALETKEY_TRY(out.engines, Engines::open(config, context.env, *out.keys, store, *out.feed));
  return out;
}

}  // namespace

Result<void> open_at_engine(const CommandContext& context, control::ControlStore& store,
                            const AccountId& account) {
  VALETKEY_TRY(const config::Config config, context.load_config());
  if (!vends(config)) return {};
  VALETKEY_TRY(const Opened opened, open(context, config, store));
  return opened.engines->issuer().open_account(account, context.clock.now());
}

Result<void> check_at_engine(const CommandContext& context, control::ControlStore& store,
                             const AccountId& account, const control::Narrowing& narrowing) {
  VALETKEY_TRY(const config::Config config, context.load_config());
  if (!vends(config) || narrowing.empty()) return {};
  VALETKEY_TRY(const Opened opened, open(context, config, store));
  return opened.engines->issuer().check_narrowing(account, narrowing);
}

Result<std::optional<access::EndOfSessions>> end_sessions(const CommandContext& context,
                                                          control::ControlStore& store,
                                                          const access::Whose& whose,
                                                          bool cut_off) {
  VALETKEY_TRY(const config::Config config, context.load_config());
  if (!vends(config)) return std::nullopt;
  VALETKEY_TRY(const Opened opened, open(context, config, store));
  const access::Cutting with{opened.engines->issuer(), store, config.credentials.max_duration};
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
