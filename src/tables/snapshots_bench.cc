// SPDX-License-Identifier: Apache-2.0
// What a table of a million parts costs: 200 days of 5,000, in an index on disk. Loading the table once it is warm; and
// planning it all, cold: its list and every manifest. The memory is what the process holds at most beyond what it
// held before.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <filesystem>
#include <fstream>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/testing/temporary_folder.h"
#include "storage/index.h"
#include "tables/snapshots.h"
#include "tables/testing/avro_reader.h"

namespace valetkey::tables {
namespace {

constexpr int kDays = 200;
constexpr int kPartsOfDay = 5'000;
const Timestamp kNow = from_epoch_ms(1'700'000'000'000);

// The index as a store offers it.
class IndexCatalog final : public storage::PartCatalog {
 public:
  explicit IndexCatalog(storage::Index& index) : index_(index) {}
  Result<storage::Catalog> catalog(const AccountId& account) override {
    return index_.catalog(account);
  }
  Result<storage::CatalogPage> list_parts(const AccountId& account, const std::string& prefix,
                                          const std::string& after, std::size_t limit,
                                          std::uint64_t generation) override {
    return index_.list_parts(account, prefix, after, limit, generation);
  }
  Result<storage::UnreadyParts> unready_parts(const AccountId& account,
                                              layout::RowType type) override {
    return index_.unready_parts(account, type);
  }
  Result<std::vector<storage::ObjectInfo>> unread_parts(std::size_t) override { return none(); }
  Result<void> describe(const std::vector<storage::ReadPart>&) override { return {}; }
  Result<std::vector<storage::ObjectInfo>> parts_without_microseconds(const std::string&,
                                                                      std::size_t) override {
    return none();
  }
  Result<std::uint64_t> count_without_microseconds() override { return std::uint64_t{0}; }

 private:
  static Result<std::vector<storage::ObjectInfo>> none() {
    return std::vector<storage::ObjectInfo>();
  }
  storage::Index& index_;
};

storage::IndexRow row_of(Date day, int number) {
  const std::string experiment = fmt::format("{}", 20'410'800'000 + number % 50);
  storage::IndexRow row;
  row.info.key = fmt::format(
      "v1/account_id=596780373/type=decisions/date={}/experiment={}/part-00000-{}.c000.snappy"
      ".parquet",
      format_date(day), experiment, make_uuid());
  row.info.size = 100'000 + static_cast<std::uint64_t>(number) * 37;
  row.info.etag = hex(random_bytes(16));
  row.info.crc32 = 0;
  row.info.modified = kNow;
  row.info.rows = 1'000;
  row.id = storage::ObjectId::make();
  row.data_key = {1, random_bytes(storage::kWrappedKeyBytes)};
  layout::PartStatistics part;
  part.rows = 1'000;
  part.timestamps = layout::TimestampUnit::microseconds;
  part.field_ids = true;
  part.row_groups = {4};
  const std::int64_t begin =
      std::int64_t{86'400'000'000} * day.time_since_epoch().count() + number * 1'000'000LL;
  for (const layout::Field& field : layout::fields_of(layout::RowType::decisions)) {
    if (!field.is_column() || field.kind == layout::FieldKind::list) continue;
    layout::ColumnStatistics column{field.id, 0, {}};
    if (field.kind == layout::FieldKind::instant)
      column.bounds = layout::Bounds{begin, begin + 900'000'000};
    else if (field.path == "experiment_id")
      column.bounds = layout::Bounds{experiment, experiment};
    else if (field.bounds && field.kind == layout::FieldKind::text)
      column.bounds = layout::text_bounds("18774763756", "20417841236");
    part.columns.push_back(std::move(column));
  }
  row.statistics = std::move(part);
  return row;
}

class Filled {
 public:
  Filled() {
    index_ = std::move(*storage::Index::open(folder_.path() / "objects.db", "bucket"));
    const Date first = *parse_date("2026-01-01");
    for (int day = 0; day < kDays; ++day) {
      storage::IndexChange change;
      for (int i = 0; i < kPartsOfDay; ++i)
        change.add.push_back(row_of(first + std::chrono::days(day), i));
      bool undecided = false;
      if (!index_->commit(change, [](const auto&) { return Result<void>(); }, undecided))
        std::abort();
    }
  }
  static storage::Index& index() {
    static Filled filled;
    return *filled.index_;
  }

 private:
  TemporaryFolder folder_{std::filesystem::temp_directory_path()};
  std::unique_ptr<storage::Index> index_;
};

// Of the process, in MiB: `name` VmRSS or VmHWM.
double memory(std::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name)) return std::stod(line.substr(name.size() + 1)) / 1024;
  return 0;
}
// From now on the peak counts anew.
void forget_peak() { std::ofstream("/proc/self/clear_refs") << 5; }

const Table& table() {
  static const Table kTable{*AccountId::parse("596780373"), layout::RowType::decisions};
  return kTable;
}

void load_table(benchmark::State& state) {
  IndexCatalog catalog(Filled::index());
  Snapshots snapshots(catalog, "bucket");
  for (auto _ : state) {
    benchmark::DoNotOptimize(catalog.unready_parts(table().account, table().type));
    const auto snapshot = snapshots.current(table(), kNow);
    benchmark::DoNotOptimize(snapshots.metadata_of(table(), *snapshot));
  }
}
BENCHMARK(load_table)->Unit(benchmark::kMillisecond);

// A thousand parts, from anywhere.
void page_of_parts(benchmark::State& state) {
  storage::Index& index = Filled::index();
  const std::string folder = layout::type_prefix(table().account, table().type);
  const auto generation = index.catalog(table().account)->generation;
  int at = 0;
  for (auto _ : state) {
    at = (at + 77) % (kDays - 1);
    const Date day = *parse_date("2026-01-01") + std::chrono::days(at);
    const auto page =
        index.list_parts(table().account, folder,
                         fmt::format("{}date={}/", folder, format_date(day)), 1'000, generation);
    if (!page || page->parts.size() != 1'000) state.SkipWithError("not a page of 1,000");
  }
}
BENCHMARK(page_of_parts)->Unit(benchmark::kMillisecond);

MetadataKey key_of(std::string_view path) {
  return *MetadataKey::parse(path.substr(std::string_view("s3://bucket/").size()));
}

void plan_all(benchmark::State& state) {
  IndexCatalog catalog(Filled::index());
  double added = 0;
  std::size_t bytes = 0;
  for (auto _ : state) {
    const double before = memory("VmRSS:");
    forget_peak();
    Snapshots snapshots(catalog, "bucket");
    const auto current = snapshots.current(table(), kNow);
    if (!current || current->totals.files != std::uint64_t{kDays} * kPartsOfDay) std::abort();
    const auto metadata = boost::json::parse(snapshots.metadata_of(table(), *current));
    const auto list =
        snapshots.read(key_of(metadata.at("snapshots").at(0).at("manifest-list").as_string()));
    if (!list) std::abort();
    bytes = (*list)->bytes.size();
    for (const auto& row : read_avro((*list)->bytes)->rows) {
      const auto manifest = snapshots.read(key_of(row.at("manifest_path").as_string()));
      if (!manifest) std::abort();
      bytes += (*manifest)->bytes.size();
    }
    added = memory("VmHWM:") - before;
  }
  state.counters["added_MiB"] = added;
  state.counters["sent_MiB"] = static_cast<double>(bytes) / (1 << 20);
}
BENCHMARK(plan_all)->Unit(benchmark::kSecond)->Iterations(1);

}  // namespace
}  // namespace valetkey::tables
