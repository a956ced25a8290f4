// SPDX-License-Identifier: Apache-2.0
// Visitors and accounts that are erased, wherever their events lie and the erasure is interrupted.
#include "exporter/erasure.h"

#include "base/file.h"
#include "exporter/testing/exporter_fixture.h"

namespace valetkey::exporter {
namespace {

TEST_F(ExporterTest, ErasesAVisitorFromPartsAndFromWhatWaits) {
  send({{"a", "buy", "12", "keep"},
        {"b", "buy", "12", "o'hara"},
        {"c", "only", "12", "o'hara"},
        {"n", "buy", "123", "o'hara"}});
  drain();
  const auto before = objects();
  const auto generation = store_->generation();
  send({{"d", "buy", "12", "o'hara"}});
  EXPECT_EQ(erase("o'hara"), 3U);
  EXPECT_EQ(rows("visitor_id"), (std::vector<std::string>{"a keep", "n o'hara"}));
  for (const auto& entry : fs::recursive_directory_iterator(options_.duckdb.folder))
    EXPECT_FALSE(entry.is_regular_file()) << "plaintext is left in " << entry.path();
  // No reader who knows a former key takes bytes of the former and the new part.
  for (const auto& info : before)
    EXPECT_EQ(store_->head(info.key).has_value(), info.key.contains("account_id=123/")) << info.key;
  const auto catalog = store_->catalog(AccountId::parse("12").value()).value();
  EXPECT_GT(catalog.oldest_generation, generation);
  for (const auto& entry : fs::directory_iterator(folder_ / "events"))
    EXPECT_NE(entry.path().extension(), ".log") << "the log still holds the events";
}

TEST_F(ExporterTest, ErasesUnderTheSameKeyWhereAnExchangeTakesTwoSteps) {
  send({{"a", "buy", "12", "keep"}, {"b", "buy", "12", "ann"}, {"c", "only", "12", "ann"}});
  drain();
  const auto before = objects();
  faulty_->able = storage::Capabilities{};
  EXPECT_EQ(erase("ann"), 2U);
  ASSERT_EQ(objects().size(), 1U);
  EXPECT_EQ(objects()[0].key, before[0].key);
  EXPECT_EQ(rows("visitor_id"), std::vector<std::string>{"a keep"});
}

TEST_F(ExporterTest, ErasesWhatWasSetAsideOfAVisitor) {
  const auto put = [&](const std::string& name, const std::string& account,
                       const std::string& visitor) {
    events::Event event;
    event.account_id = account;
    event.uuid = name;
    event.visitor_id = visitor;
    std::string record;
    events::encode_event(event, record);
    PartPublisher publisher(*store_, clock_.now());
    ASSERT_TRUE(publisher.add_bytes("internal/bad/batch/" + name, record));
    ASSERT_TRUE(publisher.flush());
  };
  put("1-0", "12", "v");
  put("2-0", "12", "w");
  put("3-0", "123", "v");
  EXPECT_EQ(erase("v"), 0U);
  std::vector<std::string> keys;
  for (const auto& info : objects("internal/bad/")) keys.push_back(info.key);
  EXPECT_EQ(keys, (std::vector<std::string>{"internal/bad/batch/2-0", "internal/bad/batch/3-0"}));
}

TEST_F(ExporterTest, ErasesBehindWhatCannotBeReadAndNamesIt) {
  const std::string no_parquet = "v1/account_id=12/type=events/date=2026-03-09/event=a/x.parquet";
  const std::string damaged = "v1/account_id=12/type=events/date=2026-03-09/event=b/x.parquet";
  const std::string aside = "internal/bad/batch/0-0";
  std::set<fs::path> before = object_files();
  for (const auto& key : {damaged, aside, no_parquet}) {
    PartPublisher publisher(*store_, clock_.now());
    ASSERT_TRUE(publisher.add_bytes(key, "not what it should be"));
    ASSERT_TRUE(publisher.flush());
    const auto after = object_files();
    for (const auto& file : after)
      if (!before.contains(file) && key != no_parquet) std::ofstream(file) << "spoilt";
    before = after;
  }
  send({{"a", "buy", "12", "ann"}, {"b", "buy", "12", "bob"}});
  drain();
  std::vector<std::string> unreadable;
  EXPECT_EQ(erase("ann", &unreadable), 1U);
  EXPECT_EQ(unreadable, (std::vector<std::string>{no_parquet, damaged, aside}));
  EXPECT_EQ(rows("visitor_id", "v1/account_id=12/type=events/date=2026-03-10/"),
            std::vector<std::string>{"b bob"});
}

TEST_F(ExporterTest, NeverCallsAnErasureDoneThatAFailureStopped) {
  send({{"a", "buy", "12", "ann"}});
  drain();
  const auto note = [](const std::string&, std::uint64_t) { return Result<void>(); };
  const auto gone = [this] { return objects().empty(); };
  for (std::uint64_t call = 1; !gone(); ++call) {
    ASSERT_LT(call, 100U);
    faulty_->fail_call(call, ErrorCode::full);
    const auto erased =
        exporter_->erase_visitor(AccountId::parse("12").value(), sha256_hex("ann"), note);
    if (erased) EXPECT_EQ(erased->empty(), gone()) << "call " << call;
  }
}

class AskedErasureTest : public ExporterTest {
 protected:
  void SetUp() override {
    ExporterTest::SetUp();
    if (IsSkipped()) return;
    send({{"a", "buy", "12"}, {"b", "buy", "123"}});
    drain();
    send({{"c", "buy", "12"}});
    id_ = ledger_->request_erasure("12", "", clock_.now()).value();
  }
  Result<void> carry_out(const Result<void>& purged) {
    return exporter_->carry_out_erasures([&](const AccountId& account) {
      purged_.push_back(account.str());
      return purged;
    });
  }
  bool is_done() { return ledger_->erased(id_).value().has_value(); }

  std::int64_t id_ = 0;
  std::vector<std::string> purged_;
};

TEST_F(AskedErasureTest, LeavesNothingOfAnAccount) {
  EXPECT_TRUE(carry_out({}));
  EXPECT_EQ(purged_, std::vector<std::string>{"12"});
  EXPECT_TRUE(is_done());
  EXPECT_EQ(rows("visitor_id"), std::vector<std::string>{"b v"});
  EXPECT_FALSE(ledger_->counts().value().contains("12"));
  EXPECT_TRUE(carry_out({}));
  EXPECT_EQ(purged_.size(), 1U) << "it is asked for no more";
}

TEST_F(AskedErasureTest, KeepsAnAccountThatIsNotDeletedAfterAll) {
  EXPECT_TRUE(carry_out(fail(ErrorCode::denied, "account 12 is active")));
  EXPECT_TRUE(is_done());
  drain();
  EXPECT_EQ(rows("visitor_id"), (std::vector<std::string>{"a v", "b v", "c v"}));
}

TEST_F(AskedErasureTest, WaitsWhereTheAccountCannotBePurged) {
  const auto failed = carry_out(fail(ErrorCode::unavailable, "no database"));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().detail, "no database");
  EXPECT_FALSE(is_done());
  EXPECT_TRUE(carry_out({}));
  EXPECT_TRUE(is_done());
  EXPECT_EQ(rows("visitor_id"), std::vector<std::string>{"b v"});
}

// Ann's events of before the request lie wherever events can lie: in parts of a closed and of an open day, in a batch
// that was interrupted, in the log. The erasure is interrupted at a call to the ledger or to the store, then come a
// restart, new events, an export and the end of the day, and it begins again.
class ErasureTest : public ExporterTest {
 protected:
  // False: the erasure ended before that call.
  bool is_interrupted_at(std::uint64_t ledger_call, std::uint64_t store_call) {
    TearDown();
    clock_.set(kNoon);
    SetUp();
    leave_events_everywhere();
    const auto id = ledger_->request_erasure("12", sha256_hex("ann"), clock_.now()).value();
    ledger_calls_.fail_call(ledger_call);
    faulty_->fail_call(store_call);
    const bool interrupted = !carry_out();
    ledger_calls_.fail_call(0);
    faulty_->fail_call(0);
    std::vector<std::string> kept = {"b bob", "f bob"};
    if (interrupted) {
      const bool done = ledger_->erased(id).value().has_value();
      reopen();
      send({{"g", "buy", "12", "bob"}, {"late", "buy", "12", "ann"}});
      clock_.advance(options_.longest_wait);
      EXPECT_TRUE(exporter_->run_batch());
      clock_.advance(days(1));
      EXPECT_TRUE(exporter_->close_days());
      EXPECT_TRUE(carry_out());
      kept.emplace_back("g bob");
      if (done) kept.emplace_back("late ann");  // nobody asks for it any more
    }
    EXPECT_TRUE(ledger_->erased(id).value());
    drain();
    EXPECT_EQ(rows("visitor_id"), kept)
        << "ledger call " << ledger_call << ", store call " << store_call;
    return interrupted;
  }

 private:
  bool carry_out() {
    return exporter_->carry_out_erasures([](const AccountId&) { return Result<void>(); })
        .has_value();
  }
  void leave_events_everywhere() {
    send({{"a", "buy", "12", "ann"}, {"b", "buy", "12", "bob"}});
    drain();
    send({{"a2", "buy", "12", "ann"}});
    drain();
    clock_.advance(days(1));
    EXPECT_TRUE(exporter_->close_days());  // a, b and a2 are merged
    send({{"c", "buy", "12", "ann"}, {"c2", "buy", "12", "ann", true}});
    drain();
    send({{"d", "buy", "12", "ann"}});
    faulty_->fail_call(8);  // parts of that batch may lie in the store
    EXPECT_FALSE(exporter_->drain());
    faulty_->fail_call(0);
    send({{"e", "buy", "12", "ann"}, {"f", "buy", "12", "bob"}});
  }
};

TEST_F(ErasureTest, LeavesNothingOfBeforeTheRequestWhereverTheLedgerFailed) {
  std::uint64_t call = 1;
  while (is_interrupted_at(call, 0)) ASSERT_LT(++call, 200U);
  EXPECT_GT(call, 8U);
}

// In two halves, so that neither takes long.
TEST_F(ErasureTest, LeavesNothingOfBeforeTheRequestWhereverTheStoreFailedAtAnOddCall) {
  std::uint64_t call = 1;
  while (is_interrupted_at(0, call)) ASSERT_LT(call += 2, 200U);
  EXPECT_GT(call, 8U);
}

TEST_F(ErasureTest, LeavesNothingOfBeforeTheRequestWhereverTheStoreFailedAtAnEvenCall) {
  std::uint64_t call = 2;
  while (is_interrupted_at(0, call)) ASSERT_LT(call += 2, 200U);
  EXPECT_GT(call, 8U);
}

}  // namespace
}  // namespace valetkey::exporter
