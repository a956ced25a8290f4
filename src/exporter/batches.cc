// SPDX-License-Identifier: Apache-2.0
// Which events make a batch, the reading of them, at first and again after a failure, and the order of its steps.
#include "exporter/batches.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace valetkey::exporter {
namespace {

void append(std::string&& piece, std::string& records) {
  if (records.empty())
    records = std::move(piece);
  else
    records += piece;
}

}  // namespace

Result<Batches::Mark> Batches::arrived() const {
  Mark mark(parts_.log.partitions());
  for (unsigned partition = 0; partition < mark.size(); ++partition) {
    const auto stats = parts_.log.stats(partition);
    mark[partition] = stats.end;
  }
  return mark;
}

Result<bool> Batches::reached(const Mark& mark) {
  for (unsigned partition = 0; partition < mark.size(); ++partition) {
    VALETKEY_TRY(const auto consumed, parts_.ledger.consumed(partition));
    if (consumed < mark[partition]) return false;
  }
  return true;
}

Result<bool> Batches::run_batch(const Mark& mark) {
  // In turn, or one that is always due would keep the others waiting.
  for (unsigned i = 0; i < parts_.log.partitions(); ++i) {
    const unsigned partition = (turn_ + i) % parts_.log.partitions();
    VALETKEY_TRY(auto batch, parts_.ledger.unfinished(partition));
    if (!batch) {
      VALETKEY_TRY(const auto consumed, parts_.ledger.consumed(partition));
      VALETKEY_TRY(const bool due, is_due(partition, consumed, mark));
      if (!due) continue;
      VALETKEY_TRY(batch, begin(partition, consumed));
    }
    turn_ = partition + 1;
    VALETKEY_CHECK(run(*batch));
    return true;
  }
  return false;
}

Result<void> Batches::drain() {
  VALETKEY_TRY(const auto mark, arrived());
  while (true) {
    VALETKEY_TRY(const bool done, reached(mark));
    if (done) return {};
    VALETKEY_TRY(const bool more, run_batch(mark));
    if (!more) return {};
  }
}

Result<bool> Batches::is_due(unsigned partition, events::Offset consumed, const Mark& mark) {
  const auto stats = parts_.log.stats(partition);
  if (stats.end <= consumed) return false;
  if ((partition < mark.size() && consumed < mark[partition]) ||
      stats.bytes >= parts_.options.batch_bytes)
    return true;
  VALETKEY_TRY(const auto oldest, oldest_waiting(partition, consumed));
  if (!oldest) return true;  // damaged: move on at once
  return *oldest + parts_.options.longest_wait <= parts_.clock.now();
}

Result<std::optional<Timestamp>> Batches::oldest_waiting(unsigned partition,
                                                         events::Offset consumed) {
  VALETKEY_TRY(const auto piece, parts_.log.read(partition, consumed, 1));
  events::Event event;
  std::size_t at = 0;
  if (piece.count == 0 || !events::decode_event(piece.records, at, event)) return std::nullopt;
  return event.received;
}

// At first the day before the oldest event that waits: nothing earlier is ours to close.
Result<Date> Batches::closed_through() {
  VALETKEY_TRY(const auto closed, parts_.ledger.closed_through());
  if (closed) return *closed;
  auto first = date_of(parts_.clock.now());
  for (unsigned partition = 0; partition < parts_.log.partitions(); ++partition) {
    VALETKEY_TRY(const auto consumed, parts_.ledger.consumed(partition));
    VALETKEY_TRY(const auto oldest, oldest_waiting(partition, consumed));
    if (oldest) first = std::min(first, date_of(*oldest));
  }
  VALETKEY_TRY(const auto lease, parts_.lease(kDays));
  VALETKEY_CHECK(parts_.ledger.close_day(lease, first - std::chrono::days(1)));
  return first - std::chrono::days(1);
}

Result<ExportBatch> Batches::begin(unsigned partition, events::Offset consumed) {
  ahead_ = {partition, consumed, consumed, {}};
  auto& [_, first, next, records] = ahead_;
  std::uint64_t written = 0;
  while (records.size() < parts_.options.batch_bytes &&
         written < parts_.options.batch_written_bytes) {
    VALETKEY_TRY(auto piece,
                 parts_.log.read(partition, next, parts_.options.batch_bytes - records.size()));
    if (piece.next() == next) break;
    VALETKEY_CHECK(cut_by_rows(piece, written));
    next = piece.next();
    append(std::move(piece.records), records);
  }
  VALETKEY_CHECK(closed_through());
  VALETKEY_TRY(const auto lease, parts_.lease(partition));
  return parts_.ledger.begin(lease, first, next);
}

// Cuts a piece of the log behind the event with which a batch's rows reach their bound.
Result<void> Batches::cut_by_rows(events::LogBatch& piece, std::uint64_t& written) {
  events::Event event;
  std::size_t at = 0;
  for (std::uint64_t count = 1; at < piece.records.size(); ++count) {
    VALETKEY_CHECK(events::decode_event(piece.records, at, event));
    written += written_bytes(event);
    if (written < parts_.options.batch_written_bytes) continue;
    piece.records.resize(at);
    piece.count = count;
    return {};
  }
  return {};
}

Result<Batches::Batch> Batches::read(const ExportBatch& batch) {
  Batch events;
  if (ahead_.partition == batch.log_partition && ahead_.first == batch.first &&
      ahead_.next == batch.next && !ahead_.records.empty()) {
    events.records = std::exchange(ahead_.records, {});
  } else {
    VALETKEY_CHECK(read_again(batch, events.records));
  }
  for (std::size_t at = 0; at < events.records.size();) {
    events.places.push_back(static_cast<std::uint32_t>(at));
    VALETKEY_CHECK(events::skip_events(events.records, at, 1));
  }
  return events;
}

Result<void> Batches::read_again(const ExportBatch& batch, std::string& records) {
  for (auto at = batch.first; at < batch.next;) {
    VALETKEY_TRY(auto piece, parts_.log.read(batch.log_partition, at, 1));
    if (piece.next() == at || piece.first >= batch.next) break;
    if (piece.next() > batch.next) {
      std::size_t end = 0;
      VALETKEY_CHECK(events::skip_events(piece.records, end, batch.next - piece.first));
      piece.records.resize(end);
    }
    at = piece.next();
    append(std::move(piece.records), records);
  }
  return {};
}

Result<void> Batches::run(const ExportBatch& batch) {
  ExportResult result;
  Deduplicator unseen;
  VALETKEY_TRY(const auto events, read(batch));
  VALETKEY_TRY(const auto index, plan(batch, events, unseen, result));
  VALETKEY_CHECK(write_parts(batch, events, index, result.counts));

  const auto now = parts_.clock.now();
  if (unseen.size() > 0) {
    VALETKEY_TRY(auto file, seen_files_.store(batch, unseen, now));
    result.seen.push_back(std::move(file));
  }
  VALETKEY_TRY(const auto lease, parts_.lease(batch.log_partition));
  VALETKEY_CHECK(parts_.ledger.finish(lease, batch, result, now));
  VALETKEY_CHECK(parts_.log.release(batch.log_partition, batch.next));
  log::info("exporter", "exported a batch",
            {{"events", events.places.size()},
             {"rows", index.rows.size()},
             {"partitions", index.partitions.size()}});
  return seen_files_.tidy(batch.log_partition, now);
}

}  // namespace valetkey::exporter
