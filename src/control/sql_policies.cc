// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "control/internal/sql_tables.h"

namespace valetkey::control {
namespace {

constexpr std::int64_t kMaxRetentionDays = 36'500;
constexpr std::size_t kMaxOrigins = 100;
constexpr std::size_t kMaxOriginBytes = 300;
constexpr std::size_t kDigestBytes = 32;
constexpr std::size_t kMaxPlaceBytes = 1000;

// What a browser may write into an Origin header: scheme://host[:port], or "null". Only its bytes
// matter, since it is compared and never taken apart.
bool is_origin(std::string_view text) {
  return !text.empty() && text.size() <= kMaxOriginBytes &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; }) &&
         (text == "null" || (text.contains("://") && !text.ends_with('/')));
}

Result<void> check_policy(const AccountPolicy& policy) {
  if (policy.retention &&
      (policy.retention->count() < 1 || policy.retention->count() > kMaxRetentionDays))
    return fail(ErrorCode::invalid, "a retention is 1 to 36500 days");
  if (policy.ingest_key_sha256 && policy.ingest_key_sha256->size() != kDigestBytes)
    return fail(ErrorCode::invalid, "an ingest key is stored as the 32 bytes of its SHA-256");
  if (policy.origins.size() > kMaxOrigins)
    return fail(ErrorCode::invalid, "an account lists at most 100 origins");
  for (const auto* place : {&policy.bucket, &policy.prefix})
    if (*place && ((*place)->empty() || (*place)->size() > kMaxPlaceBytes))
      return fail(ErrorCode::invalid, "a bucket or prefix of an account has 1 to 1,000 bytes");
  for (const std::string& origin : policy.origins)
    if (!is_origin(origin))
      return fail(ErrorCode::invalid,
                  "an origin is scheme://host[:port] without a slash at its end");
  return {};
}

std::string join(const std::vector<std::string>& origins) {
  std::string lines;
  for (const std::string& origin : origins) (lines += lines.empty() ? "" : "\n") += origin;
  return lines;
}

std::vector<std::string> split(std::string_view lines) {
  std::vector<std::string> origins;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    origins.emplace_back(line);
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
  }
  return origins;
}

// Columns have no larger integer; a limit beyond it limits nothing anybody could send.
std::int64_t as_column(std::uint64_t limit) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  return limit > static_cast<std::uint64_t>(kMost) ? kMost : static_cast<std::int64_t>(limit);
}

// The columns of VALETKEY_POLICY_COLUMNS, of which `first` is the first one's place.
AccountPolicy read_policy(const Statement& row, int first) {
  AccountPolicy policy;
  if (const auto days = row.optional_integer(first)) policy.retention = std::chrono::days(*days);
  policy.ingest_key_sha256 = row.optional_text(first + 1);
  policy.origins = split(row.text(first + 2));
  policy.events_per_s = static_cast<std::uint64_t>(row.integer(first + 3));
  policy.bytes_per_day = static_cast<std::uint64_t>(row.integer(first + 4));
  policy.bucket = row.optional_text(first + 5);
  policy.prefix = row.optional_text(first + 6);
  return policy;
}

#define VALETKEY_POLICY_COLUMNS                                                          \
  "retention_days, ingest_key_sha256, coalesce(origins, ''), coalesce(events_per_s, 0)," \
  " coalesce(bytes_per_day, 0), bucket, prefix"

}  // namespace

Result<AccountPolicy> select_policy(Database& database, const AccountId& id) {
  VALETKEY_TRY(Statement find,
               database.prepare("SELECT " VALETKEY_POLICY_COLUMNS
                                " FROM accounts LEFT JOIN policies ON account = id WHERE id = ?1"));
  VALETKEY_TRY(const bool found, find.bind(id.str()).step());
  if (!found) return fail(ErrorCode::not_found, "there is no account " + id.str());
  return read_policy(find, 0);
}

Result<std::vector<AccountWithPolicy>> select_accounts_with_policies(Database& database) {
  VALETKEY_TRY(Statement list,
               database.prepare("SELECT id, name, state, created_ms, " VALETKEY_POLICY_COLUMNS
                                " FROM accounts LEFT JOIN policies ON account = id"
                                " ORDER BY length(id), id"));
  std::vector<AccountWithPolicy> all;
  while (true) {
    VALETKEY_TRY(const bool row, list.step());
    if (!row) return all;
    VALETKEY_TRY(Account account, read_account(list));
    all.push_back({std::move(account), read_policy(list, 4)});
  }
}

Result<void> upsert_policy(Database& database, const AccountId& id, const AccountPolicy& policy,
                           Timestamp now) {
  VALETKEY_CHECK(check_policy(policy));
  VALETKEY_TRY(const Account account, select_account(database, id));
  if (account.state == AccountState::deleted)
    return fail(ErrorCode::denied, "account " + id.str() + " was deleted; that is final");
  VALETKEY_TRY(Statement set,
               database.prepare("INSERT INTO policies (account, retention_days,"
                                " ingest_key_sha256, origins, events_per_s, bytes_per_day,"
                                " changed_ms, bucket, prefix)"
                                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
                                " ON CONFLICT (account) DO UPDATE SET"
                                " retention_days = excluded.retention_days,"
                                " ingest_key_sha256 = excluded.ingest_key_sha256,"
                                " origins = excluded.origins, events_per_s = excluded.events_per_s,"
                                " bytes_per_day = excluded.bytes_per_day,"
                                " changed_ms = excluded.changed_ms, bucket = excluded.bucket,"
                                " prefix = excluded.prefix"));
  const std::string origins = join(policy.origins);
  std::optional<std::int64_t> retention_days;
  if (policy.retention) retention_days = policy.retention->count();
  std::optional<Blob> key;
  if (policy.ingest_key_sha256) key = Blob{*policy.ingest_key_sha256};
  set.bind(id.str(), retention_days, key, origins, as_column(policy.events_per_s),
           as_column(policy.bytes_per_day), epoch_ms(now), policy.bucket, policy.prefix);
  VALETKEY_CHECK(set.run());
  return count_change(database);
}

}  // namespace valetkey::control
