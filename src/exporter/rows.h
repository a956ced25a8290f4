// SPDX-License-Identifier: Apache-2.0
// From event records to the rows of an export: which rows a batch has, in which partition each
// lies, and the columns of both types. Schema: docs/formats.md, "Decisions and conversions".
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/timestamp.h"
#include "duckdb/database.h"
#include "events/event.h"
#include "layout/part_statistics.h"
#include "layout/partition.h"

namespace valetkey::exporter {

// Where rows of one kind lie. `value` is the raw experiment id or event name ("" for NULL).
struct Partition {
  layout::RowType type = layout::RowType::decisions;
  std::string account;
  Date day;
  std::string value;
  friend auto operator<=>(const Partition&, const Partition&) = default;
};

// One row of a batch: an event record by its place, and for an activation which decision.
struct RowRef {
  std::uint32_t partition = 0;  // index into RowIndex::partitions
  std::uint32_t record = 0;     // byte offset in the batch
  std::uint32_t decision = 0;
  std::uint32_t bytes = 0;  // that it takes in memory while it is written
};

// What the rows of an event take in memory while they are written: text, and a fixed part for each
// value. Exactly how much is DuckDB's affair; that few bytes can become very many is ours.
std::uint64_t written_bytes(const events::Event& event);

// The rows of a batch, ordered by partition and then as they were logged. A plan, not a copy.
struct RowIndex {
  Date open_day;  // an event of an earlier day counts as received when this one began: that day is
                  // closed
  std::vector<Partition> partitions;
  std::vector<RowRef> rows;
  // When the event counts as received.
  Timestamp received(const events::Event& event) const {
    return std::max<Timestamp>(event.received, open_day);
  }
};

// Says whether a partition may come into being; what may not, lies in kOtherPartition.
using AdmitPartition = std::function<bool(const Partition&)>;

class RowIndexer {
 public:
  RowIndexer(Date open_day, AdmitPartition admit) : admit_(std::move(admit)) {
    index_.open_day = open_day;
  }
  // `record` is the place of the event in the batch: later ones lie behind.
  void add(const events::Event& event, std::uint32_t record);
  // Sorts; the partitions come out ordered, so that equal batches give equal plans.
  RowIndex finish();

 private:
  std::uint32_t partition_of(const events::Event& event, layout::RowType type,
                             std::string_view value);
  AdmitPartition admit_;
  std::map<Partition, std::uint32_t> numbers_;
  RowIndex index_;
};

// The columns of one type, in the order of the export; "partition" (int32) comes last where asked
// for.
std::vector<duckdb::Column> columns_of(layout::RowType type, bool with_partition);

// Fills chunks with rows[begin, end) of `index`, whose records lie in `records`. All of one type. A
// chunk ends early where its rows are large: DuckDB makes room for each value of a chunk at once.
class RowReader {
 public:
  RowReader(layout::RowType type, layout::TimestampUnit timestamps, std::string_view records,
            const RowIndex& index, std::size_t begin, std::size_t end)
      : type_(type),
        a_millisecond_(timestamps == layout::TimestampUnit::microseconds ? 1000 : 1),
        records_(records),
        index_(index),
        next_(begin),
        end_(end) {}
  Result<std::uint64_t> fill(duckdb::RowChunk& chunk);

  static constexpr std::size_t kChunkBytes = std::size_t{4} << 20;

 private:
  using Columns = std::vector<duckdb::ColumnVector>;
  void fetch_ahead() const;
  void fill_decision(Columns& columns, std::uint64_t row, const events::Event& event,
                     std::uint32_t decision);
  void fill_conversion(Columns& columns, std::uint64_t row, const events::Event& event);
  layout::RowType type_;
  std::int64_t a_millisecond_;  // in the unit that is written
  std::string_view records_;
  const RowIndex& index_;
  std::size_t next_, end_;
  events::Event event_;
  std::optional<std::uint32_t> decoded_;  // the record that `event_` was read from
  struct Lists {
    std::uint64_t attributes = 0, experiments = 0, tags = 0;
  } used_;
};

}  // namespace valetkey::exporter
