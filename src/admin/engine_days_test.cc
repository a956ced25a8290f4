// SPDX-License-Identifier: Apache-2.0
// Days and erasures over a real engine's bucket: the exporter's clock is moved, requests are signed by the real one.
// tests/CMakeLists.txt runs it for each engine; without one it is skipped.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <future>
#include <sstream>

#include "base/crypto.h"
#include "base/testing/manual_clock.h"
#include "base/testing/temporary_folder.h"
#include "bucket/open.h"
#include "events/file_log.h"
#include "exporter/exporter.h"
#include "exporter/parquet_footer.h"
#include "exporter/part_publisher.h"
#include "exporter/sql_ledger.h"
#include "sqlite/database.h"
#include "storage/testing/faulty_store.h"

namespace valetkey::admin {
namespace {

namespace json = boost::json;
using std::chrono::days;

const std::filesystem::path kLibrary =
    VALETKEY_SOURCE_DIR "/node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so";
constexpr auto kNoon =
    std::chrono::sys_days(std::chrono::year(2026) / 3 / 10) + std::chrono::hours(12);

class EngineDays : public testing::Test {
 protected:
  void SetUp() override {
    const char* engine = std::getenv("VALETKEY_ENGINE");
    const char* bucket = std::getenv("VALETKEY_BUCKET");
    if (engine == nullptr || bucket == nullptr) GTEST_SKIP() << "no engine runs here";
    if (!std::filesystem::exists(kLibrary)) GTEST_SKIP() << "libduckdb is not installed";
    std::ostringstream text;
    text << std::ifstream(std::filesystem::path(engine) / "engine.json").rdbuf();
    const json::value where = json::parse(text.str());
    const auto& owner = where.at("users").at("owner").as_object();
    key_ = owner.at("key").as_string();
    secret_ = owner.at("secret").as_string();
    auto store = bucket::open_bucket(
        {.endpoint = std::string(where.at("s3").as_string()),
         .region = std::string(where.at("region").as_string()),
         .bucket = bucket,
         .internal_bucket = std::string(bucket) + "-inside"},
        folder_.path(),
        [this](const char* name) -> const char* {
          const std::string_view wanted(name);
          if (wanted == "AWS_ACCESS_KEY_ID") return key_.c_str();
          return wanted == "AWS_SECRET_ACCESS_KEY" ? secret_.c_str() : nullptr;
        },
        system_);
    ASSERT_TRUE(store) << store.error().detail;
    store_ = std::move(*store);
    faulty_ = std::make_unique<storage::FaultyStore>(*store_);
    faulty_->tears = true;
    ASSERT_TRUE(
        sqlite::Database::open(folder_.path() / "objects.db", sqlite::Database::Mode::create));
    reopen();
  }

  // As after a death.
  void reopen() {
    exporter_.reset();
    log_.reset();
    ledger_ = exporter::open_sqlite_ledger(folder_.path() / "objects.db").value();
    log_ = events::open_file_log(
               {.folder = folder_.path() / "events",
                .first_offset = [this](unsigned partition) { return ledger_->floor(partition); }},
               keys_, clock_)
               .value();
    exporter::ExporterOptions options;
    options.duckdb = {.library = kLibrary, .folder = folder_.path() / "parquet"};
    exporter_ = std::make_unique<exporter::Exporter>(exporter::ExportParts{
        *log_, *faulty_, *ledger_, clock_,
        [this]() -> Result<std::vector<exporter::ExportedAccount>> {
          return std::vector<exporter::ExportedAccount>{{account_, std::nullopt}};
        },
        options});
  }

  void send(const std::string& uuid, const std::string& visitor) {
    events::Event event;
    event.account_id = account_.str();
    event.uuid = uuid;
    event.visitor_id = visitor;
    event.received = event.timestamp = clock_.now();
    event.kind = events::EventKind::conversion;
    event.event_name = "buy";
    std::string record;
    events::encode_event(event, record);
    std::promise<Result<void>> done;
    log_->append({event.account_id, event.visitor_id}, std::move(record), 1,
                 [&](Result<void> r) { done.set_value(std::move(r)); });
    ASSERT_TRUE(done.get_future().get());
    ASSERT_TRUE(exporter_->drain());
  }

  struct Seen {
    std::uint64_t parts = 0, rows = 0;
    bool complete = false;
  };
  Seen look(Date day) {
    Seen seen;
    const auto looked = exporter::for_each_object(
        *store_, layout::day_prefix(account_, layout::RowType::events, day),
        [&](const storage::ObjectInfo& info) -> Result<void> {
          seen.complete = seen.complete || info.key.ends_with("_SUCCESS");
          if (!exporter::is_part(info.key)) return {};
          ++seen.parts;
          seen.rows += store_->head(info.key)->rows.value();
          return {};
        });
    EXPECT_TRUE(looked) << looked.error().detail;
    return seen;
  }

  const SystemClock system_;
  ManualClock clock_{kNoon};
  TemporaryFolder folder_;
  std::string key_, secret_;
  const AccountId account_ = AccountId::parse("77123").value();
  FixedKeySource keys_{Keyring::make(kNoon - days(1))};
  std::unique_ptr<storage::ObjectStore> store_;
  std::unique_ptr<storage::FaultyStore> faulty_;
  std::unique_ptr<exporter::Ledger> ledger_;
  std::unique_ptr<events::EventLog> log_;
  std::unique_ptr<exporter::Exporter> exporter_;
};

TEST_F(EngineDays, MergesADayOnceWhereverTheExporterDies) {
  bool reached = true, merged = false;
  std::uint64_t call = 1;
  for (; reached; ++call) {
    ASSERT_LT(call, 100U) << "closing a day takes ever more calls";
    ASSERT_TRUE(exporter_->close_days());  // the empty days since the last round
    const Date day = date_of(clock_.now());
    for (int i = 0; i < 3; ++i) send(fmt::format("{}-{}", call, i), "v");
    EXPECT_EQ(look(day).parts, 3U);
    clock_.advance(days(1));
    faulty_->fail_call(call);
    const auto closed = exporter_->close_days();
    reached = faulty_->calls() >= call;
    faulty_->fail_call(0);
    if (const Seen seen = look(day); seen.complete) EXPECT_EQ(seen.rows, 3U) << call;
    merged = closed && look(day).parts == 1;
    reopen();
    const auto again = exporter_->close_days();
    ASSERT_TRUE(again) << again.error().detail;
    const Seen seen = look(day);
    EXPECT_TRUE(seen.complete);
    EXPECT_EQ(seen.rows, 3U) << call;
    clock_.advance(days(8));
  }
  EXPECT_TRUE(merged) << "the round without a failure";
  EXPECT_GT(call, 15U);
}

TEST_F(EngineDays, ErasesAVisitorFromMergedAndFromSmallParts) {
  clock_.advance(days(4'000));
  const Date day = date_of(clock_.now());
  for (const char* uuid : {"a", "b", "c"}) send(std::string("e") + uuid, uuid);
  clock_.advance(days(1));
  ASSERT_TRUE(exporter_->close_days());
  EXPECT_EQ(look(day).parts, 1U);
  for (const char* uuid : {"a", "b"}) send(std::string("f") + uuid, uuid);
  std::uint64_t erased = 0;
  const auto unreadable = exporter_->erase_visitor(
      account_, sha256_hex("a"), [&](const std::string&, std::uint64_t rows) -> Result<void> {
        erased += rows;
        return {};
      });
  ASSERT_TRUE(unreadable) << unreadable.error().detail;
  EXPECT_TRUE(unreadable->empty());
  EXPECT_EQ(erased, 2U);
  EXPECT_EQ(look(day).rows, 2U);
  EXPECT_EQ(look(day + days(1)).rows, 1U);
}

}  // namespace
}  // namespace valetkey::admin
