// SPDX-License-Identifier: Apache-2.0
// Which events make a batch, the reading of them, at first and again after a failure, and the order of its steps.
#include "exporter/batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace valetkey::exporter {
namespace {

constexpr std::size_t kPieceBytes = 1 << 20;  // a piece of the log, generously

std::uint64_t parts_in(const std::map<std::string, ExportCounts>& counts) {
  std::uint64_t parts = 0;
  for (const auto& [account, each] : counts) parts += each.parts;
  return parts;
}

}  // namespace

Result<void> Batches::Batch::look(std::size_t from) {
  events::Event event;
  for (std::size_t at = from; at < records.size();) {
    places.push_back(static_cast<std::uint32_t>(at));
    VALETKEY_CHECK(events::decode_event(records, at, event));
    uuids.add(digest_of(event.account_id, event.uuid, event.keyless),
              static_cast<std::uint32_t>(places.size() - 1));
    written += written_bytes(event);
    earliest = std::min(earliest, event.received);
  }
  return {};
}

LogCursor& Batches::cursor(unsigned partition) {
  return cursors_.try_emplace(partition, parts_.log, partition).first->second;
}

Result<Batches::Mark> Batches::arrived() const {
  Mark mark(parts_.log.partitions());
  for (unsigned partition = 0; partition < mark.size(); ++partition) {
    VALETKEY_TRY(const auto stats, parts_.log.stats(partition));
    mark[partition] = stats.end;
  }
  return mark;
}

Result<bool> Batches::reached(const Mark& mark) {
  return reached_where(mark, [](unsigned) { return true; });
}

Result<bool> Batches::reached_here(const Mark& mark) {
  return reached_where(mark, [this](unsigned p) { return parts_.ownership.holds(p); });
}

Result<bool> Batches::consumed_here(const Mark& mark) {
  return consumed_where(mark, [this](unsigned p) { return parts_.ownership.holds(p); });
}

Result<bool> Batches::consumed_where(const Mark& mark, const std::function<bool(unsigned)>& here) {
  for (unsigned partition = 0; partition < mark.size(); ++partition) {
    if (!here(partition)) continue;
    VALETKEY_TRY(const auto consumed, parts_.ledger.consumed(partition));
    if (consumed < mark[partition]) return false;
  }
  return true;
}

// The runs are asked for last: what was consumed by then is in one, or in parts.
Result<bool> Batches::reached_where(const Mark& mark, const std::function<bool(unsigned)>& here) {
  VALETKEY_TRY(const bool consumed, consumed_where(mark, here));
  if (!consumed) return false;
  VALETKEY_TRY(const auto runs, parts_.ledger.runs());
  return std::ranges::none_of(runs, [&](const Run& run) {
    return run.log_partition < mark.size() && run.first < mark[run.log_partition] &&
           here(run.log_partition);
  });
}

Result<bool> Batches::run_batch(const Mark& mark) {
  // First: a repetition must find what the first attempt found, and any other batch may add to the uuids that count for
  // one of a partition without routes.
  for (unsigned partition = 0; partition < parts_.log.partitions(); ++partition) {
    if (!parts_.ownership.holds(partition)) continue;
    VALETKEY_TRY(const auto batch, parts_.ledger.unfinished(partition));
    if (!batch) continue;
    VALETKEY_CHECK(run(*batch, true));
    return true;
  }
  // Before the batches that are due, or under load no cut would have its turn. One that fails holds up none of them.
  auto cut = cut_some(mark);
  if (cut && *cut) return true;
  // A row must not go to a day before the first one.
  VALETKEY_TRY(const auto closed, closed_through());
  if (!closed) return false;
  // In turn, or one that is always due would keep the others waiting.
  for (unsigned i = 0; i < parts_.log.partitions(); ++i) {
    const unsigned partition = (turn_ + i) % parts_.log.partitions();
    if (!parts_.ownership.holds(partition)) continue;
    VALETKEY_TRY(const auto consumed, parts_.ledger.consumed(partition));
    VALETKEY_TRY(const bool due, is_due(partition, consumed, mark));
    if (!due) continue;
    turn_ = partition + 1;
    VALETKEY_TRY(const auto batch, begin(partition, consumed));
    VALETKEY_CHECK(run(batch, false));
    return true;
  }
  return cut;
}

Result<void> Batches::drain() {
  VALETKEY_TRY(const auto mark, arrived());
  return drain(mark);
}

Result<void> Batches::drain(const Mark& mark) {
  while (true) {
    VALETKEY_TRY(const bool done, reached_here(mark));
    if (done) return {};
    VALETKEY_TRY(const bool more, run_batch(mark));
    if (!more) return {};
  }
}

Result<bool> Batches::is_due(unsigned partition, events::Offset consumed, const Mark& mark) {
  VALETKEY_TRY(const auto stats, parts_.log.stats(partition));
  if (stats.end <= consumed) return false;
  if ((partition < mark.size() && consumed < mark[partition]) ||
      stats.bytes.value_or(0) >= parts_.options.batch_bytes)
    return true;
  VALETKEY_TRY(const auto oldest, cursor(partition).oldest(consumed));
  if (!oldest) return true;  // damaged: move on at once
  return *oldest + parts_.options.longest_wait <= parts_.clock.now();
}

// At first the day before the oldest event that waits: nothing earlier is ours to close.
Result<std::optional<Date>> Batches::closed_through() {
  VALETKEY_TRY(const auto closed, parts_.ledger.closed_through());
  if (closed || !parts_.ownership.holds(kDays)) return closed;
  auto first = date_of(parts_.clock.now());
  for (unsigned partition = 0; partition < parts_.log.partitions(); ++partition) {
    VALETKEY_TRY(const auto consumed, parts_.ledger.consumed(partition));
    VALETKEY_TRY(const auto oldest, cursor(partition).oldest(consumed));
    if (oldest) first = std::min(first, date_of(*oldest));
  }
  VALETKEY_TRY(const auto lease, parts_.lease(kDays));
  VALETKEY_CHECK(parts_.ledger.close_day(lease, first - std::chrono::days(1)));
  return first - std::chrono::days(1);
}

// A batch ends with the piece with which its records or its rows reach their bound.
Result<ExportBatch> Batches::begin(unsigned partition, events::Offset consumed) {
  VALETKEY_TRY(const auto stats, parts_.log.stats(partition));
  ahead_ = {partition, consumed, consumed, {}};
  auto& [_, first, next, events] = ahead_;
  const auto most = parts_.options.batch_bytes;
  events.records.reserve(std::min<std::uint64_t>(most, stats.bytes.value_or(0)) + kPieceBytes);
  while (events.records.size() < most && events.written < parts_.options.batch_written_bytes) {
    const auto before = events.records.size();
    VALETKEY_TRY(const auto piece, cursor(partition).read(next, events.records));
    if (piece.next == next) break;
    next = piece.next;
    VALETKEY_CHECK(events.look(before));
  }
  VALETKEY_TRY(const auto lease, parts_.lease(partition));
  return parts_.ledger.begin(lease, first, next, parts_.options.cut != CutAt::batch);
}

Result<Batches::Batch> Batches::read(const ExportBatch& batch) {
  if (ahead_.partition == batch.log_partition && ahead_.first == batch.first &&
      ahead_.next == batch.next && !ahead_.events.records.empty())
    return std::exchange(ahead_.events, {});
  return read_again(batch);
}

Result<Batches::Batch> Batches::read_again(const ExportBatch& batch) {
  Batch events;
  for (auto at = batch.first; at < batch.next;) {
    VALETKEY_TRY(const auto piece,
                 cursor(batch.log_partition).read(at, events.records, batch.next));
    if (piece.next == at) {
      VALETKEY_CHECK(check_end(batch));
      break;
    }
    at = piece.next;
  }
  VALETKEY_CHECK(events.look(0));
  return events;
}

// What is missing within a log that was damaged is lost. What lies behind its end has not been seen yet: this node has
// taken the batch over from another one, which knew more of a shared log.
Result<void> Batches::check_end(const ExportBatch& batch) {
  VALETKEY_TRY(const auto stats, parts_.log.stats(batch.log_partition));
  if (stats.end >= batch.next) return {};
  return fail(ErrorCode::unavailable,
              fmt::format("the event log does not show all of a batch that is under way yet "
                          "(partition {}, {} of {}); it is tried again",
                          batch.log_partition, stats.end, batch.next));
}

Result<void> Batches::run(const ExportBatch& batch, bool again) {
  ExportResult result;
  VALETKEY_TRY(auto events, read(batch));
  events.again = again;
  if (batch.into_run) {
    VALETKEY_CHECK(write_run(batch, events, result));
  } else {
    VALETKEY_TRY(const auto index, plan(batch, events, result));
    VALETKEY_CHECK(write_parts(batch, events, index, result.counts));
  }

  const auto now = parts_.clock.now();
  VALETKEY_CHECK(parts_.check_owned(batch.log_partition));
  if (const auto& uuids = events.all ? *events.all : events.uuids; uuids.size() > 0) {
    VALETKEY_TRY(auto file, seen_files_.store(batch, uuids, now));
    result.seen.push_back(std::move(file));
  }
  VALETKEY_TRY(const auto lease, parts_.lease(batch.log_partition));
  VALETKEY_CHECK(parts_.ledger.finish(lease, batch, result, now));
  VALETKEY_CHECK(parts_.log.release(batch.log_partition, batch.next));
  log::info("exporter", "exported a batch",
            {{"events", events.places.size()}, {"parts", parts_in(result.counts)}});
  if (!std::exchange(stray_runs_gone_, true)) VALETKEY_CHECK(remove_stray_runs());
  return seen_files_.tidy(now);
}

}  // namespace valetkey::exporter
