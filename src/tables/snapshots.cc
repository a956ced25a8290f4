// SPDX-License-Identifier: Apache-2.0
#include "tables/snapshots.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "layout/part_key.h"

namespace valetkey::tables {
namespace {

constexpr std::size_t kManifestBytes = 32 << 20;  // that are kept
constexpr std::size_t kListedManifests = 20'000;  // whose lengths are kept
constexpr std::uint64_t kEntries = 8'000;         // of a manifest
constexpr std::uint64_t kSmallMonth = 512;        // parts that lie in one manifest, once it is over
constexpr std::size_t kPinsOfTable = 4;
constexpr std::size_t kPinnedDays = 200'000;  // of all tables
constexpr std::size_t kPage = 1'000;          // parts asked for at once
constexpr int kMaking = 2;                    // at once
constexpr int kInLine = 16;                   // of one account, those that make included
constexpr std::chrono::seconds kPatience{5};

// A snapshot is said to be so much older than its first reading. DuckDB does not see one that is younger than its
// transaction, by a clock of its own.
constexpr std::chrono::minutes kAge{1};
constexpr int kAttempts = 3;  // to read days while publications change others

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

StateOfDays state_of(const storage::Catalog& catalog, layout::RowType type, std::string_view days) {
  StateOfDays state;
  for (const auto& day : catalog.days) {
    if (day.folder.type != type || !format_date(day.folder.day).starts_with(days)) continue;
    state.changed = std::max(state.changed, day.changed);
    state.parts += day.parts;
  }
  return state;
}

bool same(const std::vector<storage::CatalogDay>& a, const std::vector<storage::CatalogDay>& b) {
  return std::ranges::equal(a, b, [](const auto& one, const auto& other) {
    return one.folder == other.folder && one.parts == other.parts && one.changed == other.changed;
  });
}

std::unexpected<Error> gone() { return fail(ErrorCode::not_found, "no such metadata"); }

}  // namespace

// A place among those that make manifests: few at once, since each keeps a thread busy.
class Snapshots::Turn {
 public:
  Turn(Snapshots& of, const AccountId& account) : of_(of), account_(account.str()) {
    std::unique_lock lock(of_.turns_mutex_);
    if (of_.in_line_[account_] >= kInLine) return;
    ++of_.in_line_[account_];
    in_line_ = true;
    has_ = of_.turns_changed_.wait_for(lock, kPatience, [this] { return of_.making_ < kMaking; });
    if (has_) ++of_.making_;
  }
  ~Turn() {
    if (!in_line_) return;
    const std::lock_guard lock(of_.turns_mutex_);
    if (has_) --of_.making_;
    if (const auto mine = of_.in_line_.find(account_); --mine->second == 0)
      of_.in_line_.erase(mine);
    of_.turns_changed_.notify_one();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  Result<void> check() const {
    if (has_) return {};
    return fail(ErrorCode::busy, "too many manifests are being made");
  }

 private:
  Snapshots& of_;
  std::string account_;
  bool in_line_ = false;
  bool has_ = false;
};

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
  VALETKEY_TRY(storage::Catalog catalog, catalog_.catalog(table.account));
  const Pin pinned = pin(table, catalog, now);
  Snapshot snapshot{.generation = pinned.generation,
                    .seen = pinned.seen,
                    .listed_as_of = catalog.generation,
                    .days = pinned.days,
                    .key = {},
                    .metadata = {},
                    .without_statistics = std::move(catalog.without_statistics),
                    .without_microseconds = std::move(catalog.without_microseconds)};
  for (const auto& day : pinned.days) {
    snapshot.files += day.parts;
    snapshot.rows += day.rows;
  }
  const MetadataName name{pinned.generation, pinned.seen};
  snapshot.key = MetadataKey{table.account, table.type, name}.str();
  snapshot.metadata = metadata_of(table, name, pinned.days);
  return snapshot;
}

// The snapshot that was shown last, where the table has not changed since; else the generation of now.
Snapshots::Pin Snapshots::pin(const Table& table, const storage::Catalog& catalog, Timestamp now) {
  Days days = days_of(catalog, table.type);
  const std::lock_guard lock(mutex_);
  std::vector<Pin>& pins = pins_[{table.account.str(), table.type}];
  if (!pins.empty() && pins.back().generation >= catalog.oldest_generation &&
      same(pins.back().days, days))
    return pins.back();
  const Timestamp seen = pins.empty() ? now - kAge : std::max(now - kAge, pins.back().seen);
  if (pins.size() == kPinsOfTable) {
    pinned_days_ -= pins.front().days.size();
    pins.erase(pins.begin());
  }
  if (pinned_days_ + days.size() > kPinnedDays) {
    pins_.clear();
    pinned_days_ = 0;
  }
  pinned_days_ += days.size();
  Pin made{catalog.generation, seen, std::move(days)};
  pins_[{table.account.str(), table.type}].push_back(made);
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
        if (pin.generation == generation && (generation >= catalog.oldest_generation ||
                                             same(pin.days, days_of(catalog, table.type))))
          return pin.days;
  }
  if (generation == catalog.generation) return days_of(catalog, table.type);
  if (generation < catalog.oldest_generation) return gone();
  return count_days(table, generation);
}

Result<Snapshots::Days> Snapshots::count_days(const Table& table, std::uint64_t generation) {
  const Turn turn(*this, table.account);
  VALETKEY_CHECK(turn.check());
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
    }
    if (!page.truncated || page.parts.empty()) return days;
    after = page.parts.back().info.key;
  }
}

// A month that is over and has few parts is a group; else each day.
std::vector<Snapshots::Group> Snapshots::group(const Days& days) {
  std::map<std::string, std::uint64_t> months;
  for (const auto& day : days) months[month_of(day.folder.day)] += day.parts;
  if (!days.empty()) months.erase(month_of(days.back().folder.day));
  std::vector<Group> groups;
  for (const auto& day : days) {
    if (day.parts == 0) continue;
    const std::string month = month_of(day.folder.day);
    const auto whole = months.find(month);
    const bool small = whole != months.end() && whole->second <= kSmallMonth;
    std::string name = small ? month : format_date(day.folder.day);
    if (groups.empty() || groups.back().days != name) groups.push_back({.days = std::move(name)});
    groups.back().changed = std::max(groups.back().changed, day.changed);
    groups.back().parts += day.parts;
  }
  return groups;
}

std::string Snapshots::metadata_of(const Table& table, const MetadataName& name,
                                   const Days& days) const {
  TableState state{.location = location(table),
                   .snapshot = name.generation,
                   .changed = name.seen,
                   .list_path = {}};
  for (const auto& day : days) {
    state.files += day.parts;
    state.rows += day.rows;
  }
  state.list_path =
      fmt::format("s3://{}/{}", bucket_,
                  MetadataKey{table.account, table.type, ListName{name.generation}}.str());
  return table_metadata(schema_of(table.type), state);
}

Result<Snapshots::Bytes> Snapshots::read(const MetadataKey& key) {
  const Table table{key.account, key.type};
  if (const auto* name = std::get_if<MetadataName>(&key.name)) return read_metadata(table, *name);
  if (const auto* name = std::get_if<ListName>(&key.name)) return read_list(table, *name);
  // An erasure elsewhere in the account ends the generation that is being listed, not what these days are.
  Result<Bytes> manifest = gone();
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    manifest = read_manifest(key, std::get<ManifestName>(key.name));
    if (manifest || manifest.error().code != ErrorCode::not_found) break;
  }
  return manifest;
}

Result<Snapshots::Bytes> Snapshots::read_metadata(const Table& table, const MetadataName& name) {
  VALETKEY_TRY(const storage::Catalog catalog, catalog_.catalog(table.account));
  VALETKEY_TRY(const Days days, days_at(table, catalog, name.generation));
  return std::make_shared<const std::string>(metadata_of(table, name, days));
}

Result<Snapshots::Bytes> Snapshots::read_list(const Table& table, const ListName& name) {
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
  return std::make_shared<const std::string>(manifest_list(rows, name.generation));
}

Result<std::shared_ptr<const Snapshots::Rows>> Snapshots::rows_of(const Table& table,
                                                                  const Group& group,
                                                                  std::uint64_t generation) {
  const std::string name =
      fmt::format("{}{}-g{}-p{}", layout::type_prefix(table.account, table.type), group.days,
                  group.changed, group.parts);
  if (auto known = rows_.find(name)) return known;
  const Turn turn(*this, table.account);
  VALETKEY_CHECK(turn.check());
  if (auto known = rows_.find(name)) return known;
  auto rows = std::make_shared<Rows>();
  VALETKEY_CHECK(
      make(table, group, generation, [&](ManifestWriter::Made made, const std::string& key) {
        made.row.path = fmt::format("s3://{}/{}", bucket_, key);
        rows->push_back(std::move(made.row));
        const std::size_t bytes = made.bytes.size();
        manifests_.insert(key, std::make_shared<const std::string>(std::move(made.bytes)), bytes);
      }));
  rows_.insert(name, rows, rows->size());
  return rows;
}

Result<Snapshots::Bytes> Snapshots::read_manifest(const MetadataKey& key,
                                                  const ManifestName& name) {
  const Table table{key.account, key.type};
  const std::string text = key.str();
  VALETKEY_TRY(const storage::Catalog catalog, catalog_.catalog(table.account));
  const bool still =
      state_of(catalog, table.type, name.days) == StateOfDays{name.changed, name.parts};
  if (!still && (name.changed < catalog.oldest_generation || name.changed > catalog.generation))
    return gone();
  if (auto known = manifests_.find(text)) return known;
  const Turn turn(*this, table.account);
  VALETKEY_CHECK(turn.check());
  Bytes wanted;
  VALETKEY_CHECK(make(table, {name.days, name.changed, name.parts},
                      still ? catalog.generation : name.changed,
                      [&](ManifestWriter::Made made, const std::string& made_key) {
                        const std::size_t bytes = made.bytes.size();
                        auto kept = std::make_shared<const std::string>(std::move(made.bytes));
                        if (made_key == text) wanted = kept;
                        manifests_.insert(made_key, std::move(kept), bytes);
                      }));
  if (!wanted) return gone();
  return wanted;
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

Result<void> Snapshots::make(const Table& table, const Group& group, std::uint64_t generation,
                             const Take& take) {
  const std::string type = layout::type_prefix(table.account, table.type);
  const bool is_month = group.days.size() == 7;
  const std::string wanted = type + "date=" + group.days + (is_month ? "-" : "/");
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
