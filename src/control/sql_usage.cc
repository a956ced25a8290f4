// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "control/internal/sql_tables.h"

namespace valetkey::control {
namespace {

// Sums stop at half the range, so that adding two never overflows.
constexpr auto kMost = std::numeric_limits<std::int64_t>::max() / 2;

std::int64_t capped(std::uint64_t value) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(value, kMost));
}

// Of two values that are capped themselves.
std::string capped_sum(const std::string& column) {
  const std::string before = "account_usage." + column, added = "excluded." + column,
                    most = std::to_string(kMost);
  return "CASE WHEN " + before + " > " + most + " - " + added + " THEN " + most + " ELSE " +
         before + " + " + added + " END";
}

std::int64_t day_number(Date day) { return day.time_since_epoch().count(); }

// By their number, not by the clock: a clock that was wrong for an hour costs nobody his figures.
Result<void> forget_old_days(Database& database, const AccountId& account) {
  VALETKEY_TRY(Statement forget,
               database.prepare("DELETE FROM account_usage WHERE account = ?1 AND day <="
                                " (SELECT day FROM account_usage WHERE account = ?1"
                                "  ORDER BY day DESC LIMIT 1 OFFSET ?2)"));
  return forget.bind(account.str(), std::int64_t{kDaysOfUsage}).run_later();
}

Result<void> add_day(Statement& add, const DayOfUsage& day) {
  const UsageCounts& counts = day.counts;
  add.bind(day.account.str(), day_number(day.day), capped(counts.exchanges),
           capped(counts.requests), capped(counts.bytes), capped(counts.events),
           capped(counts.event_bytes));
  return add.run_later();
}

Result<void> move_last_uses(Database& database, const std::vector<TokenUse>& tokens) {
  VALETKEY_TRY(
      Statement move,
      database.prepare("UPDATE tokens SET last_used_ms = ?2, last_used_from = ?3 WHERE id = ?1"
                       " AND (last_used_ms IS NULL OR last_used_ms < ?2)"));
  for (const TokenUse& use : tokens) {
    move.bind(use.token.str(), epoch_ms(use.at), use.from);
    VALETKEY_CHECK(move.run_later());
  }
  return {};
}

std::uint64_t count_of(const Statement& row, int column) {
  return static_cast<std::uint64_t>(row.integer(column));
}

}  // namespace

Result<void> upsert_usage(Database& database, const std::vector<DayOfUsage>& days,
                          const std::vector<TokenUse>& tokens) {
  VALETKEY_TRY(
      Statement add,
      database.prepare(
          std::string(
              "INSERT INTO account_usage (account, day, exchanges, requests, bytes, events, "
              "event_bytes)"
              " SELECT id, ?2, ?3, ?4, ?5, ?6, ?7 FROM accounts WHERE id = ?1 AND usage_purged = 0"
              " ON CONFLICT (account, day) DO UPDATE SET") +
          " exchanges = " + capped_sum("exchanges") + ", requests = " + capped_sum("requests") +
          ", bytes = " + capped_sum("bytes") + ", events = " + capped_sum("events") +
          ", event_bytes = " + capped_sum("event_bytes")));
  for (const DayOfUsage& day : days) {
    VALETKEY_CHECK(add_day(add, day));
    VALETKEY_CHECK(forget_old_days(database, day.account));
  }
  return move_last_uses(database, tokens);
}

Result<std::vector<DayOfUsage>> select_usage(Database& database,
                                             const std::optional<AccountId>& account, Date since,
                                             Date until) {
  std::string sql =
      "SELECT account, day, exchanges, requests, bytes, events, event_bytes FROM account_usage"
      " WHERE day BETWEEN ?1 AND ?2";
  if (account) sql += " AND account = ?3";
  VALETKEY_TRY(Statement list, database.prepare(sql + " ORDER BY account, day"));
  const auto account_text = as_text(account);
  if (account_text)
    list.bind(day_number(since), day_number(until), *account_text);
  else
    list.bind(day_number(since), day_number(until));
  std::vector<DayOfUsage> usage;
  while (true) {
    VALETKEY_TRY(const bool row, list.step());
    if (!row) return usage;
    VALETKEY_TRY(AccountId of, as_stored(AccountId::parse(list.text(0))));
    usage.push_back({std::move(of),
                     Date(std::chrono::days(list.integer(1))),
                     {count_of(list, 2), count_of(list, 3), count_of(list, 4), count_of(list, 5),
                      count_of(list, 6)}});
  }
}

Result<void> delete_usage(Database& database, const AccountId& account) {
  for (const char* sql : {"UPDATE accounts SET usage_purged = 1 WHERE id = ?1",
                          "DELETE FROM account_usage WHERE account = ?1"}) {
    VALETKEY_TRY(Statement statement, database.prepare(sql));
    VALETKEY_CHECK(statement.bind(account.str()).run());
  }
  return {};
}

}  // namespace valetkey::control
