// SPDX-License-Identifier: Apache-2.0
#include "exporter/days.h"

#include <utility>

#include "base/log.h"
#include "exporter/internal/repeats.h"
#include "exporter/internal/scratch.h"
#include "exporter/merges.h"
#include "exporter/part_publisher.h"
#include "layout/part_key.h"

namespace valetkey::exporter {
namespace {

using std::chrono::days;

constexpr std::size_t kMostParts = 900;  // merged at once: a publication takes 1,000 keys

std::string folder_of(const std::string& key) { return key.substr(0, key.rfind('/') + 1); }

std::string origin_of(const std::vector<storage::ObjectInfo>& parts) {
  std::string text;
  for (const auto& part : parts) text += part.key + " " + part.etag + "\n";
  return text;
}

}  // namespace

Result<std::size_t> Days::close_days() {
  const Date last = date_of(parts_.clock.now() - parts_.options.grace) - days(1);
  VALETKEY_TRY(const auto began, batches_.closed_through());
  if (!began) return 0;
  const Date closed = *began;
  // Once for what another process left half done, and then once a day: each plan costs a request. Plans of days that
  // were closed a day ago can have no late output any more.
  if (!std::exchange(settled_, true)) VALETKEY_CHECK(settle_merges(parts_, closed - days(1)));
  if (closed >= last) return 0;
  // Midnight and grace have passed: what the log holds now is all that those days will have.
  VALETKEY_TRY(const bool settled, settling_.settled(format_date(last), last));
  if (!settled) return 0;
  VALETKEY_CHECK(settle_merges(parts_, closed - days(1)));
  std::size_t count = 0;
  for (Date day = closed + days(1); day <= last; day += days(1), ++count)
    VALETKEY_CHECK(close_day(day));
  return count;
}

Result<void> Days::close_day(Date day) {
  if (parts_.options.dedup == Dedup::day) VALETKEY_CHECK(Repeats(parts_).leave_once(day));
  VALETKEY_TRY(const auto accounts, parts_.accounts());
  PartPublisher publisher(parts_.store, parts_.clock.now());
  for (const auto& account : accounts) {
    const auto until = parts_.clock.now() + parts_.options.merging;
    for (const auto type : {layout::RowType::decisions, layout::RowType::events}) {
      // Small parts are a nuisance, not an error: the day is complete all the same.
      bool marked = false;
      if (const auto compacted = compact(account.id, type, day, until, marked); !compacted) {
        log::error("exporter", "a day could not be compacted",
                   {{"account", account.id.str()},
                    {"day", format_date(day)},
                    {"reason", compacted.error().detail}});
        parts_.drop_writer();  // a failure may have spoiled the instance
        // But for rows that it left there twice.
        VALETKEY_CHECK(settle_merges(parts_, Date::min()));
      }
      if (!marked)
        VALETKEY_CHECK(publisher.add_bytes(
            layout::day_prefix(account.id, type, day) + std::string(layout::kSuccess), ""));
    }
  }
  VALETKEY_CHECK(publisher.flush());
  VALETKEY_TRY(const auto lease, parts_.lease(kDays));
  return parts_.ledger.close_day(lease, day);
}

Result<void> Days::compact(const AccountId& account, layout::RowType type, Date day,
                           Timestamp until, bool& marked) {
  const auto prefix = layout::day_prefix(account, type, day);
  std::vector<storage::ObjectInfo> parts;  // of one partition
  std::uint64_t bytes = 0;
  const auto close = [&]() -> Result<void> {
    const bool worth_it = parts.size() > 1 && parts_.clock.now() < until;
    auto done = worth_it ? compact_partition(type, parts) : Result<void>();
    parts.clear();
    bytes = 0;
    return done;
  };
  const auto take = [&](const storage::ObjectInfo& info) -> Result<void> {
    if (info.key == prefix + std::string(layout::kSuccess)) marked = true;
    if (!is_part(info.key) || info.size > parts_.options.merged_bytes / 2) return {};
    const bool another = !parts.empty() && folder_of(parts[0].key) != folder_of(info.key);
    if (another || parts.size() == kMostParts || bytes + info.size > parts_.options.merged_bytes)
      VALETKEY_CHECK(close());
    parts.push_back(info);
    bytes += info.size;
    return {};
  };
  VALETKEY_CHECK(for_each_object(parts_.store, prefix, take));
  return close();
}

Result<void> Days::compact_partition(layout::RowType type,
                                     const std::vector<storage::ObjectInfo>& parts) {
  VALETKEY_TRY(auto* const parquet, parts_.writer());
  Scratch files, output;
  std::vector<std::string> gone;
  std::uint64_t rows = 0;
  for (const auto& part : parts) {
    VALETKEY_CHECK(fetch_object(parts_.store, part.key, files.add(parquet->make_path())));
    gone.push_back(part.key);
    VALETKEY_TRY(const auto of_part, rows_of(part, files.paths().back()));
    rows += of_part;
  }
  VALETKEY_TRY(const auto merged, parquet->merge(type, files.paths()));
  output.add(merged.path);
  if (merged.rows != rows)
    return fail(ErrorCode::corrupt,
                folder_of(parts[0].key) + " has parts whose rows do not add up");
  PartPublisher publisher(parts_.store, parts_.clock.now());
  const auto key = successor_key(folder_of(parts[0].key), origin_of(parts));
  VALETKEY_CHECK(plan_merge(parts_, {key, gone}));
  VALETKEY_CHECK(publisher.replace(key, merged, std::move(gone),
                                   parts_.clock.now() + parts_.options.readable_after));
  return finish_merge(parts_, key);
}

Result<std::size_t> Days::apply_retention() {
  VALETKEY_TRY(const auto accounts, parts_.accounts());
  std::size_t count = 0;
  for (const auto& account : accounts) {
    if (!account.retention) continue;
    const Date first_kept = date_of(parts_.clock.now()) - *account.retention;
    std::vector<std::string> gone;
    for (const auto type : {layout::RowType::decisions, layout::RowType::events}) {
      // Days sort as their names do: everything before the first day that is kept goes.
      const auto end = layout::day_prefix(account.id, type, first_kept);
      const auto prefix = layout::type_prefix(account.id, type);
      VALETKEY_CHECK(for_each_object_before(parts_.store, prefix, end,
                                            [&](const storage::ObjectInfo& info) -> Result<void> {
                                              if (layout::DayKey::containing(info.key))
                                                gone.push_back(info.key);
                                              return {};
                                            }));
    }
    count += gone.size();
    VALETKEY_CHECK(remove_objects(parts_.store, std::move(gone)));
  }
  return count;
}

}  // namespace valetkey::exporter
