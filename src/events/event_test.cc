// SPDX-License-Identifier: Apache-2.0
#include "events/event.h"

#include <gtest/gtest.h>

#include <random>

#include "base/encoding.h"

namespace valetkey::events {
namespace {

Event sample() {
  Event e;
  e.kind = EventKind::conversion;
  e.account_id = "596780373";
  e.uuid = "u-1";
  e.received = from_epoch_ms(1600089688000);
  e.timestamp = from_epoch_ms(-5);
  e.visitor_id = "visitor";
  e.user_ip = "10.0.0.0";
  e.event_name = "purchase";
  e.entity_id = "";
  e.revenue = -3995;
  e.quantity = INT64_MIN;
  e.value = -0.5;
  e.attributes = {{"1", "plan", "custom", "gold"}, {std::nullopt, "x", std::nullopt, ""}};
  e.decisions = {{"c", "e", std::nullopt, true}, {std::nullopt, "e2", "v", std::nullopt}};
  e.tags = {{"k", "v"}, {"", std::nullopt}};
  return e;
}

bool same(const Event& a, const Event& b) {
  std::string x, y;
  encode_event(a, x);
  encode_event(b, y);
  return x == y;
}

std::string record_of(const Event& e) {
  std::string bytes;
  encode_event(e, bytes);
  return bytes;
}

TEST(EventRecord, SurvivesTheRoundTrip) {
  const std::string bytes = record_of(sample()) + record_of(sample());
  std::size_t at = 0;
  for (int i = 0; i < 2; ++i) {
    Event e;
    ASSERT_TRUE(decode_event(bytes, at, e));
    EXPECT_TRUE(same(e, sample()));
    EXPECT_EQ(e.revenue, -3995);
    EXPECT_EQ(e.quantity, INT64_MIN);
    EXPECT_EQ(e.timestamp, from_epoch_ms(-5));
    EXPECT_EQ(e.entity_id, Text(""));
    EXPECT_EQ(e.session_id, std::nullopt);
    EXPECT_EQ(e.decisions[0].is_holdback, true);
    EXPECT_EQ(e.decisions[1].is_holdback, std::nullopt);
    EXPECT_EQ(e.tags[1].value, std::nullopt);
  }
  EXPECT_EQ(at, bytes.size());
}

// As the first release wrote it: a log that waits must be readable after an upgrade.
TEST(EventRecord, ReadsTheRecordsOfTheFirstRelease) {
  const std::string bytes =
      unhex(
          "7e01020935393637383033373303752d31809fb8cc915d090776697369746f72000931302e302e30"
          "2e300000000000010009707572636861736501b53e01ffffffffffffffffff0101000000000000e0"
          "bf02023105706c616e07637573746f6d05676f6c6400027800010202630265000200036532027600"
          "02016b02760000")
          .value();
  Event e;
  std::size_t at = 0;
  ASSERT_TRUE(decode_event(bytes, at, e));
  EXPECT_EQ(at, bytes.size());
  EXPECT_TRUE(same(e, sample()));
  EXPECT_FALSE(e.keyless);
  // Beside new ones.
  const std::string both = bytes + record_of(sample());
  at = bytes.size();
  ASSERT_TRUE(decode_event(both, at, e));
  EXPECT_TRUE(same(e, sample()));
}

TEST(EventRecord, ForgetsWhatTheFormerRecordHeld) {
  Event bare;
  bare.kind = EventKind::activation;
  bare.account_id = "1";
  bare.uuid = "u";
  bare.visitor_id = "v";
  const std::string bytes = record_of(sample()) + record_of(bare);
  std::size_t at = 0;
  Event e;
  ASSERT_TRUE(decode_event(bytes, at, e));
  ASSERT_TRUE(decode_event(bytes, at, e));
  EXPECT_TRUE(same(e, bare));
  EXPECT_EQ(e.rows(), 0U);
}

TEST(EventRecord, WritesOnceWhatEventsShare) {
  std::string bytes;
  EventWriter writer(bytes);
  Event e = sample();
  const std::string visitor(1000, 'v'), agent(1000, 'a');
  e.visitor_id = visitor;
  e.user_agent = agent;
  const std::vector<std::uint32_t> second{1};
  writer.add(e, e.decisions, {});
  const auto first = bytes.size();
  for (int i = 0; i < 10; ++i) writer.add(e, e.decisions, second);
  EXPECT_LT(bytes.size(), first + 1000);
  writer.begin_visitor();
  e.visitor_id = "other";
  e.decisions.clear();
  writer.add(e, {}, {});
  std::size_t at = 0;
  Event read;
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(decode_event(bytes, at, read)) << i;
    EXPECT_EQ(read.visitor_id, i == 11 ? "other" : std::string_view(visitor));
    EXPECT_EQ(read.user_agent, Text(agent));
    EXPECT_EQ(read.attributes.size(), 2U);
    ASSERT_EQ(read.decisions.size(), i == 0 ? 2U : i == 11 ? 0U : 1U);
    if (i > 0 && i < 11) {
      EXPECT_EQ(read.decisions[0].experiment_id, "e2");
    }
  }
  EXPECT_EQ(at, bytes.size());
}

TEST(EventRecord, IsCutWhereOthersShareWithIt) {
  std::string bytes;
  EventWriter writer(bytes);
  for (const char* uuid : {"a", "b", "c"}) {
    Event e = sample();
    e.uuid = uuid;
    writer.add(e, e.decisions, {});
  }
  const auto rest = cut_events(bytes, 2);
  ASSERT_TRUE(rest);
  Event expected = sample();
  expected.uuid = "c";
  EXPECT_EQ(*rest, record_of(expected));
  EXPECT_EQ(cut_events(bytes, 0).value(), bytes);
  EXPECT_FALSE(cut_events(bytes, 4));
}

TEST(EventRecord, KnowsKeylessEvents) {
  std::string bytes = record_of(sample());
  Event e;
  std::size_t at = 0;
  ASSERT_TRUE(decode_event(bytes, at, e));
  EXPECT_FALSE(e.keyless);
  mark_keyless(bytes);
  at = 0;
  ASSERT_TRUE(decode_event(bytes, at, e));
  EXPECT_TRUE(e.keyless);
  EXPECT_EQ(record_of(e), bytes);
}

TEST(EventRecord, RefusesEveryTruncation) {
  const std::string bytes = record_of(sample());
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    Event e;
    std::size_t at = 0;
    EXPECT_FALSE(decode_event(std::string_view(bytes).substr(0, n), at, e)) << n;
  }
}

TEST(EventRecord, NeverReadsBeyondItsRecordHoweverItIsDamaged) {
  const std::string good = record_of(sample());
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    auto bytes = std::make_unique<std::string>(good);  // its own allocation: ASan sees an overrun
    (*bytes)[random() % bytes->size()] = static_cast<char>(random());
    Event e;
    std::size_t at = 0;
    if (decode_event(*bytes, at, e)) {
      EXPECT_LE(e.attributes.size(), bytes->size());
    }
  }
}

TEST(EventRecord, SkipsWithoutReading) {
  std::string bytes;
  for (int i = 0; i < 3; ++i) encode_event(sample(), bytes);
  std::size_t at = 0;
  ASSERT_TRUE(skip_events(bytes, at, 2));
  EXPECT_EQ(at, bytes.size() / 3 * 2);
  EXPECT_FALSE(skip_events(bytes, at, 2));
}

}  // namespace
}  // namespace valetkey::events
