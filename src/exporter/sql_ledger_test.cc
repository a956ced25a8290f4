// SPDX-License-Identifier: Apache-2.0
// Several exporters over one PostgreSQL: they take each other's work, pause, die, and lose connections at any point.
#include "exporter/sql_ledger.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "postgres/testing/test_server.h"

namespace valetkey::exporter {
namespace {

constexpr auto kNow = Timestamp(std::chrono::milliseconds(1'600'000'000'000));
constexpr unsigned kPartitions = 4;

// What the exporters wrote, by batch: a part is named after its batch, so that a repetition overwrites it.
class Bucket {
 public:
  void put(const ExportBatch& batch) {
    const std::lock_guard lock(mutex_);
    const auto [found, fresh] = parts_.try_emplace(batch.id, batch);
    if (!fresh) EXPECT_EQ(found->second.next, batch.next) << "a repetition with other rows";
  }
  std::map<std::string, ExportBatch> parts() const { return parts_; }

 private:
  std::mutex mutex_;
  std::map<std::string, ExportBatch> parts_;
};

class SeveralExporters : public testing::Test {
 protected:
  void SetUp() override {
    VALETKEY_NEEDS_POSTGRES();
    schema_.settings().url += "&application_name=" + schema_.settings().schema;
    ledger_ = open();
  }
  std::unique_ptr<Ledger> open() {
    return open_postgres_ledger(std::make_shared<postgres::Server>(schema_.settings())).value();
  }

  // One turn of an exporter that believes the partition is its own; it may stop anywhere.
  void turn(Ledger& ledger, unsigned partition, std::mt19937& random) {
    const auto stops = [&] { return random() % 10 == 0; };
    const auto pauses = [&] {
      if (random() % 4 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(random() % 20));
    };
    const auto lease = ledger.take_lease(partition);
    if (!lease || stops()) return;
    pauses();
    auto batch = ledger.unfinished(partition);
    if (!batch) return;
    if (!*batch) {
      const auto from = ledger.consumed(partition);
      if (!from) return;
      const auto begun = ledger.begin(*lease, *from, *from + 1 + random() % 50);
      if (!begun) return;
      *batch = *begun;
    }
    if (stops()) return;
    pauses();
    bucket_.put(**batch);
    if (stops()) return;
    pauses();
    ExportResult result;
    result.counts["12"].events = (*batch)->next - (*batch)->first;
    if (!ledger.finish(*lease, **batch, result, kNow)) ++refused_;
  }

  void work(Ledger& ledger, unsigned seed) {
    std::mt19937 random(seed);
    while (!done_) turn(ledger, random() % kPartitions, random);
  }

  // Every event up to where the partition was consumed is in one part, and in no other.
  void expect_each_event_once() {
    std::uint64_t all = 0;
    for (unsigned partition = 0; partition < kPartitions; ++partition) {
      const auto open = ledger_->unfinished(partition).value();
      std::map<std::uint64_t, std::uint64_t> stretches;
      for (const auto& [id, batch] : bucket_.parts())
        if (batch.log_partition == partition && (!open || open->id != id))
          EXPECT_TRUE(stretches.emplace(batch.first, batch.next).second) << "twice from the same";
      std::uint64_t reached = 0;
      for (const auto& [first, next] : stretches) {
        EXPECT_EQ(first, reached) << "missing or twice";
        reached = next;
      }
      EXPECT_EQ(reached, ledger_->consumed(partition).value());
      all += reached;
    }
    EXPECT_GT(all, 100U) << "nothing was done";
    EXPECT_EQ(ledger_->counts().value().at("12").events, all) << "counted once";
  }

  void run(std::chrono::milliseconds time, const std::function<void()>& meanwhile) {
    std::vector<std::unique_ptr<Ledger>> ledgers;
    for (int i = 0; i < 3; ++i) ledgers.push_back(open());
    std::vector<std::thread> workers;
    for (unsigned i = 0; i < ledgers.size(); ++i)
      workers.emplace_back([this, &ledgers, i] { work(*ledgers[i], i); });
    for (const auto until = std::chrono::steady_clock::now() + time;
         std::chrono::steady_clock::now() < until;) {
      meanwhile();
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    done_ = true;
    for (auto& worker : workers) worker.join();
    expect_each_event_once();
  }

  postgres::TestSchema schema_;
  std::unique_ptr<Ledger> ledger_;
  Bucket bucket_;
  std::atomic<bool> done_{false};
  std::atomic<int> refused_{0};
};

TEST_F(SeveralExporters, OnPostgresExportEachEventOnceThoughSomeDieOrPause) {
  run(std::chrono::seconds(3), [] {});
  EXPECT_GT(refused_, 0) << "nobody lost a lease, so nothing was tried";
}

TEST_F(SeveralExporters, OnPostgresExportEachEventOnceThoughConnectionsAreCut) {
  auto settings = schema_.settings();
  settings.url += "-cutter";
  const auto cutter = postgres::Server(settings).connect().value();
  run(std::chrono::seconds(3), [&] {
    EXPECT_TRUE(cutter->execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '" +
        schema_.settings().schema + "'"));
  });
}

// A writer that slept through the loss of its lease: its part has the name and the rows of the one who took over, and
// its end is refused.
TEST_F(SeveralExporters, OnPostgresRefuseTheEndOfOneThatSlept) {
  const auto sleeper = ledger_->take_lease(0).value();
  const auto batch = ledger_->begin(sleeper, 0, 7).value();
  const auto other = open();
  const auto taken = other->take_lease(0).value();
  const auto same = other->unfinished(0).value().value();
  bucket_.put(same);
  ASSERT_TRUE(other->finish(taken, same, {}, kNow));
  bucket_.put(batch);
  EXPECT_EQ(bucket_.parts().size(), 1U);
  EXPECT_EQ(ledger_->finish(sleeper, batch, {}, kNow).error().code, ErrorCode::busy);
  EXPECT_EQ(ledger_->begin(sleeper, 7, 9).error().code, ErrorCode::busy);
  EXPECT_EQ(ledger_->consumed(0).value(), 7U);
}

// Whether another session comes to wait for what this one has locked.
bool is_waited_for(sql::Database& holder) {
  for (int left = 1'000; left > 0; --left) {
    const auto waiting = holder.read_integer(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = "
        "ANY(pg_blocking_pids(pid))");
    if (waiting.value_or(0) > 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

// The one who takes the work waits until a write under the former lease is through, and none comes behind.
TEST_F(SeveralExporters, OnPostgresTakeNoLeaseInTheMiddleOfAWrite) {
  const auto held = ledger_->take_lease(0).value();
  const auto writing = postgres::Server(schema_.settings()).connect().value();
  std::atomic<bool> taken{false};
  std::thread taker;
  {
    auto transaction = sql::Transaction::begin(*writing).value();
    ASSERT_TRUE(writing->execute("UPDATE export_lease SET epoch = epoch WHERE work = 0"));
    taker = std::thread([&] { taken = open()->take_lease(0).has_value(); });
    EXPECT_TRUE(is_waited_for(*writing));
    EXPECT_FALSE(taken);
    ASSERT_TRUE(transaction.commit());
  }
  taker.join();
  EXPECT_TRUE(taken);
  EXPECT_EQ(ledger_->begin(held, 0, 1).error().code, ErrorCode::busy);
}

// The day that a batch may write to is fixed at its beginning, against a close of days meanwhile.
TEST_F(SeveralExporters, OnPostgresBeginNoBatchBesideTheCloseOfADay) {
  const auto lease = ledger_->take_lease(0).value();
  const auto closing = postgres::Server(schema_.settings()).connect().value();
  std::thread beginner;
  Result<ExportBatch> begun;
  {
    auto transaction = sql::Transaction::begin(*closing).value();
    ASSERT_TRUE(closing->execute("UPDATE export_day SET closed_through = 20000"));
    beginner = std::thread([&] { begun = open()->begin(lease, 0, 1); });
    EXPECT_TRUE(is_waited_for(*closing));
    ASSERT_TRUE(transaction.commit());
  }
  beginner.join();
  ASSERT_TRUE(begun);
  EXPECT_EQ(begun->open_day.time_since_epoch().count(), 20'001);
}

}  // namespace
}  // namespace valetkey::exporter
