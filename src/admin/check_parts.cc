// SPDX-License-Identifier: Apache-2.0
#include "admin/internal/check_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <iterator>
#include <set>

#include "base/crypto.h"
#include "events/file_log.h"
#include "exporter/merges.h"
#include "exporter/parquet_footer.h"
#include "exporter/part_publisher.h"
#include "exporter/runs.h"
#include "layout/part_key.h"

namespace valetkey::admin {
namespace {

using exporter::is_part;
constexpr std::size_t kBlock = 1 << 20;
constexpr int kLooks = 3;  // at an account whose parts change while they are read

// What became of a part: its rows, or the problem with it.
using Rows = std::expected<std::uint64_t, std::string>;

std::unexpected<std::string> unreadable(const Error& why) { return std::unexpected(why.detail); }

// Of every byte, where it was kept.
Result<std::uint32_t> checksum_of(storage::ObjectReader& reader) {
  std::uint32_t crc = 0;
  std::string block(kBlock, '\0');
  for (std::uint64_t at = 0; at < reader.info().size;) {
    const std::size_t count = std::min<std::uint64_t>(kBlock, reader.info().size - at);
    VALETKEY_CHECK(exporter::read_object_exactly(reader, at, {block.data(), count}));
    crc = crc32(crc, std::string_view(block).substr(0, count));
    at += count;
  }
  return crc;
}

Rows check_part(storage::ObjectStore& store, const storage::ObjectInfo& listed) {
  const auto reader = store.open(listed.key);
  if (!reader) return unreadable(reader.error());
  const storage::ObjectInfo& info = (*reader)->info();
  const auto crc = checksum_of(**reader);
  if (!crc) return unreadable(crc.error());
  if (info.crc32 && *crc != *info.crc32)
    return std::unexpected("its bytes are not those that were written");
  const auto rows =
      exporter::count_parquet_rows(info.size, [&](std::uint64_t at, std::span<char> out) {
        return exporter::read_object_exactly(**reader, at, out);
      });
  if (!rows) return unreadable(rows.error());
  if (info.rows && *info.rows != *rows)
    return std::unexpected(
        fmt::format("it holds {} rows and was written with {}", *rows, *info.rows));
  return *rows;
}

class Look {
 public:
  Look(const CheckedExport& what, upkeep::CheckProgress& progress)
      : what_(what), progress_(progress) {}

  Result<upkeep::CheckReport> run() {
    VALETKEY_CHECK(read_replaced());
    for (const auto& account : what_.accounts) VALETKEY_CHECK(check_account(account));
    VALETKEY_CHECK(check_seen());
    VALETKEY_CHECK(check_runs());
    return std::move(report_);
  }

 private:
  struct Found {
    std::uint64_t rows = 0, objects = 0, bytes = 0;
    std::set<layout::DayFolder> days, complete;
    std::vector<std::string> problems;
  };
  struct Told {
    std::uint64_t rows = 0, erased = 0;
    bool settled = true;  // no batch and no erasure is under way
  };

  Result<Told> tell(const std::string& account) {
    Told told;
    VALETKEY_TRY(const auto counts, what_.ledger.counts());
    VALETKEY_TRY(const auto erased, what_.ledger.erased_rows());
    VALETKEY_TRY(const bool exporting, is_exporting());
    VALETKEY_TRY(const auto erasure, what_.ledger.next_erasure());
    if (const auto at = counts.find(account); at != counts.end()) told.rows = at->second.rows;
    if (const auto at = erased.find(account); at != erased.end()) told.erased = at->second;
    told.settled = !exporting && !erasure;
    return told;
  }

  Result<bool> is_exporting() {
    for (unsigned partition = 0; partition < events::kFilePartitions; ++partition) {
      VALETKEY_TRY(const auto batch, what_.ledger.unfinished(partition));
      if (batch) return true;
    }
    VALETKEY_TRY(const auto cuts, what_.ledger.unfinished_cuts());
    return !cuts.empty();
  }

  // Parts whose rows a merged one holds already: the next look of the exporter takes them away.
  Result<void> read_replaced() {
    replaced_.clear();
    VALETKEY_TRY(const auto planned, what_.ledger.planned_merges());
    for (const auto& merge : planned) {
      VALETKEY_TRY(const bool there, exporter::is_there(what_.store, merge.output));
      if (there) replaced_.insert(merge.inputs.begin(), merge.inputs.end());
    }
    return {};
  }

  Result<Found> look_at(const AccountId& account) {
    Found found;
    VALETKEY_CHECK(exporter::for_each_object(
        what_.store, layout::account_prefix(account),
        [&](const storage::ObjectInfo& info) -> Result<void> {
          ++found.objects;
          found.bytes += info.size;
          const auto day = layout::DayKey::containing(info.key);
          if (day && info.key == day->str() + std::string(layout::kSuccess))
            found.complete.insert(day->folder);
          if (!is_part(info.key) || replaced_.contains(info.key)) return {};
          if (day) found.days.insert(day->folder);
          const Rows rows = check_part(what_.store, info);
          if (rows)
            found.rows += *rows;
          else
            found.problems.push_back(info.key + ": " + rows.error());
          progress_.advanced(report_.objects + found.objects, report_.bytes + found.bytes);
          return {};
        }));
    return found;
  }

  static std::string text_of_rows(const exporter::ExportedAccount& account, const Found& found,
                                  const Told& before, const Told& after) {
    if (found.rows > after.rows - std::min(after.rows, after.erased))
      return fmt::format("account {}: {} rows are there and {} were exported: some are there twice",
                         account.id.str(), found.rows,
                         after.rows - std::min(after.rows, after.erased));
    if (!account.retention && found.rows + after.erased < before.rows)
      return fmt::format(
          "account {}: {} of {} exported rows are missing: somebody removed parts, or a retention "
          "did that is no longer set",
          account.id.str(), before.rows - after.erased - found.rows, before.rows - after.erased);
    return {};
  }

  Result<void> check_account(const exporter::ExportedAccount& account) {
    Found found;
    std::string rows_problem;
    for (int look = 0; look < kLooks; ++look) {
      if (look > 0) VALETKEY_CHECK(read_replaced());
      VALETKEY_TRY(const Told before, tell(account.id.str()));
      VALETKEY_TRY(found, look_at(account.id));
      VALETKEY_TRY(const Told after, tell(account.id.str()));
      const bool settled = before.settled && after.settled;
      rows_problem = settled ? text_of_rows(account, found, before, after) : "";
      // An exporter may have worked meanwhile.
      if (settled && rows_problem.empty() && found.problems.empty()) break;
    }
    report_.objects += found.objects;
    report_.bytes += found.bytes;
    std::ranges::move(found.problems, std::back_inserter(report_.problems));
    // What cannot be read has rows, too.
    if (!rows_problem.empty() && found.problems.empty()) report_.problems.push_back(rows_problem);
    return check_days(account.id, found);
  }

  Result<void> check_days(const AccountId& account, const Found& found) {
    VALETKEY_TRY(const auto closed, what_.ledger.closed_through());
    for (const auto& day : found.days) {
      if (!closed || day.day > *closed || found.complete.contains(day)) continue;
      report_.problems.push_back(layout::DayKey{account, day}.str() +
                                 " is closed and lacks its _SUCCESS");
    }
    return {};
  }

  Result<void> check_seen() {
    VALETKEY_TRY(const auto files, what_.ledger.all_seen());
    for (const auto& file : files) {
      const auto problem = check_seen(file.key);
      // An exporter may have joined it with others meanwhile.
      if (problem.empty()) continue;
      VALETKEY_TRY(const auto now, what_.ledger.all_seen());
      const auto is_it = [&](const auto& other) { return other.key == file.key; };
      if (std::ranges::any_of(now, is_it)) report_.problems.push_back(problem);
    }
    return {};
  }

  // Events that are in no part yet.
  Result<void> check_runs() {
    VALETKEY_TRY(const auto runs, what_.ledger.runs());
    for (const auto& run : runs) {
      const auto problem = check_run(exporter::run_key(run.log_partition, run.id));
      // It may have been cut meanwhile.
      if (problem.empty()) continue;
      VALETKEY_TRY(const auto now, what_.ledger.runs());
      if (std::ranges::any_of(now, [&](const auto& other) { return other.id == run.id; }))
        report_.problems.push_back(
            fmt::format("{}; of {} events that wait in it, those that are lost are given up with "
                        "check --repair",
                        problem, run.events));
    }
    return {};
  }

  std::string check_run(const std::string& key) {
    if (auto problem = check_seen(key); !problem.empty()) return problem;
    const auto reader = what_.store.open(key);
    if (!reader) return key + ": " + reader.error().detail;
    const auto found = exporter::look_at_run(**reader);
    if (!found) return key + ": " + found.error().detail;
    return found->lost.empty() ? "" : key + ": its bytes are not those that were written";
  }

  // What is wrong with one; empty: nothing.
  std::string check_seen(const std::string& key) {
    const auto reader = what_.store.open(key);
    ++report_.objects;
    if (!reader) return key + ": " + reader.error().detail;
    const storage::ObjectInfo& info = (*reader)->info();
    report_.bytes += info.size;
    const auto read = checksum_of(**reader);
    if (!read) return key + ": " + read.error().detail;
    if (info.crc32 && *info.crc32 != *read)
      return key + ": its bytes are not those that were written";
    return {};
  }

  const CheckedExport& what_;
  upkeep::CheckProgress& progress_;
  std::set<std::string> replaced_;
  upkeep::CheckReport report_;
};

}  // namespace

Result<upkeep::CheckReport> check_parts(const CheckedExport& what,
                                        upkeep::CheckProgress& progress) {
  return Look(what, progress).run();
}

}  // namespace valetkey::admin
