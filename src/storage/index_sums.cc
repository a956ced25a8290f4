// SPDX-License-Identifier: Apache-2.0
#include "storage/internal/index_sums.h"

#include <fmt/format.h>

#include <array>

#include "layout/part_key.h"
#include "storage/index.h"
#include "storage/index_schema.h"

namespace valetkey::storage {
namespace {

// What a row of `objects` (`{0}`: "new.", "old." or nothing) adds to the sums of its day. A part's
// key is v1/account_id=<id>/type=<type>/date=<day>/…; `day` is that up to the slash behind the date.
constexpr std::string_view kDay = "substr({0}key, 1, instr({0}key, '/date=') + 16)";
constexpr std::string_view kCounts =
    "{0}unlisted IS NULL AND instr({0}key, '/date=') > 0 AND"
    " (substr({0}key, -8) = '.parquet' OR substr({0}key, -9) = '/_SUCCESS')";
constexpr std::string_view kAdds =
    "substr({0}key, -8) = '.parquet', {0}size, ifnull({0}rows, 0),"
    " {0}rows IS NULL AND substr({0}key, -8) = '.parquet', substr({0}key, -9) = '/_SUCCESS'";
// The generation that the transaction under way makes.
constexpr std::string_view kNext = "(SELECT generation + 1 FROM state)";

constexpr std::string_view kTable = R"(
CREATE TABLE day_sums (
  day TEXT NOT NULL COLLATE BINARY PRIMARY KEY,
  parts INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  uncounted INTEGER NOT NULL,
  complete INTEGER NOT NULL,
  changed INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;
)";

std::string of(std::string_view text, std::string_view row) {
  return fmt::format(fmt::runtime(text), row);
}

std::string adding(std::string_view row) {
  return fmt::format(
      "INSERT INTO day_sums VALUES ({}, {}, {}) ON CONFLICT (day) DO UPDATE SET"
      " parts = parts + excluded.parts, bytes = bytes + excluded.bytes,"
      " rows = rows + excluded.rows, uncounted = uncounted + excluded.uncounted,"
      " complete = complete + excluded.complete, changed = excluded.changed;",
      of(kDay, row), of(kAdds, row), kNext);
}

std::string taking(std::string_view row) {
  return fmt::format(
      "UPDATE day_sums SET (parts, bytes, rows, uncounted, complete, changed) ="
      " (SELECT parts - v.p, bytes - v.b, rows - v.r, uncounted - v.u, complete - v.c, {6}"
      " FROM (SELECT {1} AS p, {2} AS b, {3} AS r, {4} AS u, {5} AS c) AS v) WHERE day = {0};"
      "DELETE FROM day_sums WHERE day = {0} AND parts = 0 AND complete = 0;",
      of(kDay, row), of("substr({0}key, -8) = '.parquet'", row), of("{0}size", row),
      of("ifnull({0}rows, 0)", row),
      of("({0}rows IS NULL AND substr({0}key, -8) = '.parquet')", row),
      of("substr({0}key, -9) = '/_SUCCESS'", row), kNext);
}

std::string trigger(std::string_view name, std::string_view when, std::string_view counts,
                    const std::string& work) {
  return fmt::format("CREATE TRIGGER {} AFTER {} ON objects WHEN {} BEGIN {} END;", name, when,
                     counts, work);
}

Sums read_sums(const Statement& row, int first) {
  Sums sums{.parts = static_cast<std::uint64_t>(row.integer(first)),
            .bytes = static_cast<std::uint64_t>(row.integer(first + 1)),
            .rows = static_cast<std::uint64_t>(row.integer(first + 2))};
  if (row.integer(first + 3) > 0) sums.rows.reset();
  return sums;
}

std::string all_triggers() {
  const std::string_view changes = "UPDATE OF size, rows, unlisted";
  return trigger("sums_insert", "INSERT", of(kCounts, "new."), adding("new.")) +
         trigger("sums_delete", "DELETE", of(kCounts, "old."), taking("old.")) +
         trigger("sums_leave", changes, of(kCounts, "old."), taking("old.")) +
         trigger("sums_enter", changes, of(kCounts, "new."), adding("new."));
}

// A table of a release that did not note when a day changed.
Result<void> add_changed(Database& database) {
  VALETKEY_TRY(const auto there,
               database.read_integer("SELECT count(*) FROM pragma_table_info('day_sums') "
                                     "WHERE name = 'changed'"));
  if (there > 0) return {};
  return database.execute(
      "ALTER TABLE day_sums ADD COLUMN changed INTEGER NOT NULL DEFAULT 1;"
      "UPDATE day_sums SET changed = (SELECT generation FROM state);"
      "DROP TRIGGER sums_insert; DROP TRIGGER sums_delete;"
      "DROP TRIGGER sums_leave; DROP TRIGGER sums_enter;" +
      all_triggers());
}

}  // namespace

Result<void> prepare_sums(Database& database) {
  VALETKEY_TRY(const auto there,
               database.read_integer("SELECT count(*) FROM sqlite_schema WHERE name = 'day_sums'"));
  if (there > 0) return add_changed(database);
  std::string script(kTable);
  script += fmt::format(
      "INSERT INTO day_sums SELECT {} AS day, sum(substr(key, -8) = '.parquet'), sum(size),"
      " sum(ifnull(rows, 0)), sum(rows IS NULL AND substr(key, -8) = '.parquet'),"
      " sum(substr(key, -9) = '/_SUCCESS'), (SELECT generation FROM state)"
      " FROM objects WHERE {} GROUP BY 1;",
      of(kDay, ""), of(kCounts, ""));
  script += all_triggers();
  return database.execute(script);
}

Result<std::vector<DaySums>> Index::days(std::string_view account) {
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  VALETKEY_TRY(const auto id, AccountId::parse(account));
  const std::string prefix = layout::account_prefix(id);
  const std::string end = behind(prefix);
  VALETKEY_TRY(Statement rows, database->prepare("SELECT day, parts, bytes, rows, uncounted,"
                                                 " complete FROM day_sums"
                                                 " WHERE day >= ? AND day < ? ORDER BY day"));
  rows.bind(prefix, end);
  std::vector<DaySums> days;
  while (true) {
    VALETKEY_TRY(const bool there, rows.step());
    if (!there) break;
    const auto day = layout::DayKey::containing(rows.text(0));
    if (!day) continue;
    days.push_back({std::string(layout::name_of(day->folder.type)), day->folder.day,
                    read_sums(rows, 1), rows.integer(5) > 0});
  }
  std::ranges::sort(days, {}, [](const DaySums& each) { return std::pair(each.day, each.type); });
  return days;
}

Result<std::vector<PartitionSums>> Index::partitions(std::string_view day_prefix,
                                                     std::string_view after, std::size_t limit) {
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  // In key order, so that one pass adds up; "0" is what follows "/".
  const std::string from =
      after.empty() ? std::string(day_prefix) : fmt::format("{}{}0", day_prefix, after);
  const std::string end = behind(std::string(day_prefix));
  VALETKEY_TRY(
      Statement rows,
      database->prepare("SELECT substr(key, ?3, instr(substr(key, ?3), '/') - 1) AS name,"
                        " count(*), sum(size), sum(ifnull(rows, 0)), sum(rows IS NULL)"
                        " FROM objects WHERE key >= ?1 AND key < ?2 AND unlisted IS NULL"
                        " AND substr(key, -8) = '.parquet' AND instr(substr(key, ?3), '/') > 0"
                        " GROUP BY name ORDER BY name LIMIT ?4"));
  rows.bind(from, end, static_cast<std::int64_t>(day_prefix.size() + 1),
            static_cast<std::int64_t>(limit));
  std::vector<PartitionSums> partitions;
  while (true) {
    VALETKEY_TRY(const bool there, rows.step());
    if (!there) return partitions;
    partitions.push_back({std::string(rows.text(0)), read_sums(rows, 1)});
  }
}

Result<std::optional<ObjectInfo>> Index::latest(std::string_view day_prefix) {
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  const std::string end = behind(std::string(day_prefix));
  VALETKEY_TRY(Statement row,
               database->prepare("SELECT " VALETKEY_INFO_COLUMNS
                                 " FROM objects WHERE key >= ? AND key < ? AND unlisted IS NULL"
                                 " AND substr(key, -8) = '.parquet' ORDER BY modified DESC"
                                 " LIMIT 1"));
  VALETKEY_TRY(const bool there, row.bind(day_prefix, end).step());
  if (!there) return std::optional<ObjectInfo>();
  VALETKEY_TRY(ObjectInfo info, read_info(row));
  return std::optional(std::move(info));
}

}  // namespace valetkey::storage
