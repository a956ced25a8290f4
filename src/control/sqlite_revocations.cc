// SPDX-License-Identifier: Apache-2.0
// While a token is revoked, a user disabled or an account suspended, no session of theirs counts,
// whenever it was issued: a server that has not yet seen the change, or whose clock runs ahead, may
// issue one after the instant of the change. Hence "forever" until the subject is allowed again.
#include <limits>

#include "control/sqlite_tables.h"

namespace valetkey::control {
namespace {

constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();

Result<void> set_not_before(Connection& connection, std::string_view subject,
                            std::int64_t not_before_ms, Timestamp now) {
  VALETKEY_TRY(Statement set, connection.prepare("INSERT OR REPLACE INTO revocations"
                                                 " (subject, not_before_ms, revoked_ms)"
                                                 " VALUES (?1, ?2, ?3)"));
  return set.bind(1, subject).bind(2, not_before_ms).bind(3, epoch_ms(now)).run();
}

}  // namespace

Result<void> forbid(Connection& connection, std::string_view subject, Timestamp now) {
  return set_not_before(connection, subject, kForever, now);
}

Result<void> allow_again(Connection& connection, std::string_view subject, Timestamp now) {
  return set_not_before(connection, subject, epoch_ms(now), now);
}

Result<Revocations> select_revocations(Connection& connection, Timestamp newer_than) {
  VALETKEY_TRY(Statement list, connection.prepare("SELECT subject, not_before_ms FROM revocations"
                                                  " WHERE revoked_ms >= ?1"));
  list.bind(1, epoch_ms(newer_than));
  Revocations revocations;
  while (true) {
    VALETKEY_TRY(const bool row, list.step());
    if (!row) return revocations;
    revocations.not_before.emplace(list.text(0), from_epoch_ms(list.integer(1)));
  }
}

Result<void> count_change(Connection& connection) {
  VALETKEY_TRY(Statement count, connection.prepare("UPDATE changes SET counter = counter + 1"));
  return count.run();
}

Result<std::uint64_t> select_change_counter(Connection& connection) {
  VALETKEY_TRY(const auto counter, connection.read_integer("SELECT counter FROM changes"));
  return static_cast<std::uint64_t>(counter);
}

}  // namespace valetkey::control
