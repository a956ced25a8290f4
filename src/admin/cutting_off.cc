// SPDX-License-Identifier: Apache-2.0
#include "admin/cutting_off.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "admin/engines.h"

namespace valetkey::admin {
namespace {

// Servers look for changes five times a second.
constexpr std::chrono::milliseconds kServersHaveLooked{1'000};

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

std::string text_of(const access::CutOff& cut, const access::Cut& whose, const std::string& engine,
                    Timestamp by) {
  if (!cut.at_once)
    return fmt::format("{} cannot end sessions: those that are out live until {} at the latest",
                       engine, format_iso8601(by));
  if (cut.whole_account)
    return fmt::format(
        "all sessions of account {} have ended at {}, where one token's cannot be "
        "told apart; its other tokens buy new ones at once",
        whose.account.str(), engine);
  return fmt::format("its sessions at {} have ended", engine);
}

}  // namespace

Result<void> open_at_engine(const CommandContext& context, control::ControlStore& store,
                            const AccountId& account) {
  VALETKEY_TRY(const config::Config config, context.load_config());
  if (!vends(config)) return {};
  VALETKEY_TRY(const Opened opened, open(context, config, store));
  return opened.engines->issuer().open_account(account, context.clock.now());
}

Result<std::optional<Ended>> end_sessions(const CommandContext& context,
                                          control::ControlStore& store, const access::Cut& cut) {
  VALETKEY_TRY(const config::Config config, context.load_config());
  if (!vends(config)) return std::nullopt;
  const Timestamp now = context.clock.now();
  Ended ended{.by = now + config.credentials.max_duration, .text = {}};
  VALETKEY_TRY(const Opened opened, open(context, config, store));
  // A server that has not yet seen the change would buy a session behind the cut.
  std::this_thread::sleep_for(kServersHaveLooked);
  const auto done = opened.engines->issuer().cut_off(cut, context.clock.now());
  const std::string subject = cut.token ? cut.token->str() : cut.account.str();
  if (!done)
    return fail(
        done.error().code,
        fmt::format("the sessions that are out could not be ended, and live until {} at the "
                    "latest: {}; repeat this when the engine is there",
                    format_iso8601(ended.by), done.error().detail));
  // The running server must not hand out of its cache what has ended.
  if (done->at_once) VALETKEY_CHECK(store.revoke_sessions(cut.account, context.clock.now()));
  VALETKEY_CHECK(context.record(done->at_once ? "sessions.cut-off" : "sessions.not-cut-off",
                                cut.account, subject));
  ended.at_once = done->at_once;
  ended.text = text_of(*done, cut, config.issuer.engine, ended.by);
  return ended;
}

}  // namespace valetkey::admin
