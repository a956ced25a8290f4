// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"
#include "exporter/part_reading.h"
#include "exporter/testing/exporter_fixture.h"
#include "layout/fields.h"

namespace valetkey::exporter {
namespace {

// Part format 2, and the way to it.
class PartFormatTest : public ExporterTest {
 protected:
  static constexpr auto kMilliseconds = layout::TimestampUnit::milliseconds;
  static constexpr auto kMicroseconds = layout::TimestampUnit::microseconds;

  layout::PartStatistics statistics_of(const std::string& key) {
    const auto account = AccountId::parse("12").value();
    const auto page =
        store_->list_parts(account, layout::account_prefix(account), "", 100, store_->generation());
    for (const auto& part : page.value().parts)
      if (part.info.key == key && part.statistics) return *part.statistics;
    ADD_FAILURE() << key << " has no statistics";
    return {};
  }
  static std::string lower(const layout::PartStatistics& statistics, layout::RowType type,
                           const std::string& column) {
    const auto* found = statistics.column(layout::find_field(type, column)->id);
    if (found == nullptr || !found->bounds) return "none";
    if (const auto* text = std::get_if<std::string>(&found->bounds->lower)) return *text;
    return std::to_string(std::get<std::int64_t>(found->bounds->lower));
  }
  void rewrite() {
    ASSERT_TRUE(ledger_->request_rewrite());
    for (int turn = 0;; ++turn) {
      ASSERT_LT(turn, 100);
      const auto more = exporter_->rewrite_some(2);
      ASSERT_TRUE(more) << more.error().detail;
      if (!*more) break;
    }
    EXPECT_FALSE(ledger_->rewriting().value());
  }
};

TEST_F(PartFormatTest, PublishesStatisticsWithEachPart) {
  send({{"a", "buy"}, {"b", "buy"}, {"d", "e1", "12", "v", true}});
  drain();
  ASSERT_EQ(objects().size(), 2U);
  const auto decision = statistics_of(objects()[0].key);
  EXPECT_EQ(decision.rows, 1U);
  EXPECT_EQ(decision.timestamps, kMicroseconds);
  EXPECT_TRUE(decision.field_ids);
  EXPECT_EQ(decision.row_groups, std::vector<std::uint64_t>{4});
  EXPECT_EQ(decision.columns.size(), 16U);
  EXPECT_EQ(lower(decision, layout::RowType::decisions, "experiment_id"), "e1");
  EXPECT_EQ(lower(decision, layout::RowType::decisions, "process_timestamp"),
            std::to_string(epoch_ms(kNoon) * 1000));
  for (const auto* nobody : {"visitor_id", "uuid", "user_ip"})
    EXPECT_EQ(lower(decision, layout::RowType::decisions, nobody), "none") << nobody;
  const auto events = statistics_of(objects()[1].key);
  EXPECT_EQ(events.rows, 2U);
  EXPECT_EQ(lower(events, layout::RowType::events, "event_name"), "buy");
  EXPECT_EQ(events.column(layout::find_field(layout::RowType::events, "revenue")->id)->nulls, 2U);
  EXPECT_EQ(rows("process_timestamp", "v1/account_id=12/type=events/")[0], "a 2026-03-10 12:00:00");
}

TEST_F(PartFormatTest, StaysWithMillisecondsInAFolderThatHasSuchParts) {
  options_.timestamps = kMilliseconds;
  reopen();
  send({{"a"}});
  drain();
  EXPECT_EQ(statistics_of(objects()[0].key).timestamps, kMilliseconds);
  EXPECT_FALSE(statistics_of(objects()[0].key).field_ids);
  EXPECT_FALSE(ledger_->timestamps().value()) << "the configuration decided";
  options_.timestamps.reset();
  reopen();
  clock_.advance(days(1));
  send({{"b"}});
  drain();
  EXPECT_EQ(statistics_of(objects().back().key).timestamps, kMilliseconds);
  EXPECT_EQ(ledger_->timestamps().value(), kMilliseconds);
}

TEST_F(PartFormatTest, RewritesPartsUnderNewKeysAndKeepsTheFormerOnesForAWhile) {
  options_.timestamps = kMilliseconds;
  reopen();
  send({{"a"}, {"b", "click"}, {"n", "buy", "123"}, {"d", "e1", "12", "v", true}});
  drain();
  const auto before = objects();
  const auto read_before = rows("process_timestamp || visitor_id");
  options_.timestamps = kMicroseconds;
  reopen();
  rewrite();
  EXPECT_EQ(rows("process_timestamp || visitor_id"), read_before);
  EXPECT_EQ(store_->count_without_microseconds().value(), 0U);
  const auto after = objects();
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_NE(after[i].key, before[i].key);
    EXPECT_EQ(after[i].key.substr(0, after[i].key.rfind('/')),
              before[i].key.substr(0, before[i].key.rfind('/')));
    EXPECT_TRUE(store_->head(before[i].key)) << "who planned before can still read";
  }
  EXPECT_EQ(statistics_of(after[0].key).timestamps, kMicroseconds);
  for (const auto type : {layout::RowType::decisions, layout::RowType::events})
    EXPECT_EQ(store_->unready_parts(AccountId::parse("12").value(), type)->milliseconds, "");
  clock_.advance(options_.readable_after + milliseconds(1));
  ASSERT_TRUE(store_->sweep(clock_.now()));
  EXPECT_FALSE(store_->head(before[0].key));
  EXPECT_EQ(rows("process_timestamp || visitor_id"), read_before);
}

TEST_F(PartFormatTest, BeginsRewritingAgainWhereverItWasInterrupted) {
  std::uint64_t failures = 0;
  for (std::uint64_t call = 1; call < 200; ++call) {
    options_.timestamps = kMilliseconds;
    reopen();
    send({{fmt::format("{:03}-a", call)}, {fmt::format("{:03}-b", call), "click"}});
    drain();
    options_.timestamps = kMicroseconds;
    reopen();
    ASSERT_TRUE(ledger_->request_rewrite());
    faulty_->fail_call(call);
    Result<bool> more = true;
    while (more && *more) more = exporter_->rewrite_some(10);
    faulty_->fail_call(0);
    if (more) break;
    ++failures;
    reopen();
    rewrite();
    clock_.advance(days(9));
  }
  EXPECT_GT(failures, 8U);
  const auto found = rows("account_id");
  EXPECT_EQ(found.size(), 2 * (failures + 1));
  EXPECT_EQ(std::ranges::adjacent_find(found), found.end());
  EXPECT_EQ(store_->count_without_microseconds().value(), 0U);
}

TEST_F(PartFormatTest, LeavesAPartThatItCannotRewriteWithoutLoss) {
  const std::string key = "v1/account_id=12/type=events/date=2026-03-09/event=x/theirs.parquet";
  send({{"a"}});
  drain();
  const auto put = [&](const std::string& select) {
    auto duckdb = duckdb::Database::open({.library = kLibrary, .folder = folder_ / "theirs"});
    ASSERT_TRUE(duckdb);
    const auto file = folder_ / "theirs" / "part";
    ASSERT_TRUE(
        (*duckdb)->run(fmt::format("COPY ({}) TO '{}' (FORMAT parquet)", select, file.string())));
    const auto bytes = read_file(file, 1 << 20).value();
    PartPublisher publisher(*store_, clock_.now());
    ASSERT_TRUE(publisher.add_bytes(key, bytes));
    ASSERT_TRUE(publisher.flush());
  };
  put("SELECT 'u' AS uuid, TIMESTAMP '2026-03-09' AS \"timestamp\", 1 AS theirs");
  EXPECT_EQ(read_unread_parts(*store_, 10).value(), 1U);
  EXPECT_EQ(read_unread_parts(*store_, 10).value(), 0U);
  // A local time is no instant.
  EXPECT_EQ(statistics_of(key).timestamps, layout::TimestampUnit::other);
  rewrite();
  EXPECT_TRUE(store_->head(key));
  EXPECT_EQ(store_->count_without_microseconds().value(), 1U);
}

TEST_F(PartFormatTest, KeepsNothingOfAnErasedVisitorInStatistics) {
  send({{"a", "buy", "12", "keep"}, {"b", "zzz-ann", "12", "ann"}});
  drain();
  EXPECT_EQ(erase("ann"), 1U);
  const auto account = AccountId::parse("12").value();
  const auto page =
      store_->list_parts(account, layout::account_prefix(account), "", 100, store_->generation());
  for (const auto& part : page.value().parts) {
    const auto bytes = layout::encode(*part.statistics);
    EXPECT_FALSE(bytes.contains("ann")) << part.info.key;
    EXPECT_FALSE(bytes.contains("keep")) << part.info.key;
  }
  EXPECT_EQ(page.value().parts.size(), 1U);
}

TEST_F(PartFormatTest, ReadsOnceWhatADamagedPartTells) {
  const std::string key = "v1/account_id=12/type=events/date=2026-03-09/event=x/a.parquet";
  PartPublisher publisher(*store_, clock_.now());
  ASSERT_TRUE(publisher.add_bytes(key, "no parquet"));
  ASSERT_TRUE(publisher.flush());
  EXPECT_EQ(read_unread_parts(*store_, 10).value(), 1U);
  EXPECT_EQ(read_unread_parts(*store_, 10).value(), 0U);
  const auto unready =
      store_->unready_parts(AccountId::parse("12").value(), layout::RowType::events).value();
  EXPECT_EQ(unready.unreadable, key);
}

}  // namespace
}  // namespace valetkey::exporter
