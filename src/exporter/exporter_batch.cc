// SPDX-License-Identifier: Apache-2.0
// Which events make a batch, and the reading of them: at first, and again after a failure.
#include "exporter/exporter.h"

namespace valetkey::exporter {
namespace {

void append(std::string&& piece, std::string& records) {
  if (records.empty())
    records = std::move(piece);
  else
    records += piece;
}

}  // namespace

Result<ExportBatch> Exporter::begin(unsigned partition, events::Offset consumed) {
  ahead_ = {partition, consumed, consumed, {}};
  auto& [_, first, next, records] = ahead_;
  std::uint64_t written = 0;
  while (records.size() < options_.batch_bytes && written < options_.batch_written_bytes) {
    VALETKEY_TRY(auto piece, log_.read(partition, next, options_.batch_bytes - records.size()));
    if (piece.next() == next) break;
    VALETKEY_CHECK(cut_by_rows(piece, written));
    next = piece.next();
    append(std::move(piece.records), records);
  }
  VALETKEY_CHECK(closed_through());
  return ledger_.begin(partition, first, next);
}

// Cuts a piece of the log behind the event with which a batch's rows reach their bound.
Result<void> Exporter::cut_by_rows(events::LogBatch& piece, std::uint64_t& written) {
  events::Event event;
  std::size_t at = 0;
  for (std::uint64_t count = 1; at < piece.records.size(); ++count) {
    VALETKEY_CHECK(events::decode_event(piece.records, at, event));
    written += written_bytes(event);
    if (written < options_.batch_written_bytes) continue;
    piece.records.resize(at);
    piece.count = count;
    return {};
  }
  return {};
}

Result<Exporter::Batch> Exporter::read(const ExportBatch& batch) {
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

Result<void> Exporter::read_again(const ExportBatch& batch, std::string& records) {
  for (auto at = batch.first; at < batch.next;) {
    VALETKEY_TRY(auto piece, log_.read(batch.log_partition, at, 1));
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

}  // namespace valetkey::exporter
