// SPDX-License-Identifier: Apache-2.0
// While a token is revoked, a user disabled or an account suspended, no session of theirs counts,
// whenever it was issued: a server that has not yet seen the change, or whose clock runs ahead, may
// issue one after the instant of the change. Hence "forever" until the subject is allowed again.
#include <limits>

#include "control/internal/sql_tables.h"

namespace valetkey::control {
namespace {

constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();
constexpr milliseconds kKept = std::chrono::days(7);  // far beyond the longest session

// Nobody asks for these any more: the sessions that they ended have expired long ago. A few with
// each new one, so that no single revocation pays for the many of another day.
Result<void> forget_old(Database& database, Timestamp now) {
  VALETKEY_TRY(Statement forget,
               database.prepare("DELETE FROM revocations WHERE subject IN"
                                " (SELECT subject FROM revocations WHERE revoked_ms < ?1"
                                " ORDER BY revoked_ms LIMIT 100)"));
  return forget.bind(epoch_ms(now - kKept)).run_later();
}

Result<void> set_not_before(Database& database, std::string_view subject,
                            std::int64_t not_before_ms, Timestamp now) {
  VALETKEY_TRY(Statement set, database.prepare("INSERT INTO revocations"
                                               " (subject, not_before_ms, revoked_ms, change)"
                                               " SELECT ?1, ?2, ?3, counter + 1 FROM changes"
                                               " WHERE id = 1"
                                               " ON CONFLICT (subject) DO UPDATE SET"
                                               " not_before_ms = excluded.not_before_ms,"
                                               " revoked_ms = excluded.revoked_ms,"
                                               " change = excluded.change"));
  VALETKEY_CHECK(set.bind(subject, not_before_ms, epoch_ms(now)).run_later());
  return forget_old(database, now);
}

}  // namespace

Result<void> forbid(Database& database, std::string_view subject, Timestamp now) {
  return set_not_before(database, subject, kForever, now);
}

Result<void> allow_again(Database& database, std::string_view subject, Timestamp now) {
  return set_not_before(database, subject, epoch_ms(now), now);
}

Result<void> revoke_sessions_of(Database& database, const AccountId& id, Timestamp now) {
  VALETKEY_TRY(const Account account, select_account(database, id));
  // Those of other accounts are refused already, and new ones as well.
  if (account.state == AccountState::active) VALETKEY_CHECK(allow_again(database, id.str(), now));
  return count_change(database);
}

Result<std::vector<Revocation>> select_revocations(Database& database, Timestamp newer_than,
                                                   std::uint64_t changed_after) {
  VALETKEY_TRY(Statement list, database.prepare("SELECT subject, not_before_ms FROM revocations"
                                                " WHERE change > ?2 AND +revoked_ms >= ?1"));
  list.bind(epoch_ms(newer_than), static_cast<std::int64_t>(changed_after));
  std::vector<Revocation> revocations;
  while (true) {
    VALETKEY_TRY(const bool row, list.step());
    if (!row) return revocations;
    revocations.push_back({std::string(list.text(0)), from_epoch_ms(list.integer(1))});
  }
}

Result<void> count_change(Database& database) {
  VALETKEY_TRY(Statement count, database.prepare("UPDATE changes SET counter = counter + 1"));
  return count.run();
}

Result<std::uint64_t> select_change_counter(Database& database) {
  VALETKEY_TRY(const auto counter, database.read_integer("SELECT counter FROM changes"));
  return static_cast<std::uint64_t>(counter);
}

}  // namespace valetkey::control
