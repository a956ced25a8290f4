// SPDX-License-Identifier: Apache-2.0
#include "exporter/internal/repeats.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <tuple>
#include <utility>

#include "base/log.h"
#include "exporter/internal/scratch.h"
#include "exporter/merges.h"
#include "exporter/part_publisher.h"
#include "layout/part_key.h"

namespace valetkey::exporter {
namespace {

constexpr std::size_t kMostAtOnce = std::size_t{4} << 20;  // repeated uuids: 64 MiB
// Rows of accounts that are looked at together, since what is found in them needs all files of the day: 30 MiB.
constexpr std::size_t kMostRows = std::size_t{1} << 18;

}  // namespace

// Equal uuids lie in one partition, unless one of them was written before the log had routes. What a day's events became
// was written on that day or later.
Result<std::vector<SeenFile>> Repeats::files_of(unsigned partition, Date day) {
  std::vector<SeenFile> out;
  for (unsigned other = 0; other < parts_.log.partitions(); ++other) {
    if (other != partition && parts_.log.routed(other)) continue;
    VALETKEY_TRY(const auto files, parts_.ledger.seen(other));
    std::ranges::copy_if(files, std::back_inserter(out),
                         [&](const SeenFile& file) { return file.day >= day; });
  }
  return out;
}

Result<void> Repeats::leave_once(Date day) {
  Digests repeated;
  for (unsigned partition = 0; partition < parts_.log.partitions(); ++partition) {
    VALETKEY_TRY(const auto files, files_of(partition, day));
    std::vector<std::unique_ptr<storage::ObjectReader>> readers;
    std::vector<storage::ObjectReader*> inputs;
    for (const auto& file : files) {
      VALETKEY_TRY(auto reader, parts_.store.open(file.key));
      inputs.push_back(readers.emplace_back(std::move(reader)).get());
    }
    const auto take = [&](const UuidDigest& digest, bool again) -> Result<void> {
      if (again && (repeated.empty() || repeated.back() != digest)) repeated.push_back(digest);
      return repeated.size() < kMostAtOnce ? Result<void>()
                                           : leave_once(day, std::exchange(repeated, {}));
    };
    VALETKEY_CHECK(for_each_seen(inputs, take));
  }
  return repeated.empty() ? Result<void>() : leave_once(day, std::move(repeated));
}

Result<void> Repeats::leave_once(Date day, Digests repeated) {
  std::ranges::sort(repeated);
  VALETKEY_TRY(const auto accounts, parts_.accounts());
  Found found;
  for (const auto& account : accounts) {
    for (const auto type : {layout::RowType::decisions, layout::RowType::events})
      VALETKEY_CHECK(for_each_object(
          parts_.store, layout::day_prefix(account.id, type, day),
          [&](const storage::ObjectInfo& info) {
            return is_part(info.key) ? look_at(repeated, {account.id, type, info}, found)
                                     : Result<void>();
          }));
    if (found.rows.size() >= kMostRows) VALETKEY_CHECK(leave_once(day, std::exchange(found, {})));
  }
  return leave_once(day, std::move(found));
}

Result<void> Repeats::leave_once(Date day, Found found) {
  if (found.rows.empty()) return {};
  VALETKEY_TRY(const auto certain, this->certain(day, found));
  choose(certain, found);
  for (const auto& part : found.parts)
    if (!part.rows.empty()) VALETKEY_CHECK(rewrite(part));
  return {};
}

Result<void> Repeats::look_at(const Digests& repeated, Part part, Found& found) {
  const auto before = found.rows.size();
  VALETKEY_TRY(const bool readable, read(repeated, part, found));
  if (!readable) {
    found.rows.resize(before);
    log::error("exporter", "a part cannot be read; what it has twice stays",
               {{"object", part.info.key}});
  }
  if (found.rows.size() > before) found.parts.push_back(std::move(part));
  return {};
}

// False: it is the part. An error: it is the disk, or DuckDB itself.
Result<bool> Repeats::read(const Digests& repeated, const Part& part, Found& found) {
  VALETKEY_TRY(auto* const parquet, parts_.writer());
  Scratch scratch;
  const auto file = scratch.add(parquet->make_path());
  if (auto fetched = fetch_object(parts_.store, part.info.key, file); !fetched) {
    if (fetched.error().code == ErrorCode::corrupt) return false;
    return std::unexpected(std::move(fetched).error());
  }
  const auto has = [&](const UuidDigest& digest) {
    return std::ranges::binary_search(repeated, digest);
  };
  const auto place = static_cast<std::uint32_t>(found.parts.size());  // where it will stand
  const auto account = part.account.str();
  const auto look = [&](const UuidRow& row) -> Result<void> {
    const auto keyed = digest_of(account, row.uuid);
    const auto keyless = digest_of(account, row.uuid, true);
    if (!has(keyed) && !has(keyless)) return {};
    const auto number = found.number_of(keyed, has(keyed) ? keyless : keyed);
    found.rows.push_back({number, place, row.number, row.received});
    return {};
  };
  if (parquet->for_each_uuid(file, look)) return true;
  parts_.drop_writer();  // a failure may have spoiled the instance; this removes `file`, too
  VALETKEY_TRY(auto* const probe, parts_.writer());
  VALETKEY_CHECK(probe->write_sample());
  return false;
}

std::uint32_t Repeats::Found::number_of(const UuidDigest& uuid, const UuidDigest& other_form) {
  const auto [at, fresh] = uuids.try_emplace(uuid, static_cast<std::uint32_t>(uuids.size()));
  if (fresh) other_forms.push_back(other_form);
  return at->second;
}

// A row does not tell whether its event came with the account's ingest key. Where events of one uuid came both ways that
// day, those without could be anybody's, and the row that goes might be that of the genuine one: all of them stay.
Result<std::vector<bool>> Repeats::certain(Date day, const Found& found) {
  Deduplicator alone;
  for (std::uint32_t i = 0; i < found.other_forms.size(); ++i) alone.add(found.other_forms[i], i);
  alone.sort();
  for (unsigned partition = 0; partition < parts_.log.partitions(); ++partition) {
    VALETKEY_TRY(const auto files, files_of(partition, day));
    for (const auto& file : files) {
      VALETKEY_TRY(const auto reader, parts_.store.open(file.key));
      VALETKEY_CHECK(alone.subtract(*reader));
    }
  }
  return alone.kept(found.other_forms.size());
}

// The event that came first stays, with all of its rows. What came at the same moment is never apart in the log as far as
// what is compared in memory, so equal moments are one event's.
void Repeats::choose(const std::vector<bool>& certain, Found& found) {
  std::vector<std::int64_t> first(certain.size(), std::numeric_limits<std::int64_t>::max());
  for (const auto& row : found.rows) first[row.uuid] = std::min(first[row.uuid], row.received);
  std::ranges::sort(found.rows, {}, [](const Row& row) {
    return std::tuple(row.uuid, row.received, row.part, row.number);
  });
  const Row* former = nullptr;
  for (const auto& row : found.rows) {
    if (!certain[row.uuid] || row.received == first[row.uuid]) continue;
    auto& part = found.parts[row.part];
    part.rows.push_back(row.number);
    if (former == nullptr || former->uuid != row.uuid || former->received != row.received)
      ++part.events;
    former = &row;
  }
}

Result<void> Repeats::rewrite(const Part& part) {
  const auto& key = part.info.key;
  VALETKEY_TRY(auto* const parquet, parts_.writer());
  Scratch scratch;
  const auto file = scratch.add(parquet->make_path());
  VALETKEY_CHECK(fetch_object(parts_.store, key, file));
  VALETKEY_TRY(const auto rest, parquet->without_rows(part.type, file, part.rows));
  scratch.add(rest.path);
  VALETKEY_TRY(const auto rows, rows_of(part.info, file));
  if (rest.rows + part.rows.size() != rows)
    return fail(ErrorCode::corrupt, key + " has other rows than were counted");
  VALETKEY_TRY(const auto lease, parts_.lease(kDays));
  VALETKEY_CHECK(
      parts_.ledger.note_repeats(lease, {key, part.account.str(), rows - rest.rows, part.events}));
  const auto successor =
      successor_key(key.substr(0, key.rfind('/') + 1), "once " + key + " " + part.info.etag);
  PartPublisher publisher(parts_.store, parts_.clock.now());
  if (rest.rows > 0) VALETKEY_CHECK(plan_merge(parts_, {successor, {key}}));
  VALETKEY_CHECK(publisher.replace(successor, rest, {key},
                                   parts_.clock.now() + parts_.options.readable_after));
  log::info("exporter", "left once what came again on a day",
            {{"object", key}, {"rows", part.rows.size()}});
  return rest.rows > 0 ? finish_merge(parts_, successor) : Result<void>();
}

}  // namespace valetkey::exporter
