// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "control/sqlite_tables.h"

namespace valetkey::control {
namespace {

// Sums stop at half the range, so that adding two never overflows into SQLite's floating point.
constexpr auto kMost = std::numeric_limits<std::int64_t>::max() / 2;

std::int64_t capped(std::uint64_t value) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(value, kMost));
}

std::int64_t day_number(Date day) { return day.time_since_epoch().count(); }

}  // namespace

Result<void> upsert_usage(Connection& connection, const std::vector<UsageDelta>& deltas) {
  // A token that the store does not know (it was restored from a backup) has nobody to count for.
  VALETKEY_TRY(
      Statement add,
      connection.prepare("INSERT INTO usage (token, day, exchanges, requests, bytes)"
                         " SELECT id, ?2, ?3, ?4, ?5 FROM tokens WHERE id = ?1"
                         " ON CONFLICT (token, day) DO UPDATE SET"
                         " exchanges = min(exchanges + excluded.exchanges, 4611686018427387903),"
                         " requests = min(requests + excluded.requests, 4611686018427387903),"
                         " bytes = min(bytes + excluded.bytes, 4611686018427387903)"));
  for (const UsageDelta& delta : deltas) {
    add.reset();
    add.bind(1, delta.token.str()).bind(2, day_number(delta.day)).bind(3, capped(delta.exchanges));
    add.bind(4, capped(delta.requests)).bind(5, capped(delta.bytes));
    VALETKEY_CHECK(add.run());
  }
  return {};
}

Result<std::vector<UsageDelta>> select_usage(Connection& connection,
                                             const std::optional<AccountId>& account, Date since) {
  std::string sql =
      "SELECT usage.token, usage.day, usage.exchanges, usage.requests, usage.bytes FROM usage"
      " JOIN tokens ON tokens.id = usage.token WHERE usage.day >= ?1";
  if (account) sql += " AND tokens.account = ?2";
  VALETKEY_TRY(Statement list, connection.prepare(sql + " ORDER BY usage.day, usage.token"));
  list.bind(1, day_number(since));
  if (account) list.bind(2, account->str());
  std::vector<UsageDelta> usage;
  while (true) {
    VALETKEY_TRY(const bool row, list.step());
    if (!row) return usage;
    VALETKEY_TRY(TokenId token, as_stored(TokenId::parse(list.text(0))));
    usage.push_back({std::move(token), Date(std::chrono::days(list.integer(1))),
                     static_cast<std::uint64_t>(list.integer(2)),
                     static_cast<std::uint64_t>(list.integer(3)),
                     static_cast<std::uint64_t>(list.integer(4))});
  }
}

}  // namespace valetkey::control
