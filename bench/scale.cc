// SPDX-License-Identifier: Apache-2.0
// What the stores cost as they grow: the product's own code over made-up rows, under a clock that the program turns.
// A line of JSON a figure. The folder is made and left; a database is one that holds nothing else.
//   scale index FOLDER OBJECTS
//   scale days FOLDER ACCOUNTS
//   scale merges FOLDER ACCOUNTS
//   scale ledger|control FOLDER|URL PASSWORD_FILE ACCOUNTS
//   scale owners URL PASSWORD_FILE WORKS
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <future>
#include <random>

#include "base/crypto.h"
#include "base/keyring.h"
#include "base/testing/manual_clock.h"
#include "control/postgres_store.h"
#include "control/sqlite_store.h"
#include "control/tokens.h"
#include "duckdb/library.h"
#include "events/file_log.h"
#include "exporter/exporter.h"
#include "exporter/postgres_owners.h"
#include "exporter/sql_ledger.h"
#include "fill.h"
#include "layout/part_key.h"
#include "scale_rows.h"
#include "storage/disk_store.h"
#include "storage/index.h"

namespace valetkey::bench {
namespace {

namespace fs = std::filesystem;
using std::chrono::days;

double cpu_now() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

double wall_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

void tell(std::string_view name, std::uint64_t size, double value, std::string_view unit) {
  fmt::print("{{\"name\": \"{}\", \"size\": {}, \"value\": {:.4f}, \"unit\": \"{}\"}}\n", name,
             size, value, unit);
  std::fflush(stdout);
}

// Microseconds of this process's CPU for each call, and the median by the clock, which counts a database server's
// work, too.
template <class Call>
void measure(std::string_view name, std::uint64_t size, int calls, Call call) {
  std::vector<double> walls;
  const double cpu = cpu_now();
  for (int i = 0; i < calls; ++i) {
    const double began = wall_now();
    call(i);
    walls.push_back(wall_now() - began);
  }
  tell(std::string(name) + "_cpu", size, (cpu_now() - cpu) / calls, "us");
  std::ranges::nth_element(walls, walls.begin() + calls / 2);
  tell(name, size, walls[static_cast<std::size_t>(calls) / 2], "us");
}

// --- the index of objects ---

constexpr Shape kExport{.days = 10, .partitions = 50};  // 1,000 parts an account

void publish_to_many(storage::Index& index, std::uint64_t accounts, int round) {
  storage::IndexChange change;
  for (std::uint64_t i = 0; i < storage::kMaxPublishedKeys; ++i) {
    storage::IndexRow row;
    row.info.key = key_of((i * 7919 + static_cast<std::uint64_t>(round)) % accounts,
                          layout::RowType::events, kFirstDay, fmt::format("new{}-{}", round, i));
    row.info.size = 1'000'000;
    row.info.etag = std::string(32, 'e');
    row.info.crc32 = 0;
    row.id = storage::ObjectId::make();
    row.data_key = {1, random_bytes(storage::kWrappedKeyBytes)};
    change.add.push_back(std::move(row));
  }
  bool undecided = false;
  must(index.commit(change, [](const auto&) { return Result<void>(); }, undecided));
}

void scale_index(const fs::path& folder, std::uint64_t objects) {
  fs::create_directories(folder);
  const auto file = folder / "objects.db";
  must(storage::Index::open(file, "bucket"));
  const std::uint64_t accounts = std::max<std::uint64_t>(objects / kExport.parts(), 1);
  fill_index(file, accounts, kExport);
  tell("index.bytes_an_object", objects,
       static_cast<double>(fs::file_size(file)) / static_cast<double>(objects), "B");
  const double began = cpu_now();
  const auto index = must(storage::Index::open(file, "bucket"));
  tell("index.open", objects, cpu_now() - began, "us");
  std::mt19937_64 random{1};
  const auto some = [&](int) { return random() % accounts; };
  measure("index.page_of_1000", objects, 300, [&](int i) {
    const auto page = must(index->list({.prefix = layout::account_prefix(account_of(some(i))),
                                        .delimiter = "",
                                        .start_after = ""}));
    if (page.entries.size() != 1000) std::abort();
  });
  measure("index.days_by_delimiter", objects, 1000, [&](int i) {
    const auto prefix = layout::type_prefix(account_of(some(i)), layout::RowType::events);
    if (must(index->list({.prefix = prefix, .delimiter = "/", .start_after = ""})).entries.size() !=
        kExport.days)
      std::abort();
  });
  measure("index.head", objects, 3000, [&](int i) {
    const auto key =
        key_of(some(i), layout::RowType::decisions, kFirstDay + days(3), "experiment=7");
    if (!must(index->find(key, Timestamp()))) std::abort();
  });
  measure("index.sums_of_an_account", objects, 1000,
          [&](int i) { must(index->days(account_of(some(i)).str())); });
  measure("index.publish_1000", objects, 20, [&](int i) { publish_to_many(*index, accounts, i); });
}

// --- a day's close and the retention, in the data folder ---

struct World {
  World(const fs::path& folder, std::vector<exporter::ExportedAccount> of)
      : accounts(std::move(of)),
        store(must(storage::open_disk_store({.folder = folder, .bucket = "bucket"}, keys, clock))),
        counting(*store),
        ledger(must(exporter::open_sqlite_ledger(folder / "objects.db"))),
        log(must(events::open_file_log({.folder = folder / "events"}, keys, clock))) {
    options.duckdb.folder = folder / "duckdb";
    options.duckdb.library =
        must(duckdb::find_library("", "[export] duckdb_library", duckdb::running_program()));
    options.duckdb.sha256 = duckdb::kLibrarySha256;
    exporter.emplace(exporter::ExportParts{
        *log, counting, *ledger, clock,
        [this]() -> Result<std::vector<exporter::ExportedAccount>> { return accounts; }, options});
  }
  ManualClock clock{Timestamp(kFirstDay) + std::chrono::hours(12)};
  FixedKeySource keys{Keyring::make(Timestamp(kFirstDay))};
  std::vector<exporter::ExportedAccount> accounts;
  std::unique_ptr<storage::DiskStore> store;
  CountingStore counting;
  std::unique_ptr<exporter::Ledger> ledger;
  std::unique_ptr<events::EventLog> log;
  exporter::ExporterOptions options;
  std::optional<exporter::Exporter> exporter;
};

std::vector<exporter::ExportedAccount> accounts_of(std::uint64_t count) {
  std::vector<exporter::ExportedAccount> out;
  for (std::uint64_t i = 0; i < count; ++i) out.push_back({account_of(i), days(30)});
  return out;
}

// Of a World, for each account; and how often the store was asked.
template <class Work>
void measure_work(std::string_view name, World& world, std::uint64_t accounts, Work work) {
  world.counting.forget();
  const double cpu = cpu_now(), wall = wall_now();
  work();
  const auto each = [&](double value) { return value / static_cast<double>(accounts); };
  tell(fmt::format("{}_cpu", name), accounts, each(cpu_now() - cpu), "us an account");
  tell(name, accounts, each(wall_now() - wall), "us an account");
  for (const auto& [what, count] : world.counting.counts())
    tell(fmt::format("{}.{}", name, what), accounts, each(static_cast<double>(count)),
         "calls an account");
}

// 31 days of 20 parts of each type, of which retention takes the first; then the last one ends.
void scale_days(const fs::path& folder, std::uint64_t accounts) {
  fs::create_directories(folder);
  constexpr Shape kShape{.days = 31, .partitions = 20};
  {
    World make(folder, {});
    fill_index(folder / "objects.db", accounts, kShape);
  }
  World world(folder, accounts_of(accounts));
  world.clock.set(Timestamp(kFirstDay + days(kShape.days)) + std::chrono::minutes(5));
  must(world.ledger->close_day(must(world.ledger->take_lease(exporter::kDays)),
                               kFirstDay + days(kShape.days - 2)));
  measure_work("days.close", world, accounts, [&] {
    if (must(world.exporter->close_days()) != 1) std::abort();
  });
  measure_work("days.retention", world, accounts, [&] { must(world.exporter->apply_retention()); });
}

// What the merging of four quarter-hours adds, 20 partition values an account.
void scale_merges(const fs::path& folder, std::uint64_t accounts) {
  constexpr std::uint64_t kValues = 20, kBatches = 4;
  fs::create_directories(folder);
  World world(folder, accounts_of(accounts));
  double written = 0;
  for (std::uint64_t batch = 0; batch < kBatches; ++batch) {
    for (std::uint64_t account = 0; account < accounts; ++account) {
      std::string records;
      for (std::uint64_t value = 0; value < kValues; ++value) {
        events::Event event;
        const auto uuid = make_uuid(), name = fmt::format("event{}", value),
                   id = account_of(account).str();
        event.account_id = id;
        event.uuid = uuid;
        event.visitor_id = "v";
        event.received = event.timestamp = world.clock.now();
        event.kind = events::EventKind::conversion;
        event.event_name = name;
        events::encode_event(event, records);
      }
      std::promise<Result<void>> done;
      world.log->append({account_of(account).str(), "v"}, std::move(records), kValues,
                        [&](Result<void> result) { done.set_value(std::move(result)); });
      must(done.get_future().get());
    }
    const double cpu = cpu_now();
    must(world.exporter->drain());
    written += cpu_now() - cpu;
    world.clock.advance(std::chrono::minutes(15));
  }
  const auto each = [&](double cpu, std::uint64_t batches) {
    return cpu / static_cast<double>(accounts * kValues * batches);
  };
  tell("merges.part_cpu", accounts, each(written, kBatches), "us a part");
  world.clock.set(Timestamp(kFirstDay + days(1)) + std::chrono::minutes(5));
  const double cpu = cpu_now();
  must(world.exporter->close_days());
  tell("merges.merge_cpu", accounts, each(cpu_now() - cpu, 1), "us a merge of four parts");
}

// --- ledger, accounts and tokens, owners ---

struct Place {
  std::string where, password_file;
  bool is_server() const { return where.starts_with("postgres"); }
  std::shared_ptr<postgres::Server> server() const {
    return std::make_shared<postgres::Server>(
        postgres::Settings{.url = where, .password_file = password_file});
  }
};

exporter::ExportResult result_of(std::uint64_t first, std::uint64_t count) {
  exporter::ExportResult result;
  for (std::uint64_t i = first; i < first + count; ++i)
    result.counts[account_of(i).str()] = {.events = 100, .rows = 100, .parts = 20, .bytes = 50'000};
  return result;
}

void scale_ledger(const Place& place, std::uint64_t accounts) {
  constexpr std::uint64_t kPartitions = 64;
  if (!place.is_server()) fs::create_directories(place.where);
  if (!place.is_server())
    must(storage::Index::open(fs::path(place.where) / "objects.db", "bucket"));
  const auto ledger =
      place.is_server() ? must(exporter::open_postgres_ledger(place.server()))
                        : must(exporter::open_sqlite_ledger(fs::path(place.where) / "objects.db"));
  const auto lease = must(ledger->take_lease(1));
  std::uint64_t at = must(ledger->consumed(1));
  const auto run = [&](const exporter::ExportResult& result) {
    const auto batch = must(ledger->begin(lease, at, at + 1));
    must(ledger->finish(lease, batch, result, Timestamp()));
    ++at;
  };
  run(result_of(0, accounts));
  const auto part = std::max<std::uint64_t>(accounts / kPartitions, 1);
  measure("ledger.batch", accounts, 50,
          [&](int i) { run(result_of(static_cast<std::uint64_t>(i) % kPartitions * part, part)); });
  measure("ledger.total_counts", accounts, 20, [&](int) { must(ledger->total_counts()); });
  measure("ledger.counts", accounts, 20, [&](int) { must(ledger->counts()); });
  measure("ledger.consumed", accounts, 500, [&](int) { must(ledger->consumed(1)); });
}

void scale_control(const Place& place, std::uint64_t accounts) {
  constexpr std::uint64_t kTokens = 10;  // of an account
  if (!place.is_server()) fs::create_directories(place.where);
  const auto file = fs::path(place.where) / "control.db";
  const auto open = [&] {
    return place.is_server() ? must(control::open_postgres_store(place.server()))
                             : must(control::open_sqlite_store(file));
  };
  const SystemClock clock;
  open();
  if (place.is_server())
    fill_control(*must(place.server()->connect()), accounts, kTokens);
  else
    fill_control(*must(sqlite::Database::open(file, sqlite::Database::Mode::read_write)), accounts,
                 kTokens);
  const auto store = open();
  std::mt19937_64 random{1};
  const std::uint64_t tokens = accounts * kTokens;
  measure("control.exchange_uncached", tokens, 2000, [&](int) {
    if (!must(store->authenticate(digest_of_token(random() % tokens), clock.now()))) std::abort();
  });
  measure("control.change_counter", tokens, 1000, [&](int) { must(store->change_counter()); });
  measure("control.accounts_with_policies", accounts, 3,
          [&](int) { must(store->accounts_with_policies()); });
  measure("control.policy", accounts, 500,
          [&](int) { must(store->policy(account_of(random() % accounts))); });
  measure("control.create_account", accounts, 50, [&](int i) {
    must(store->create_account(account_of(accounts + static_cast<std::uint64_t>(i)), "new",
                               clock.now()));
  });
}

void scale_owners(const Place& place, std::uint64_t works) {
  const auto owners = must(exporter::open_postgres_owners(place.server()));
  std::vector<exporter::Work> all;
  for (std::uint64_t i = 0; i < works; ++i) all.push_back(static_cast<exporter::Work>(i));
  std::vector<exporter::NodeState> nodes;
  for (int i = 0; i < 10; ++i)
    nodes.push_back({fmt::format("node{}", i), "name", "1", Timestamp(), Timestamp(), false, {}});
  for (int round = 0; round < 3; ++round)
    for (const auto& node : nodes) must(owners->renew(node, all, {}));
  measure("owners.renew", works, 60,
          [&](int i) { must(owners->renew(nodes[static_cast<std::size_t>(i) % 10], all, {})); });
  for (const auto& node : nodes) must(owners->leave(node.id));
}

int run(const std::vector<std::string>& words) {
  const auto number = [&] { return std::strtoull(words.back().c_str(), nullptr, 10); };
  if (words.size() == 3 && words[0] == "index") return scale_index(words[1], number()), 0;
  if (words.size() == 3 && words[0] == "days") return scale_days(words[1], number()), 0;
  if (words.size() == 3 && words[0] == "merges") return scale_merges(words[1], number()), 0;
  if (words.size() != 4) return 2;
  const Place place{words[1], words[2]};
  if (words[0] == "ledger") return scale_ledger(place, number()), 0;
  if (words[0] == "control") return scale_control(place, number()), 0;
  if (words[0] == "owners") return scale_owners(place, number()), 0;
  return 2;
}

}  // namespace
}  // namespace valetkey::bench

int main(int argc, char** argv) {
  const int status = valetkey::bench::run({argv + 1, argv + argc});
  if (status != 0) std::fputs("usage: scale KIND PLACE [PASSWORD_FILE] SIZE\n", stderr);
  return status;
}
