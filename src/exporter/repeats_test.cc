// SPDX-License-Identifier: Apache-2.0
// What comes again: within what is in memory, beyond it on the same day, and on a later day.
#include "exporter/internal/repeats.h"

#include "exporter/testing/exporter_fixture.h"

namespace valetkey::exporter {
namespace {

using Rows = std::vector<std::string>;
using std::chrono::minutes;

class RepeatsTest : public ExporterTest {
 protected:
  void SetUp() override {
    options_.dedup = Dedup::day;
    options_.recent_uuid_bytes = 16;  // the newest file alone
    ExporterTest::SetUp();
  }
  // Each as a batch of its own, a minute after the other.
  void export_each(const std::vector<Sent>& events) {
    for (const auto& event : events) {
      clock_.advance(minutes(1));
      send({event});
      drain();
    }
  }
  void end_the_day() {
    clock_.set(date_of(clock_.now()) + days(1) + minutes(10));
    const auto closed = exporter_->close_days();
    ASSERT_TRUE(closed) << closed.error().detail;
    ASSERT_EQ(*closed, 1U);
  }
  ExportCounts counts() { return ledger_->counts().value().at("12"); }
  // Rows that are there, as the ledger tells them.
  std::uint64_t told() {
    const auto erased = ledger_->erased_rows().value();
    return counts().rows - (erased.contains("12") ? erased.at("12") : 0);
  }
};

TEST_F(RepeatsTest, DropsAtOnceWhatIsInMemory) {
  options_.recent_uuid_bytes = 1 << 20;
  reopen();
  export_each({{"a"}, {"b"}, {"a"}, {"c"}, {"b"}});
  EXPECT_EQ(rows("account_id"), (Rows{"a 12", "b 12", "c 12"}));
  EXPECT_EQ(counts().duplicates, 2U);
  reopen();
  export_each({{"a"}, {"d"}});
  EXPECT_EQ(rows("account_id"), (Rows{"a 12", "b 12", "c 12", "d 12"})) << "after a restart, too";
}

TEST_F(RepeatsTest, LeavesOnceWhatCameAgainOnTheDayBeforeItsSuccess) {
  export_each({{"a"}, {"b"}});
  const auto first = clock_.now() - minutes(1);
  export_each({{"c"}, {"a"}, {"d"}});
  EXPECT_EQ(rows("account_id"), (Rows{"a 12", "a 12", "b 12", "c 12", "d 12"}))
      << "it was not in memory any more";
  end_the_day();
  EXPECT_EQ(rows("account_id"), (Rows{"a 12", "b 12", "c 12", "d 12"}));
  EXPECT_EQ(rows("epoch_ms(process_timestamp)")[0], fmt::format("a {}", epoch_ms(first)))
      << "the first one stays";
  EXPECT_TRUE(store_->head("v1/account_id=12/type=events/date=2026-03-10/_SUCCESS"));
  EXPECT_EQ(counts().duplicates, 1U);
  EXPECT_EQ(counts().events, 4U);
  EXPECT_EQ(told(), 4U);
}

TEST_F(RepeatsTest, ReadsTheFilesOfTheDayTwiceForHoweverManyAccounts) {
  for (int number = 200; number < 204; ++number)
    accounts_.push_back({AccountId::parse(fmt::format("{}", number)).value(), std::nullopt});
  std::size_t expected = 0;
  for (const auto& account : accounts_) {
    const auto id = account.id.str();
    export_each({{"a", "buy", id}, {"b", "buy", id}, {"a", "buy", id}});
    expected += 2;
  }
  std::map<std::string, int> opened;
  faulty_->opened = [&](std::string_view key) {
    if (key.starts_with("internal/seen/")) ++opened[std::string(key)];
  };
  end_the_day();
  EXPECT_EQ(rows("account_id").size(), expected);
  EXPECT_GE(opened.size(), expected);
  for (const auto& [key, times] : opened) EXPECT_EQ(times, 2) << key;
}

TEST_F(RepeatsTest, LeavesOnceWhatCameAgainThoughFilesWereMergedSince) {
  std::vector<Sent> others;
  for (int i = 0; i < 20; ++i) others.push_back({fmt::format("b{:02}", i)});
  export_each({{"a"}});
  export_each(others);
  for (auto& each : others) each.uuid[0] = 'c';
  export_each({{"a"}});
  export_each(others);
  EXPECT_EQ(rows("account_id").size(), 42U);
  const auto over = date_of(clock_.now()) + days(1);
  clock_.set(over + std::chrono::seconds(30));
  export_each({{"d"}});  // merges all of the day that is over, which is not closed yet
  clock_.set(over + minutes(10));
  ASSERT_EQ(exporter_->close_days().value(), 1U);
  EXPECT_EQ(rows("account_id").size(), 42U) << "41 of the day, and one";
}

// Before a death memory may have held less than after it.
TEST_F(RepeatsTest, LeavesOnceWhatARepetitionDoesNotWriteAgain) {
  bool reached = true;
  for (std::uint64_t call = 1; reached; ++call) {
    ASSERT_LT(call, 100U);
    const auto uuid = [&](const char* name) { return fmt::format("{:03}{}", call, name); };
    export_each({{uuid("a")}, {uuid("b")}});
    clock_.advance(minutes(1));
    send({{uuid("a")}});
    ledger_calls_.fail_call(call);
    const auto torn = exporter_->drain();
    reached = ledger_calls_.calls() >= call;
    ledger_calls_.fail_call(0);
    options_.recent_uuid_bytes = 1 << 20;
    reopen();
    drain();
    const auto prefix =
        layout::day_prefix(accounts_.front().id, layout::RowType::events, date_of(clock_.now()));
    end_the_day();
    EXPECT_EQ(rows("account_id", prefix), (Rows{uuid("a") + " 12", uuid("b") + " 12"})) << call;
    options_.recent_uuid_bytes = 16;
    reopen();
  }
}

TEST_F(RepeatsTest, LeavesWhatComesAgainOnALaterDay) {
  export_each({{"a"}, {"b"}});
  end_the_day();
  export_each({{"a"}, {"c"}});
  end_the_day();
  EXPECT_EQ(rows("account_id"), (Rows{"a 12", "a 12", "b 12", "c 12"}))
      << "once on each day: docs/formats.md says so";
  EXPECT_EQ(told(), 4U);
}

TEST_F(RepeatsTest, ComparesWithAllFilesOfTheWindowWhereThatIsAskedFor) {
  options_.dedup = Dedup::window;
  reopen();
  export_each({{"a"}, {"b"}, {"a"}});
  end_the_day();
  export_each({{"a"}, {"b"}, {"c"}});
  EXPECT_EQ(rows("account_id"), (Rows{"a 12", "b 12", "c 12"}));
}

TEST_F(RepeatsTest, LeavesOnceAllRowsOfAnEventInWhateverFolderTheyLie) {
  const auto decide = [&](const std::string& uuid, std::size_t decisions) {
    clock_.advance(minutes(1));
    events::Event e;
    e.account_id = "12";
    e.uuid = uuid;
    e.visitor_id = "v";
    e.received = e.timestamp = clock_.now();
    e.kind = events::EventKind::activation;
    for (std::size_t i = 0; i < decisions; ++i)
      e.decisions.push_back({"c", i % 2 ? "x" : "y", "z", false});
    std::string record;
    events::encode_event(e, record);
    append(record, 1);
    drain();
  };
  decide("a", 4);
  export_each({{"b"}});
  decide("a", 4);
  export_each({{"c"}, {"a", "other"}});
  EXPECT_EQ(rows("account_id").size(), 11U);
  end_the_day();
  EXPECT_EQ(rows("account_id"), (Rows{"a 12", "a 12", "a 12", "a 12", "b 12", "c 12"}));
  EXPECT_TRUE(objects("v1/account_id=12/type=events/date=2026-03-10/event=other/").empty())
      << "a part without rows goes";
  EXPECT_EQ(counts().duplicates, 2U);
  EXPECT_EQ(told(), 6U);
}

// A stranger who knows a uuid can send it without the key as often as he likes: the event that came with it stays.
TEST_F(RepeatsTest, NeverTakesAnEventForOneThatCameWithoutTheKey) {
  const auto send_keyless = [&](const std::string& uuid) {
    clock_.advance(minutes(1));
    events::Event e;
    e.account_id = "12";
    e.uuid = uuid;
    e.visitor_id = "stranger";
    e.received = e.timestamp = clock_.now();
    e.keyless = true;
    e.event_name = "buy";
    std::string record;
    events::encode_event(e, record);
    append(record, 1);
    drain();
  };
  send_keyless("a");
  send_keyless("k");
  export_each({{"b"}});
  send_keyless("a");
  send_keyless("k");
  export_each({{"a"}, {"c"}});
  end_the_day();
  EXPECT_EQ(rows("visitor_id"),
            (Rows{"a stranger", "a stranger", "a v", "b v", "c v", "k stranger"}));
}

// Both count as received when the day began, so that nothing would tell which came first.
TEST_F(RepeatsTest, ComparesLateEventsWithAllOfTheDay) {
  export_each({{"a"}});
  clock_.set(date_of(clock_.now()) + days(1) - minutes(1));
  std::vector<std::string> late;
  for (const auto* uuid : {"l", "m", "l"}) {
    events::Event e;
    e.account_id = "12";
    e.uuid = uuid;
    e.visitor_id = "v";
    e.received = e.timestamp = clock_.now();
    e.event_name = "buy";
    events::encode_event(e, late.emplace_back());
  }
  end_the_day();
  for (const auto& record : late) {
    append(record, 1);
    drain();
  }
  EXPECT_EQ(rows("account_id"), (Rows{"a 12", "l 12", "m 12"}));
  EXPECT_EQ(counts().late, 2U);
}

// A death at any call of the store or the ledger, also where the store takes a publication apart: the next look goes on.
class TornRepeatsTest : public RepeatsTest, public testing::WithParamInterface<std::string> {
 protected:
  void fail(std::uint64_t call) {
    if (GetParam() == "ledger")
      ledger_calls_.fail_call(call);
    else
      faulty_->fail_call(call);
  }
  std::uint64_t calls() const {
    return GetParam() == "ledger" ? ledger_calls_.calls() : faulty_->calls();
  }
};

TEST_P(TornRepeatsTest, ShowsNoRowTwiceWhereverItFailed) {
  faulty_->able = storage::Capabilities{};
  faulty_->tears = true;
  accounts_.resize(1, accounts_.front());
  std::uint64_t rows_in_all = 0;
  bool reached = true;
  for (std::uint64_t call = 1; reached; ++call) {
    ASSERT_LT(call, 100U);
    const auto uuid = [&](const char* name) { return fmt::format("{:03}{}", call, name); };
    export_each({{uuid("a")}, {uuid("b"), "click"}, {uuid("a")}, {uuid("c")}});
    const auto prefix =
        layout::day_prefix(accounts_.front().id, layout::RowType::events, date_of(clock_.now()));
    clock_.set(date_of(clock_.now()) + days(1) + minutes(10));
    fail(call);
    const auto closed = exporter_->close_days();
    reached = calls() >= call;
    fail(0);
    const Rows expected{uuid("a") + " 12", uuid("b") + " 12", uuid("c") + " 12"};
    if (store_->head(prefix + "_SUCCESS")) {
      EXPECT_EQ(rows("account_id", prefix), expected) << call << " with _SUCCESS";
    }
    if (call % 2 == 0) reopen();
    ASSERT_TRUE(exporter_->close_days()) << call;
    EXPECT_EQ(rows("account_id", prefix), expected) << call;
    rows_in_all += 3;
    EXPECT_EQ(told(), rows_in_all) << call;
    clock_.set(date_of(clock_.now()) + minutes(11));
  }
}

INSTANTIATE_TEST_SUITE_P(Calls, TornRepeatsTest, testing::Values("store", "ledger"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace valetkey::exporter
