// SPDX-License-Identifier: Apache-2.0
#include "exporter/damaged_runs.h"

#include "exporter/testing/runs_fixture.h"

namespace valetkey::exporter {
namespace {

class DamagedRunTest : public RunsTest {
 protected:
  void put(const exporter::Run& run, const std::string& bytes) {
    PartPublisher publisher(*store_, clock_.now());
    ASSERT_TRUE(publisher.add_bytes(run_key(run.log_partition, run.id), bytes));
    ASSERT_TRUE(publisher.flush());
  }
  std::string bytes_of(const exporter::Run& run) {
    const auto reader = store_->open(run_key(run.log_partition, run.id)).value();
    std::string content(reader->info().size, '\0');
    EXPECT_TRUE(read_object_exactly(*reader, 0, content));
    return content;
  }
  std::optional<std::uint64_t> give_up(const exporter::Run& run) {
    const auto lost = give_up_damage(*faulty_, *ledger_, run, clock_.now());
    EXPECT_TRUE(lost) << lost.error().detail;
    return lost.value_or(std::nullopt);
  }
  std::uint64_t dropped(const std::string& account) {
    return ledger_->losses().value().dropped[account][std::string(kInDamagedRun)];
  }
};

TEST_F(DamagedRunTest, ThatIsGoneIsGivenUp) {
  use(CutAt::hour);
  send({{"a"}, {"b"}});
  clock_.advance(minutes(20));
  work();
  const auto run = ledger_->runs().value().at(0);
  ASSERT_TRUE(remove_objects(*store_, {run_key(run.log_partition, run.id)}));
  send({{"c"}});
  clock_.advance(hours(1));
  ASSERT_TRUE(exporter_->run_batch());  // the batch of c
  const auto failed = exporter_->run_batch();
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().detail.find("valetkeyd check --repair"), std::string::npos);
  EXPECT_EQ(give_up(run), 2U);
  EXPECT_EQ(give_up(run), std::nullopt) << "once";
  clock_.advance(minutes(1));
  drain();
  EXPECT_EQ(rows("event_name"), std::vector<std::string>{"c buy"});
  EXPECT_EQ(waiting(), 0U);
  EXPECT_EQ(dropped("12"), 2U);
  clock_.advance(days(1));
  EXPECT_EQ(exporter_->close_days().value(), 1U);
}

// The cut that fails was begun, and has nothing to do any more.
TEST_F(DamagedRunTest, OfNoMoreThanItsHeadLeavesNothing) {
  use(CutAt::day);
  send({{"a"}});
  clock_.advance(minutes(20));
  work();
  const auto run = ledger_->runs().value().at(0);
  put(run, bytes_of(run).substr(0, 30));
  EXPECT_FALSE(exporter_->drain());
  ASSERT_EQ(ledger_->unfinished_cuts()->size(), 1U);
  EXPECT_EQ(give_up(run), 1U);
  EXPECT_EQ(run_objects(), 0U);
  clock_.advance(minutes(1));
  work();
  EXPECT_TRUE(ledger_->unfinished_cuts()->empty());
  send({{"b"}});
  drain();
  EXPECT_EQ(rows("event_name"), std::vector<std::string>{"b buy"});
}

// The last chunk of its file does not authenticate: only the account behind reaches so far.
TEST_F(DamagedRunTest, KeepsTheAccountsThatCanBeRead) {
  use(CutAt::day);
  unsigned number = 120;
  const auto account = [&] { return fmt::format("{}", number); };
  while (1 + events::partition_of({account(), "v"}, events::kFilePartitions - 1, 1) != kMine)
    ++number;
  accounts_.push_back({AccountId::parse(account()).value(), std::nullopt});
  std::string records;
  std::size_t count = 0;
  while (records.size() < 150'000)
    records += wide_event(fmt::format("w{:05}", count++), account(), 1, 9);
  append(std::move(records), count, account());
  send({{"a"}, {"b"}, {"a"}});
  clock_.advance(minutes(20));
  const auto before = object_files();
  work();
  fs::path file;
  for (const auto& each : object_files())
    if (!before.contains(each) && (file.empty() || fs::file_size(each) > fs::file_size(file)))
      file = each;
  std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekg(-1, std::ios::end);
  const char last = static_cast<char>(bytes.get());
  bytes.seekp(-1, std::ios::end);
  bytes.put(static_cast<char>(last ^ 1));
  bytes.close();
  ASSERT_EQ(ledger_->runs()->size(), 1U);
  const auto run = ledger_->runs()->at(0);
  EXPECT_FALSE(exporter_->drain());
  EXPECT_EQ(give_up(run), count);
  EXPECT_EQ(ledger_->runs()->at(0).events, 2U);
  EXPECT_EQ(waiting(), 2U);
  EXPECT_EQ(waiting(account()), 0U);
  EXPECT_EQ(dropped(account()), count);
  EXPECT_EQ(give_up(run), std::nullopt) << "what is left is sound";
  clock_.advance(minutes(1));
  drain();
  EXPECT_EQ(rows("event_name"), (std::vector<std::string>{"a buy", "b buy"}));
  EXPECT_EQ(waiting(), 0U);
  EXPECT_EQ(ledger_->counts()->at("12").duplicates, 1U);
  EXPECT_EQ(dropped("12"), 0U);
}

TEST_F(DamagedRunTest, IsNotGivenUpWhereTheStoreOnlyFails) {
  use(CutAt::day);
  send({{"a"}});
  clock_.advance(minutes(20));
  work();
  const auto run = ledger_->runs().value().at(0);
  for (const auto code : {ErrorCode::io, ErrorCode::not_found, ErrorCode::denied})
    for (std::uint64_t call = 1; call < 9; ++call) {
      faulty_->fail_call(call, code);
      EXPECT_EQ(give_up(run), std::nullopt) << call;
    }
  faulty_->fail_call(0);
  EXPECT_EQ(give_up(run), std::nullopt) << "it is sound";
  drain();
  EXPECT_EQ(rows("event_name"), std::vector<std::string>{"a buy"});
}

}  // namespace
}  // namespace valetkey::exporter
