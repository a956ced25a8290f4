// SPDX-License-Identifier: Apache-2.0
#include "exporter/rows.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace valetkey::exporter {
namespace {

using Kind = duckdb::Column::Kind;

duckdb::Column text(const char* name) { return {name, Kind::text}; }
duckdb::Column attributes() {
  return {
      "attributes", Kind::list_of_struct, {text("id"), text("name"), text("type"), text("value")}};
}

std::vector<duckdb::Column> decision_columns() {
  return {text("uuid"),
          {"timestamp", Kind::int64},
          {"process_timestamp", Kind::int64},
          text("visitor_id"),
          text("session_id"),
          text("account_id"),
          text("campaign_id"),
          text("experiment_id"),
          text("variation_id"),
          attributes(),
          text("user_ip"),
          text("user_agent"),
          text("referer"),
          {"is_holdback", Kind::boolean},
          text("revision"),
          text("client_engine"),
          text("client_version")};
}

std::vector<duckdb::Column> conversion_columns() {
  return {text("uuid"),
          {"timestamp", Kind::int64},
          {"process_timestamp", Kind::int64},
          text("visitor_id"),
          text("session_id"),
          text("account_id"),
          {"experiments",
           Kind::list_of_struct,
           {text("campaign_id"),
            text("experiment_id"),
            text("variation_id"),
            {"is_holdback", Kind::boolean}}},
          text("entity_id"),
          attributes(),
          text("user_ip"),
          text("user_agent"),
          text("referer"),
          text("event_type"),
          text("event_name"),
          {"revenue", Kind::int64},
          {"value", Kind::float64},
          {"quantity", Kind::int64},
          {"tags", Kind::map_of_text},
          text("revision"),
          text("client_engine"),
          text("client_version")};
}

// Fills the columns of one row from left to right.
class RowFill {
 public:
  RowFill(std::vector<duckdb::ColumnVector>& columns, std::uint64_t row, std::int64_t a_millisecond)
      : columns_(columns), row_(row), a_millisecond_(a_millisecond) {}

  RowFill& put(const events::Text& text) {
    put_text(next(), row_, text);
    return *this;
  }
  RowFill& put(std::string_view text) {
    next().set_text(row_, text);
    return *this;
  }
  RowFill& put(Timestamp t) {
    next().set_int64(row_, epoch_ms(t) * a_millisecond_);
    return *this;
  }
  RowFill& put(const std::optional<std::int64_t>& n) {
    auto& column = next();
    if (n)
      column.set_int64(row_, *n);
    else
      column.set_null(row_);
    return *this;
  }
  RowFill& put(const std::optional<double>& n) {
    auto& column = next();
    if (n)
      column.set_double(row_, *n);
    else
      column.set_null(row_);
    return *this;
  }
  RowFill& put(const std::optional<bool>& b) {
    put_bool(next(), row_, b);
    return *this;
  }
  RowFill& put(const std::vector<events::Attribute>& list, std::uint64_t& used) {
    if (open_list(list.size(), used)) return *this;
    const auto child = last().list_child();
    auto id = child.field(0), name = child.field(1), type = child.field(2), value = child.field(3);
    for (const auto& a : list) {
      put_text(id, used, a.id);
      put_text(name, used, a.name);
      put_text(type, used, a.type);
      put_text(value, used++, a.value);
    }
    return *this;
  }
  RowFill& put(const std::vector<events::Decision>& list, std::uint64_t& used) {
    if (open_list(list.size(), used)) return *this;
    const auto child = last().list_child();
    auto campaign = child.field(0), experiment = child.field(1), variation = child.field(2),
         holdback = child.field(3);
    for (const auto& d : list) {
      put_text(campaign, used, d.campaign_id);
      put_text(experiment, used, d.experiment_id);
      put_text(variation, used, d.variation_id);
      put_bool(holdback, used++, d.is_holdback);
    }
    return *this;
  }
  RowFill& put(const std::vector<events::Tag>& list, std::uint64_t& used) {
    if (open_list(list.size(), used)) return *this;
    const auto child = last().list_child();
    auto key = child.field(0), value = child.field(1);
    for (const auto& t : list) {
      key.set_text(used, t.key);
      put_text(value, used++, t.value);
    }
    return *this;
  }
  void put_partition(std::uint32_t number) {
    next().set_int32(row_, static_cast<std::int32_t>(number));
  }

 private:
  duckdb::ColumnVector& next() { return columns_[column_++]; }
  duckdb::ColumnVector& last() { return columns_[column_ - 1]; }
  static void put_text(duckdb::ColumnVector& column, std::uint64_t row, const events::Text& text) {
    if (text)
      column.set_text(row, *text);
    else
      column.set_null(row);
  }
  static void put_bool(duckdb::ColumnVector& column, std::uint64_t row,
                       const std::optional<bool>& b) {
    if (b)
      column.set_bool(row, *b);
    else
      column.set_null(row);
  }
  // Makes room for `count` elements more; the child may move, so it is asked for afterwards. True: there are none.
  bool open_list(std::uint64_t count, std::uint64_t used) {
    auto& column = next();
    column.set_list(row_, used, count);
    if (count == 0) return true;
    column.reserve_list(used + count);
    column.set_list_size(used + count);
    return false;
  }

  std::vector<duckdb::ColumnVector>& columns_;
  std::uint64_t row_;
  std::int64_t a_millisecond_;
  std::uint64_t column_ = 0;
};

constexpr std::uint64_t kValueBytes = 16;
constexpr std::uint64_t kPlainValues = 20;  // of a row, beside its lists

std::uint64_t bytes_of(const events::Text& text) { return kValueBytes + (text ? text->size() : 0); }

std::uint64_t bytes_of(const events::Decision& d) {
  return kValueBytes + bytes_of(d.campaign_id) + bytes_of(d.experiment_id) +
         bytes_of(d.variation_id);
}

// Of what every row of the event holds.
std::uint64_t common_bytes(const events::Event& e) {
  std::uint64_t bytes =
      kPlainValues * kValueBytes + e.account_id.size() + e.uuid.size() + e.visitor_id.size();
  for (const events::Text* text :
       {&e.session_id, &e.user_ip, &e.user_agent, &e.referer, &e.revision, &e.client_engine,
        &e.client_version, &e.entity_id, &e.event_type, &e.event_name})
    bytes += text->value_or("").size();
  for (const auto& a : e.attributes)
    bytes += bytes_of(a.id) + bytes_of(a.name) + bytes_of(a.type) + bytes_of(a.value);
  return bytes;
}

std::uint64_t conversion_bytes(const events::Event& e) {
  auto bytes = common_bytes(e);
  for (const auto& d : e.decisions) bytes += bytes_of(d);
  for (const auto& t : e.tags) bytes += kValueBytes + t.key.size() + bytes_of(t.value);
  return bytes;
}

std::uint32_t narrow(std::uint64_t bytes) {
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(bytes, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

std::uint64_t written_bytes(const events::Event& event) {
  if (event.kind == events::EventKind::conversion) return conversion_bytes(event);
  std::uint64_t bytes = event.decisions.size() * common_bytes(event);
  for (const auto& d : event.decisions) bytes += bytes_of(d);
  return bytes;
}

std::vector<duckdb::Column> columns_of(layout::RowType type, bool with_partition) {
  auto columns = type == layout::RowType::decisions ? decision_columns() : conversion_columns();
  if (with_partition) columns.push_back({"partition", Kind::int32});
  return columns;
}

std::uint32_t RowIndexer::partition_of(const events::Event& event, layout::RowType type,
                                       std::string_view value) {
  Partition partition{type, std::string(event.account_id), date_of(index_.received(event)),
                      std::string(value)};
  if (const auto it = numbers_.find(partition); it != numbers_.end()) return it->second;
  if (!admit_(partition)) partition.value = layout::kOtherPartition;
  return numbers_.try_emplace(std::move(partition), static_cast<std::uint32_t>(numbers_.size()))
      .first->second;
}

void RowIndexer::add(const events::Event& event, std::uint32_t record) {
  if (event.kind == events::EventKind::conversion) {
    const auto number = partition_of(event, layout::RowType::events, event.event_name.value_or(""));
    index_.rows.push_back({number, record, 0, narrow(conversion_bytes(event))});
    return;
  }
  const auto common = common_bytes(event);
  for (std::uint32_t i = 0; i < event.decisions.size(); ++i) {
    const auto number = partition_of(event, layout::RowType::decisions,
                                     event.decisions[i].experiment_id.value_or(""));
    index_.rows.push_back({number, record, i, narrow(common + bytes_of(event.decisions[i]))});
  }
}

RowIndex RowIndexer::finish() {
  // Numbers were given as partitions turned up; the map knows their order.
  std::vector<std::uint32_t> ordered(numbers_.size());
  for (auto& [partition, number] : numbers_) {
    ordered[number] = static_cast<std::uint32_t>(index_.partitions.size());
    index_.partitions.push_back(partition);
  }
  // Rows were added in the order of their records: counting what each partition has keeps it.
  std::vector<std::size_t> places(numbers_.size() + 1);
  for (auto& row : index_.rows) {
    row.partition = ordered[row.partition];
    ++places[row.partition + 1];
  }
  std::partial_sum(places.begin(), places.end(), places.begin());
  std::vector<RowRef> sorted(index_.rows.size());
  for (const auto& row : index_.rows) sorted[places[row.partition]++] = row;
  index_.rows = std::move(sorted);
  numbers_.clear();
  return std::move(index_);
}

// The rows of a partition lie all over the batch: each is a miss of the cache, and then what it shares with the events
// of its request, which was written just before it.
void RowReader::fetch_ahead() const {
  constexpr std::size_t kRows = 8, kBefore = 512, kBehind = 256, kLine = 64;
  if (next_ + kRows >= end_) return;
  const std::size_t record = index_.rows[next_ + kRows].record;
  const auto begin = record - std::min(record, kBefore);
  const auto end = std::min(record + kBehind, records_.size());
  for (auto at = begin; at < end; at += kLine) __builtin_prefetch(records_.data() + at);
}

Result<std::uint64_t> RowReader::fill(duckdb::RowChunk& chunk) {
  used_ = {};
  std::vector<duckdb::ColumnVector> columns;
  for (std::uint64_t i = 0, count = columns_of(type_, true).size(); i < count; ++i)
    columns.push_back(chunk.column(i));
  std::uint64_t row = 0, bytes = 0;
  for (; row < chunk.capacity() && next_ < end_; ++row, ++next_) {
    fetch_ahead();
    const auto& ref = index_.rows[next_];
    bytes += ref.bytes;
    if (row > 0 && bytes > kChunkBytes) break;
    if (decoded_ != ref.record) {  // an activation's rows follow each other
      std::size_t at = ref.record;
      VALETKEY_CHECK(events::decode_event(records_, at, event_));
      decoded_ = ref.record;
    }
    if (type_ == layout::RowType::decisions)
      fill_decision(columns, row, event_, ref.decision);
    else
      fill_conversion(columns, row, event_);
  }
  return row;
}

void RowReader::fill_decision(Columns& columns, std::uint64_t row, const events::Event& e,
                              std::uint32_t decision) {
  const auto& d = e.decisions[decision];
  RowFill fill(columns, row, a_millisecond_);
  fill.put(e.uuid).put(e.timestamp).put(index_.received(e)).put(e.visitor_id).put(e.session_id);
  fill.put(e.account_id).put(d.campaign_id).put(d.experiment_id).put(d.variation_id);
  fill.put(e.attributes, used_.attributes).put(e.user_ip).put(e.user_agent).put(e.referer);
  fill.put(d.is_holdback).put(e.revision).put(e.client_engine).put(e.client_version);
  fill.put_partition(index_.rows[next_].partition);
}

void RowReader::fill_conversion(Columns& columns, std::uint64_t row, const events::Event& e) {
  RowFill fill(columns, row, a_millisecond_);
  fill.put(e.uuid).put(e.timestamp).put(index_.received(e)).put(e.visitor_id).put(e.session_id);
  fill.put(e.account_id).put(e.decisions, used_.experiments).put(e.entity_id);
  fill.put(e.attributes, used_.attributes).put(e.user_ip).put(e.user_agent).put(e.referer);
  fill.put(e.event_type).put(e.event_name).put(e.revenue).put(e.value).put(e.quantity);
  fill.put(e.tags, used_.tags).put(e.revision).put(e.client_engine).put(e.client_version);
  fill.put_partition(index_.rows[next_].partition);
}

}  // namespace valetkey::exporter
