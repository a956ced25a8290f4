// SPDX-License-Identifier: Apache-2.0
#include "events/event.h"

#include <gtest/gtest.h>

#include <random>

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

TEST(EventRecord, SurvivesTheRoundTrip) {
  std::string bytes;
  encode_event(sample(), bytes);
  encode_event(sample(), bytes);
  std::string_view rest = bytes;
  for (int i = 0; i < 2; ++i) {
    Event e;
    ASSERT_TRUE(decode_event(rest, e));
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
  EXPECT_TRUE(rest.empty());
}

TEST(EventRecord, ForgetsWhatTheFormerRecordHeld) {
  std::string bytes;
  encode_event(sample(), bytes);
  Event bare;
  bare.kind = EventKind::activation;
  bare.account_id = "1";
  bare.uuid = "u";
  bare.visitor_id = "v";
  encode_event(bare, bytes);
  std::string_view rest = bytes;
  Event e;
  ASSERT_TRUE(decode_event(rest, e));
  ASSERT_TRUE(decode_event(rest, e));
  EXPECT_TRUE(same(e, bare));
  EXPECT_EQ(e.rows(), 0U);
}

TEST(EventRecord, RefusesEveryTruncation) {
  std::string bytes;
  encode_event(sample(), bytes);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    std::string_view rest = std::string_view(bytes).substr(0, n);
    Event e;
    EXPECT_FALSE(decode_event(rest, e)) << n;
  }
}

TEST(EventRecord, NeverReadsBeyondItsRecordHoweverItIsDamaged) {
  std::string good;
  encode_event(sample(), good);
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    auto bytes = std::make_unique<std::string>(good);  // its own allocation: ASan sees an overrun
    (*bytes)[random() % bytes->size()] = static_cast<char>(random());
    std::string_view rest = *bytes;
    Event e;
    if (decode_event(rest, e)) {
      EXPECT_LE(e.attributes.size(), bytes->size());
    }
  }
}

TEST(EventRecord, SkipsWithoutReading) {
  std::string bytes;
  for (int i = 0; i < 3; ++i) encode_event(sample(), bytes);
  std::string_view rest = bytes;
  ASSERT_TRUE(skip_events(rest, 2));
  EXPECT_EQ(rest.size(), bytes.size() / 3);
  EXPECT_FALSE(skip_events(rest, 2));
}

}  // namespace
}  // namespace valetkey::events
