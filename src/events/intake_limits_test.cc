// SPDX-License-Identifier: Apache-2.0
// What one body may cost: rows, text, depth and time, however it is written.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <unordered_set>

#include "events/testing/intake_bodies.h"

namespace valetkey::events {
namespace {

TEST(IntakeLimits, StoresOnceWhatEventsShare) {
  std::string events;
  for (int i = 0; i < 2300; ++i)
    events += fmt::format(R"({}{{"uuid":"{}","timestamp":1,"key":"k"}})", i == 0 ? "" : ",", i);
  const std::string visitor(1000, 'v'), agent(1000, 'a');
  IntakeContext context = kContext;
  context.user_agent = agent;
  const auto kept = keep(
      fmt::format(
          R"({{"account_id":"12","visitors":[{{"visitor_id":"{}","snapshots":[{{"events":[{}]}}]}}]}})",
          visitor, events),
      false, context);
  ASSERT_EQ(kept.events.size(), 2300U);
  EXPECT_EQ(kept.events.back().visitor_id, visitor);
  EXPECT_EQ(kept.events.back().user_agent, Text(agent));
  EXPECT_LT(kept.intake.records.size(), 60'000U);
}

// 1,000 decisions and 1,000 attributes become rows that each repeat the attributes.
TEST(IntakeLimits, RefusesRowsThatMultiply) {
  std::string decisions = "[", attributes = "[";
  for (int i = 0; i < 1000; ++i) {
    decisions += i == 0 ? "{}" : ",{}";
    attributes += i == 0 ? "{}" : ",{}";
  }
  decisions += "]";
  attributes += "]";
  const auto refused = parse_events(
      body_of(R"({"uuid":"u","timestamp":1,"type":"campaign_activated"})", decisions, attributes),
      kContext, false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().why, IntakeRefusal::Why::too_large);
  EXPECT_TRUE(parse_events(body_of(kClick, decisions, attributes), kContext, false));
}

TEST(IntakeLimits, RefusesRowsThatRepeatTooMuchText) {
  IntakeLimits limits;
  limits.max_row_bytes = 10'000;
  const auto body = [](int decisions_count) {
    std::string decisions;
    for (int i = 0; i < decisions_count; ++i) decisions += i == 0 ? "{}" : ",{}";
    return body_of(R"({"uuid":"u","timestamp":1,"type":"campaign_activated"})",
                   "[" + decisions + "]",
                   fmt::format(R"([{{"key":"k","value":"{}"}}])", std::string(900, 'x')));
  };
  EXPECT_TRUE(parse_events(body(9), kContext, false, limits));
  const auto refused = parse_events(body(11), kContext, false, limits);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().why, IntakeRefusal::Why::too_large);
}

TEST(IntakeLimits, CutsWhatIsTooLongBetweenCharacters) {
  std::string agent(1023, 'a');
  agent += "\u00e9\u00e9";
  IntakeContext context = kContext;
  context.user_agent = agent;
  context.referer = "\xff";
  const auto kept = keep(
      body_of(fmt::format(R"({{"uuid":"u","timestamp":1,"key":"{}"}})", std::string(1025, 'k'))),
      false, context);
  ASSERT_EQ(kept.events.size(), 1U);
  EXPECT_EQ(kept.events[0].user_agent, Text(agent.substr(0, 1023)));
  EXPECT_EQ(kept.events[0].referer, Text("\xEF\xBF\xBD"));
  EXPECT_EQ(kept.events[0].event_name->size(), 1024U);
  EXPECT_EQ(altered(kept, Alteration::too_long), 2U);
  EXPECT_EQ(altered(kept, Alteration::text), 1U);
}

TEST(IntakeLimits, DropsVisitorsWhoseIdIsTooLong) {
  const auto kept = keep(fmt::format(
      R"({{"account_id":"12","visitors":[{{"visitor_id":"{}","snapshots":[{{"events":[{},{}]}}]}}]}})",
      std::string(1025, 'v'), kClick, kClick));
  EXPECT_TRUE(kept.events.empty());
  EXPECT_EQ(dropped(kept, Drop::visitor), 2U);
}

// The time of the best of three.
double seconds_to_keep(const std::string& body) {
  double best = 1e9;
  for (int i = 0; i < 3; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(parse_events(body, kContext, false));
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return best;
}

// Anybody can compute names that lie in one bucket of the standard library's tables.
TEST(IntakeLimits, TakesTagsWhoseNamesCollideAsFastAsOthers) {
  constexpr std::size_t kTags = 5000;
  std::unordered_set<std::uint64_t> table;
  for (std::uint64_t i = 0; i < kTags; ++i) table.insert(i);
  std::string tags[2];
  for (const bool colliding : {false, true}) {
    char name[] = "00000000";
    const auto count_up = [&name] {  // some fifty million times
      for (char* digit = name + 7; ++*digit > '9'; --digit) *digit = '0';
    };
    for (std::size_t found = 0; found < kTags; count_up()) {
      if (colliding && std::hash<std::string_view>{}({name, 8}) % table.bucket_count() != 0)
        continue;
      tags[colliding] += fmt::format(R"({}"{}":1)", found++ == 0 ? "" : ",", name);
    }
  }
  const auto body = [](const std::string& of) {
    return body_of(fmt::format(R"({{"uuid":"b","timestamp":2,"key":"k","tags":{{{}}}}})", of));
  };
  EXPECT_LT(seconds_to_keep(body(tags[1])), 3 * seconds_to_keep(body(tags[0])));
}

TEST(IntakeLimits, LimitsDepthAndNestedValues) {
  const auto nested = [](std::size_t depth) {
    return R"({"account_id":"12","x":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_TRUE(parse_events(nested(1000), kContext, false));
  EXPECT_EQ(parse_events(nested(1030), kContext, false).error().why, IntakeRefusal::Why::malformed);
  EXPECT_EQ(parse_events(nested(100'000), kContext, false).error().why,
            IntakeRefusal::Why::malformed);

  std::string decisions = "[", events;
  for (int i = 0; i < 1000; ++i) decisions += R"({"campaign_id":"1"},)";
  decisions.back() = ']';
  for (int i = 0; i < 51; ++i) events += std::string(kClick) + ",";
  events.pop_back();
  EXPECT_EQ(parse_events(body_of(events, decisions), kContext, false).error().why,
            IntakeRefusal::Why::too_large);
  decisions.back() = ',';
  const auto kept = keep(body_of(kClick, decisions + R"({"campaign_id":"1001"},{}])"));
  ASSERT_EQ(kept.events.size(), 1U);
  EXPECT_EQ(kept.events[0].decisions.size(), 1000U);
  EXPECT_EQ(altered(kept, Alteration::too_many), 2U);
}

TEST(IntakeLimits, SurvivesAHundredThousandTags) {
  std::string tags = "{";
  for (int i = 0; i < 100'000; ++i) tags += fmt::format(R"("t{}":1,)", i);
  tags.back() = '}';
  const auto refused = parse_events(
      body_of(fmt::format(R"({{"uuid":"u","timestamp":1,"key":"k","tags":{}}})", tags)), kContext,
      false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().why, IntakeRefusal::Why::too_large);
}

}  // namespace
}  // namespace valetkey::events
