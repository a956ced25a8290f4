// SPDX-License-Identifier: Apache-2.0
#include "access/end_of_sessions.h"

#include <algorithm>

#include "base/clock.h"

namespace valetkey::access {
namespace {

// Of a token's at its own end, if that comes first.
Timestamp latest_end(const Cutting& with, const Cut& whose, Timestamp now) {
  Timestamp by = now + with.longest;
  if (!whose.token) return by;
  const auto token = with.store.token(*whose.token);
  if (token && token->expires) by = std::min(by, std::max(now, *token->expires));
  return by;
}

}  // namespace

EndOfSessions end_of_sessions(const Cutting& with, const Cut& whose, Timestamp now) {
  if (with.issuer.follows_revocation())
    return {.at_once = true, .by = now, .text = "they end within one second"};
  const Timestamp by = latest_end(with, whose, now);
  return {.at_once = false,
          .by = by,
          .text = "those that are out live until " + format_iso8601(by) +
                  " at the latest; a cut-off ends them"};
}

Result<EndOfSessions> cut_sessions_off(const Cutting& with, const Cut& whose, Timestamp now) {
  if (with.issuer.follows_revocation()) return end_of_sessions(with, whose, now);
  const Timestamp by = latest_end(with, whose, now);
  // Not as of when the request was read: sessions may have been bought while it waited.
  const Timestamp at = std::max(now, SystemClock().now());
  const auto done = with.issuer.cut_off(whose, at);
  if (!done)
    return fail(done.error().code, "the sessions that are out could not be ended, and live until " +
                                       format_iso8601(by) +
                                       " at the latest: " + done.error().detail +
                                       "; repeat this when the engine is there");
  if (!done->at_once)
    return EndOfSessions{.at_once = false,
                         .by = by,
                         .text = "the engine cannot end sessions: those that are out live until " +
                                 format_iso8601(by) + " at the latest"};
  // No server may hand out of its cache what has ended.
  VALETKEY_CHECK(with.store.revoke_sessions(whose.account, at));
  if (done->whole_account)
    return EndOfSessions{.at_once = true,
                         .by = now,
                         .text = "all sessions of account " + whose.account.str() +
                                 " have ended, where one token's cannot be told apart; its other "
                                 "tokens buy new ones at once"};
  return EndOfSessions{.at_once = true, .by = now, .text = "they have ended at the engine"};
}

}  // namespace valetkey::access
