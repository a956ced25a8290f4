// SPDX-License-Identifier: Apache-2.0
#include "access/end_of_sessions.h"

#include <algorithm>

#include "base/clock.h"
#include "control/family.h"

namespace valetkey::access {
namespace {

// Tokens whose sessions can be out, and when the last of those ends.
struct Family {
  std::vector<TokenId> tokens;  // empty: all of the account
  Timestamp by;
};

// When the last session that the token bought has ended. Its own expiry says nothing of that: a
// replacement may have moved it forward since.
Timestamp last_end(const control::Token& token, milliseconds longest, Timestamp now) {
  Timestamp bought = now;
  if (token.revoked) bought = std::min(bought, *token.revoked);
  if (token.expires) bought = std::min(bought, *token.expires);
  return bought + longest;
}

Result<Family> family_of(const Cutting& with, const Whose& whose, Timestamp now) {
  Family family{.tokens = {}, .by = now + with.longest};
  if (!whose.token) return family;
  VALETKEY_TRY(const control::Token root, with.store.token(*whose.token));
  VALETKEY_TRY(const auto all, with.store.tokens(whose.account, std::nullopt));
  // The root is named whatever its state is: no token at all would mean the whole account.
  family.tokens.push_back(root.id);
  family.by = std::max(now, last_end(root, with.longest, now));
  for (const control::Token& token : control::descendants_of(root.id, all)) {
    const Timestamp end = last_end(token, with.longest, now);
    if (end <= now) continue;
    family.tokens.push_back(token.id);
    family.by = std::max(family.by, end);
  }
  return family;
}

EndOfSessions at_once(Timestamp now) {
  return {.at_once = true, .by = now, .text = "they end within one second"};
}

std::string until(Timestamp by) { return "live until " + format_iso8601(by) + " at the latest"; }

EndOfSessions not_ended(Timestamp by) {
  return {.at_once = false,
          .by = by,
          .text = "the sessions that are out could not be ended, and " + until(by)};
}

EndOfSessions failed(Timestamp by, std::string why) {
  EndOfSessions out = not_ended(by);
  out.text += "; repeat this a little later";
  out.why = why.empty() ? "no reason given" : std::move(why);  // empty: nothing failed
  return out;
}

Result<EndOfSessions> cut(const Cutting& with, const Whose& whose, const Family& family,
                          Timestamp now) {
  // Not as of when the request was read: sessions may have been bought while it waited.
  const Timestamp at = std::max(now, SystemClock().now());
  VALETKEY_TRY(CutOff done, with.issuer.cut_off({whose.account, family.tokens}, at));
  if (!done.at_once)
    return EndOfSessions{
        .at_once = false,
        .by = family.by,
        .text = "the engine cannot end sessions: those that are out " + until(family.by)};
  // No server may hand out of its cache what has ended.
  VALETKEY_CHECK(with.store.revoke_sessions(whose.account, at));
  for (const AccountId& other : done.others) VALETKEY_CHECK(with.store.revoke_sessions(other, at));
  EndOfSessions ended{.at_once = true,
                      .by = now,
                      .text = "they have ended at the engine",
                      .others = std::move(done.others)};
  if (done.whole_account)
    ended.text = "all sessions of account " + whose.account.str() +
                 " have ended, where one token's cannot be told apart; its other tokens buy new "
                 "ones at once";
  return ended;
}

}  // namespace

EndOfSessions end_of_sessions(const Cutting& with, const Whose& whose, Timestamp now) {
  if (with.issuer.follows_revocation()) return at_once(now);
  const auto family = family_of(with, whose, now);
  const Timestamp by = family ? family->by : now + with.longest;
  return {.at_once = false,
          .by = by,
          .text = "those that are out " + until(by) + "; a cut-off ends them"};
}

EndOfSessions try_to_cut_off(const Cutting& with, const Whose& whose, Timestamp now) {
  if (with.issuer.follows_revocation()) return at_once(now);
  const auto family = family_of(with, whose, now);
  if (!family) return failed(now + with.longest, family.error().detail);
  auto done = cut(with, whose, *family, now);
  if (done) return *std::move(done);
  return failed(family->by, std::move(done.error().detail));
}

EndOfSessions not_cut_off(const Cutting& with, const Whose& whose, std::string_view reason,
                          Timestamp now) {
  if (with.issuer.follows_revocation()) return at_once(now);
  const auto family = family_of(with, whose, now);
  EndOfSessions out = not_ended(family ? family->by : now + with.longest);
  out.text.append(": ").append(reason);
  return out;
}

Result<void> audit_others(control::AuditLog& audit, const EndOfSessions& ended, Timestamp now) {
  for (const AccountId& other : ended.others)
    VALETKEY_CHECK(audit.append_durably({.at = now,
                                         .action = ended.action(),
                                         .outcome = "ok",
                                         .account = &other,
                                         .actor = "",
                                         .subject = other.str(),
                                         .client = "",
                                         .request_id = "",
                                         .detail = kMadeRoom}));
  return {};
}

}  // namespace valetkey::access
