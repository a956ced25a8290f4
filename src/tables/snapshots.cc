// SPDX-License-Identifier: Apache-2.0
#include "tables/snapshots.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <span>

#include "base/crypto.h"
#include "layout/part_key.h"

namespace valetkey::tables {
namespace {

constexpr std::size_t kManifestBytes = 48 << 20;  // that are kept
constexpr std::size_t kListedManifests = 20'000;  // whose lengths are kept
constexpr std::uint64_t kEntries = 8'000;         // of a manifest
constexpr std::uint64_t kSmallMonth = 512;        // parts that lie in one manifest
constexpr std::size_t kPinsOfTable = 4;
constexpr std::size_t kPinnedDays = 200'000;  // of all tables
constexpr std::size_t kPage = 1'000;          // parts asked for at once

// A snapshot is said to be so much older than its first reading. DuckDB does not see one that is younger than its
// transaction, by a clock of its own.
constexpr std::chrono::minutes kAge{1};
constexpr int kAttempts = 2;  // more, to read days while others are erased

std::string month_of(Date day) { return format_date(day).substr(0, 7); }

// What tells one state of some days from another: parts that come raise `changed`, parts that go lower their count.
struct StateOfDays {
  std::uint64_t changed = 0;
  std::uint64_t parts = 0;
  friend bool operator==(const StateOfDays&, const StateOfDays&) = default;
};

std::vector<storage::CatalogDay> days_of(const storage::Catalog& catalog, layout::RowType type) {
  std::vector<storage::CatalogDay> days;
  for (const auto& day : catalog.days)
    if (day.folder.type == type) days.push_back(day);
  return days;
}

// Those of a type that a text begins: "2020-09-14", or "2020-09". `days` is in order.
std::span<const storage::CatalogDay> stretch_of(std::span<const storage::CatalogDay> days,
                                                layout::RowType type, std::string_view text) {
  const bool is_month = text.size() == 7;
  const Date first = parse_date(std::string(text) + (is_month ? "-01" : "")).value_or(Date());
  const std::chrono::year_month_day date(first);
  const Date end = is_month ? Date((date.year() / date.month() + std::chrono::months(1)) / 1)
                            : first + std::chrono::days(1);
  const auto at = [&](Date day) {
    return std::ranges::lower_bound(days, layout::DayFolder{type, day}, {},
                                    &storage::CatalogDay::folder);
  };
  return {at(first), at(end)};
}

StateOfDays state_of(const storage::Catalog& catalog, layout::RowType type, std::string_view days) {
  StateOfDays state;
  for (const auto& day : stretch_of(catalog.days, type, days)) {
    state.changed = std::max(state.changed, day.changed);
    state.parts += day.parts;
  }
  return state;
}

Totals totals_of(std::span<const storage::CatalogDay> days) {
  Totals totals;
  for (const auto& day : days) {
    totals.files += day.parts;
    totals.rows += day.rows;
    totals.bytes += day.bytes;
  }
  return totals;
}

bool same(const std::vector<storage::CatalogDay>& a, const std::vector<storage::CatalogDay>& b) {
  return std::ranges::equal(a, b, [](const auto& one, const auto& other) {
    return one.folder == other.folder && one.parts == other.parts && one.changed == other.changed;
  });
}

std::shared_ptr<const Document> document(std::string bytes) {
  std::string etag = sha256_hex(bytes).substr(0, 32);
  return std::make_shared<const Document>(std::move(bytes), std::move(etag));
}

std::unexpected<Error> gone() { return fail(ErrorCode::not_found, "no such metadata"); }
std::unexpected<Error> busy() {
  return fail(ErrorCode::busy, "as many parts are walked through as may be at once");
}

}  // namespace

Snapshots::Snapshots(storage::PartCatalog& catalog, std::string bucket)
    : catalog_(catalog),
      bucket_(std::move(bucket)),
      manifests_(kManifestBytes),
      rows_(kListedManifests) {}

std::string Snapshots::location(const Table& table) const {
  std::string prefix = layout::type_prefix(table.account, table.type);
  prefix.pop_back();
  return fmt::format("s3://{}/{}", bucket_, prefix);
}

Result<Snapshot> Snapshots::current(const Table& table, Timestamp now) {
  VALETKEY_TRY(const storage::Catalog catalog, catalog_.catalog(table.account));
  return pin(table, catalog, now);
}

std::string Snapshots::key_of(const Table& table, const Snapshot& snapshot) {
  return MetadataKey{table.account, table.type, MetadataName{snapshot.generation, snapshot.seen}}
      .str();
}

std::string Snapshots::metadata_of(const Table& table, const Snapshot& snapshot) const {
  const MetadataKey list{table.account, table.type, ListName{snapshot.generation}};
  return table_metadata(schema_of(table.type),
                        {.location = location(table),
                         .snapshot = snapshot.generation,
                         .changed = snapshot.seen,
                         .totals = snapshot.totals,
                         .list_path = fmt::format("s3://{}/{}", bucket_, list.str())});
}

// The snapshot that was shown last, where the table has not changed since; else the generation of now.
Snapshot Snapshots::pin(const Table& table, const storage::Catalog& catalog, Timestamp now) {
  Days days = days_of(catalog, table.type);
  const std::lock_guard lock(mutex_);
  std::vector<Pin>& pins = pins_[{table.account.str(), table.type}];
  Timestamp seen = now - kAge;
  if (!pins.empty()) {
    Snapshot last = pins.back().snapshot;
    // Another request may have read the index after this one did, and was here first.
    const bool ahead = last.generation > catalog.generation;
    if (ahead || (last.generation >= catalog.oldest_generation && same(pins.back().days, days))) {
      last.listed_as_of = std::max(last.generation, catalog.generation);
      return last;
    }
    seen = std::max(seen, last.seen);
  }
  if (pins.size() == kPinsOfTable) {
    pinned_days_ -= pins.front().days.size();
    pins.erase(pins.begin());
  }
  if (pinned_days_ + days.size() > kPinnedDays) {
    pins_.clear();
    pinned_days_ = 0;
  }
  pinned_days_ += days.size();
  const Snapshot made{catalog.generation, seen, catalog.generation, totals_of(days)};
  pins_[{table.account.str(), table.type}].push_back({made, std::move(days)});
  return made;
}

// The days of the table as of a generation that was shown once, here or by another process.
Result<Snapshots::Days> Snapshots::days_at(const Table& table, const storage::Catalog& catalog,
                                           std::uint64_t generation) {
  if (generation > catalog.generation) return gone();
  {
    const std::lock_guard lock(mutex_);
    const auto pins = pins_.find({table.account.str(), table.type});
    if (pins != pins_.end())
      for (const Pin& pin : pins->second)
        if (pin.snapshot.generation == generation && (generation >= catalog.oldest_generation ||
                                                      same(pin.days, days_of(catalog, table.type))))
          return pin.days;
  }
  if (generation == catalog.generation) return days_of(catalog, table.type);
  if (generation < catalog.oldest_generation) return gone();
  return count_days(table, generation);
}

Result<Snapshots::Days> Snapshots::count_days(const Table& table, std::uint64_t generation) {
  Places::Place place(places_, table.account);
  if (!place.take()) return busy();
  Days days;
  std::string after;
  while (true) {
    VALETKEY_TRY(const storage::CatalogPage page,
                 catalog_.list_parts(table.account, layout::type_prefix(table.account, table.type),
                                     after, kPage, generation));
    for (const storage::CatalogPart& part : page.parts) {
      const auto key = layout::PartKey::parse(part.info.key);
      if (!key) continue;
      if (days.empty() || days.back().folder != key->name.folder)
        days.push_back({.folder = key->name.folder, .changed = generation});
      ++days.back().parts;
      days.back().rows += part.info.rows.value_or(0);
      days.back().bytes += part.info.size;
    }
    if (!page.truncated || page.parts.empty()) return days;
    after = page.parts.back().info.key;
  }
}

// A month of few parts is a group; else each day. Engines read every manifest, and most of a small one is its schema.
std::vector<Snapshots::Group> Snapshots::group(const Days& days) {
  std::map<std::string, std::uint64_t> months;
  for (const auto& day : days) months[month_of(day.folder.day)] += day.parts;
  std::vector<Group> groups;
  for (const auto& day : days) {
    if (day.parts == 0) continue;
    const std::string month = month_of(day.folder.day);
    std::string name = months[month] <= kSmallMonth ? month : format_date(day.folder.day);
    if (groups.empty() || groups.back().days != name) groups.push_back({.days = std::move(name)});
    groups.back().changed = std::max(groups.back().changed, day.changed);
    groups.back().parts += day.parts;
  }
  return groups;
}

Result<Snapshots::Found> Snapshots::read(const MetadataKey& key) {
  const Table table{key.account, key.type};
  if (const auto* name = std::get_if<MetadataName>(&key.name)) return read_metadata(table, *name);
  if (const auto* name = std::get_if<ListName>(&key.name)) return read_list(table, *name);
  return read_manifest(key, std::get<ManifestName>(key.name));
}

Result<Snapshots::Found> Snapshots::read_metadata(const Table& table, const MetadataName& name) {
  VALETKEY_TRY(const storage::Catalog catalog, catalog_.catalog(table.account));
  VALETKEY_TRY(const Days days, days_at(table, catalog, name.generation));
  return document(metadata_of(table, {name.generation, name.seen, 0, totals_of(days)}));
}

Result<Snapshots::Found> Snapshots::read_list(const Table& table, const ListName& name) {
  VALETKEY_TRY(const storage::Catalog catalog, catalog_.catalog(table.account));
  VALETKEY_TRY(const Days days, days_at(table, catalog, name.generation));
  Rows rows;
  for (const Group& group : group(days)) {
    const bool still =
        state_of(catalog, table.type, group.days) == StateOfDays{group.changed, group.parts};
    VALETKEY_TRY(const auto made,
                 rows_of(table, group, still ? catalog.generation : name.generation));
    rows.insert(rows.end(), made->begin(), made->end());
  }
  return document(manifest_list(rows, name.generation));
}

std::string Snapshots::name_of(const Table& table, const Group& group) {
  return fmt::format("{}{}-g{}-p{}", layout::type_prefix(table.account, table.type), group.days,
                     group.changed, group.parts);
}

Result<std::shared_ptr<const Snapshots::Rows>> Snapshots::rows_of(const Table& table,
                                                                  const Group& group,
                                                                  std::uint64_t generation) {
  const std::string name = name_of(table, group);
  if (auto known = rows_.find(name)) return known;
  Places::Place place(places_, table.account);
  if (!place.take()) return busy();
  if (auto known = rows_.find(name)) return known;
  VALETKEY_TRY(Made made, make(table, group, generation, {}));
  return std::move(made.rows);
}

namespace {

// Whether days can ever have been so, as far as that can be said without a walk through their parts.
bool may_have_been(const ManifestName& name, const StateOfDays& now,
                   const storage::Catalog& catalog) {
  const bool is_month = name.days.size() == 7;
  if (name.parts == 0 || name.number > (name.parts - 1) / kEntries) return false;
  if (is_month && name.parts > kSmallMonth) return false;
  if (name.changed < catalog.oldest_generation || name.changed > catalog.generation) return false;
  // The day has not changed since.
  return is_month || now.parts == 0 || now.changed > name.changed || now.parts == name.parts;
}

}  // namespace

Result<Snapshots::Found> Snapshots::read_manifest(const MetadataKey& key,
                                                  const ManifestName& name) {
  const Table table{key.account, key.type};
  const Group group{name.days, name.changed, name.parts};
  const std::string text = key.str();
  const auto known = manifests_.find(text);
  const auto rows = rows_.find(name_of(table, group));
  Places::Place place(places_, table.account);
  if (!known && !place.take()) return busy();
  for (int attempt = 0;; ++attempt) {
    VALETKEY_TRY(const storage::Catalog catalog, catalog_.catalog(table.account));
    const StateOfDays now = state_of(catalog, table.type, name.days);
    const bool still = now == StateOfDays{name.changed, name.parts};
    if (!still && !may_have_been(name, now, catalog)) return gone();
    if (known) return known;
    const std::string path = fmt::format("s3://{}/{}", bucket_, text);
    if (rows && std::ranges::find(*rows, path, &ManifestRow::path) == rows->end()) return gone();
    auto made = make(table, group, still ? catalog.generation : name.changed, text);
    if (made && made->wanted) return made->wanted;
    if (made) return gone();
    // An erasure elsewhere in the account ended the generation that was being listed, not what these days are.
    const bool again = still && attempt < kAttempts && made.error().code == ErrorCode::not_found;
    if (!again) return std::unexpected(std::move(made).error());
  }
}

Result<Snapshots::Made> Snapshots::make(const Table& table, const Group& group,
                                        std::uint64_t generation, std::string_view wanted_key) {
  Found wanted;
  auto rows = std::make_shared<Rows>();
  const auto keep = [&](ManifestWriter::Made made, const std::string& key) {
    made.row.path = fmt::format("s3://{}/{}", bucket_, key);
    rows->push_back(std::move(made.row));
    const std::size_t bytes = made.bytes.size();
    auto kept = document(std::move(made.bytes));
    // The engine reads the others in the same order: of more than there is room for, the first would go before it comes.
    if (key != wanted_key) return manifests_.offer(key, std::move(kept), bytes);
    wanted = kept;
    manifests_.insert(key, std::move(kept), bytes);
  };
  VALETKEY_CHECK(walk(table, group, generation, keep));
  rows_.insert(name_of(table, group), rows, rows->size());
  return Made{std::move(rows), std::move(wanted)};
}

namespace {

// The manifests of a group under way: one of each spec.
class Sorter {
 public:
  using Take = std::function<void(ManifestWriter::Made, const std::string&)>;
  // `name`: of all manifests of the group, but for spec and number.
  Sorter(const Table& table, ManifestName name, const Take& take)
      : table_(table), name_(std::move(name)), take_(take) {}

  void add(const DataFile& file) {
    const PartitionValues values = partition_of(table_.type, file.statistics);
    Spec& spec = specs_[static_cast<std::size_t>(values.spec)];
    if (!spec.writer)
      spec.writer = std::make_unique<ManifestWriter>(schema_of(table_.type), values.spec);
    spec.writer->add(file, values);
    if (spec.writer->files() == kEntries) end(values.spec);
  }
  void end() {
    for (int spec = 0; spec < kSpecs; ++spec)
      if (specs_[static_cast<std::size_t>(spec)].writer) end(spec);
  }

 private:
  struct Spec {
    std::unique_ptr<ManifestWriter> writer;
    std::uint64_t ended = 0;
  };
  void end(int number) {
    Spec& spec = specs_[static_cast<std::size_t>(number)];
    ManifestWriter::Made made = spec.writer->finish();
    spec.writer.reset();
    name_.spec = number;
    name_.number = spec.ended++;
    take_(std::move(made), MetadataKey{table_.account, table_.type, name_}.str());
  }

  const Table& table_;
  ManifestName name_;
  const Take& take_;
  std::array<Spec, kSpecs> specs_;
};

}  // namespace

Result<void> Snapshots::walk(const Table& table, const Group& group, std::uint64_t generation,
                             const Take& take) {
  const std::string type = layout::type_prefix(table.account, table.type);
  const bool is_month = group.days.size() == 7;
  const std::string wanted =
      type + std::string(layout::kDateFolder) + group.days + (is_month ? "-" : "/");
  Sorter sorter(table, {.days = group.days, .changed = group.changed, .parts = group.parts}, take);
  std::uint64_t parts = 0;
  std::string after =
      is_month ? wanted : std::string();  // a month is a stretch of the type's folder
  for (bool more = true; more;) {
    VALETKEY_TRY(
        storage::CatalogPage page,
        catalog_.list_parts(table.account, is_month ? type : wanted, after, kPage, generation));
    more = page.truncated && !page.parts.empty();
    if (more) after = page.parts.back().info.key;
    for (storage::CatalogPart& part : page.parts) {
      if (!part.info.key.starts_with(wanted)) {
        more = false;
        break;
      }
      if (++parts > group.parts) return gone();
      if (!part.statistics)
        return fail(ErrorCode::unavailable,
                    fmt::format("nothing is known of {} yet", part.info.key));
      sorter.add({.path = fmt::format("s3://{}/{}", bucket_, part.info.key),
                  .size = part.info.size,
                  .added = group.changed,
                  .statistics = std::move(*part.statistics)});
    }
  }
  if (parts != group.parts) return gone();
  sorter.end();
  return {};
}

}  // namespace valetkey::tables
