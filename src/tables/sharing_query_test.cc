// SPDX-License-Identifier: Apache-2.0
#include "tables/internal/sharing_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"

namespace valetkey::tables {
namespace {

using layout::RowType;
using testing::HasSubstr;

std::string message_of(std::string_view body) {
  const auto query = SharingQuery::parse(body);
  return query ? "accepted" : query.error().message;
}
SharingQuery must_parse(std::string_view body) {
  auto query = SharingQuery::parse(body);
  EXPECT_TRUE(query) << body;
  return query.value_or(SharingQuery());
}
// A body whose jsonPredicateHints is `json`.
std::string hinting(std::string json) {
  for (std::size_t at = 0; (at = json.find('"', at)) != std::string::npos; at += 2)
    json.insert(at, "\\");
  return R"({"jsonPredicateHints":")" + json + "\"}";
}
std::string compare(std::string_view op, std::string_view name, std::string_view value,
                    std::string_view type) {
  return R"({"op":")" + std::string(op) + R"(","children":[{"op":"column","name":")" +
         std::string(name) + R"(","valueType":")" + std::string(type) +
         R"("},{"op":"literal","value":")" + std::string(value) + R"(","valueType":")" +
         std::string(type) + R"("}]})";
}

const Date kDay = *parse_date("2020-09-14");

bool may_hold(const std::string& json, const layout::PartStatistics* statistics = nullptr) {
  return must_parse(hinting(json)).may_hold({RowType::events, kDay, statistics});
}

TEST(SharingQuery, LeavesOutDaysThatAPredicateExcludes) {
  EXPECT_TRUE(may_hold(compare("equal", "date", "2020-09-14", "date")));
  EXPECT_FALSE(may_hold(compare("equal", "date", "2020-09-15", "date")));
  EXPECT_TRUE(may_hold(compare("lessThan", "date", "2020-09-15", "date")));
  EXPECT_FALSE(may_hold(compare("lessThan", "date", "2020-09-14", "date")));
  EXPECT_TRUE(may_hold(compare("lessThanOrEqual", "date", "2020-09-14", "date")));
  EXPECT_TRUE(may_hold(compare("greaterThan", "date", "2020-09-13", "date")));
  EXPECT_FALSE(may_hold(compare("greaterThan", "date", "2020-09-14", "date")));
  EXPECT_TRUE(may_hold(compare("greaterThanOrEqual", "date", "2020-09-14", "date")));
  const std::string mirrored =
      R"({"op":"lessThan","children":[{"op":"literal","value":"2020-09-14","valueType":"date"},)"
      R"({"op":"column","name":"date","valueType":"date"}]})";
  EXPECT_FALSE(may_hold(mirrored)) << "2020-09-14 < date";
}

TEST(SharingQuery, CombinesPredicates) {
  const auto in = compare("equal", "date", "2020-09-14", "date");
  const auto out = compare("equal", "date", "2020-09-15", "date");
  const auto both = [](std::string_view op, const std::string& a, const std::string& b) {
    return R"({"op":")" + std::string(op) + R"(","children":[)" + a + "," + b + "]}";
  };
  EXPECT_FALSE(may_hold(both("and", in, out)));
  EXPECT_TRUE(may_hold(both("or", out, in)));
  EXPECT_FALSE(may_hold(both("or", out, out)));
  EXPECT_TRUE(may_hold(both("and", in, R"({"op":"like","children":[]})")));
  EXPECT_TRUE(may_hold(R"({"op":"not","children":[)" + in + "]}")) << "not understood";
}

TEST(SharingQuery, LeavesOutPartsByTheirStatistics) {
  layout::PartStatistics part;
  part.rows = 10;
  part.columns = {{14, 0, layout::Bounds{std::string("click"), std::string("purchase")}},
                  {15, 4, layout::Bounds{std::int64_t{5}, std::int64_t{100}}}};
  EXPECT_TRUE(may_hold(compare("equal", "event_name", "pay", "string"), &part));
  EXPECT_FALSE(may_hold(compare("equal", "event_name", "view", "string"), &part));
  EXPECT_FALSE(may_hold(compare("greaterThan", "revenue", "100", "long"), &part));
  EXPECT_TRUE(may_hold(compare("greaterThanOrEqual", "revenue", "100", "long"), &part));
  EXPECT_TRUE(may_hold(compare("greaterThan", "revenue", "many", "long"), &part));
  EXPECT_TRUE(may_hold(compare("equal", "value", "7", "string"), &part)) << "nothing is known";
  EXPECT_TRUE(may_hold(compare("equal", "no_such", "7", "string"), &part));
  EXPECT_FALSE(
      may_hold(R"({"op":"isNull","children":[{"op":"column","name":"event_name"}]})", &part));
  EXPECT_TRUE(may_hold(R"({"op":"isNull","children":[{"op":"column","name":"revenue"}]})", &part));
  EXPECT_FALSE(may_hold(R"({"op":"isNull","children":[{"op":"column","name":"date"}]})", &part));
}

TEST(SharingQuery, ReadsSqlHintsOnTheDateAndNoOther) {
  const auto holds = [](const std::string& hint) {
    return must_parse(R"({"predicateHints":[")" + hint + "\"]}")
        .may_hold({RowType::events, kDay, nullptr});
  };
  EXPECT_TRUE(holds("date = '2020-09-14'"));
  EXPECT_FALSE(holds("date = '2020-09-15'"));
  EXPECT_FALSE(holds("date>'2020-09-14'"));
  EXPECT_TRUE(holds(" date  >=  '2020-09-14' "));
  for (const std::string odd :
       {"", "date", "date =", "date = '", "date = 2020", "date ~ '2020-09-15'",
        "dates = '2020-09-15'", "date = '2020-09-15' or 1 = 1", "'"})
    EXPECT_TRUE(holds(odd)) << odd;
}

TEST(SharingQuery, RefusesWhatItCannotMeanInOneSentence) {
  EXPECT_EQ(message_of(""), "accepted");
  EXPECT_EQ(message_of("{}"), "accepted");
  EXPECT_EQ(message_of(R"({"maxFiles":18446744073709551615,"limitHint":null})"), "accepted");
  EXPECT_THAT(message_of(R"({"maxFiles":0})"), HasSubstr("maxFiles must be a whole number from 1"));
  EXPECT_THAT(message_of(R"({"maxFiles":-1})"), HasSubstr("maxFiles"));
  EXPECT_THAT(message_of(R"({"maxFiles":1e300})"), HasSubstr("maxFiles"));
  EXPECT_THAT(message_of(R"({"maxFiles":"10"})"), HasSubstr("maxFiles"));
  EXPECT_THAT(message_of(R"({"limitHint":1.5})"), HasSubstr("limitHint"));
  EXPECT_THAT(message_of(R"({"timestamp":"2020-09-14T00:00:00Z"})"), HasSubstr("latest version"));
  EXPECT_THAT(message_of(R"({"startingVersion":1})"), HasSubstr("latest version"));
  EXPECT_THAT(message_of(R"({"pageToken":"no such"})"), HasSubstr("pageToken"));
  EXPECT_THAT(message_of(R"({"jsonPredicateHints":"{"})"), HasSubstr("jsonPredicateHints"));
  EXPECT_THAT(message_of(R"({"jsonPredicateHints":7})"), HasSubstr("jsonPredicateHints"));
  EXPECT_THAT(message_of(R"({"predicateHints":"date"})"), HasSubstr("predicateHints"));
  EXPECT_NE(message_of("[]"), "accepted");
  EXPECT_NE(message_of("{"), "accepted");
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += R"({"op":"not","children":[)";
  EXPECT_THAT(message_of(hinting(deep)), HasSubstr("levels"));
  EXPECT_THAT(message_of(hinting(R"({"op":")" + std::string(20'000, 'x') + "\"}")),
              HasSubstr("bytes"));
}

TEST(SharingQuery, HoldsPagesToTheQueryThatBeganThem) {
  const std::string hint = R"("predicateHints":["date = '2020-09-14'"])";
  const SharingQuery first = must_parse("{" + hint + R"(,"maxFiles":2})");
  const std::string token = encode(PageToken{3, 4, first.digest, "v1/part"});
  const SharingQuery next =
      must_parse("{" + hint + R"(,"maxFiles":7,"pageToken":")" + token + "\"}");
  EXPECT_EQ(next.from, (PageToken{3, 4, first.digest, "v1/part"}));
  EXPECT_THAT(message_of(R"({"maxFiles":2,"pageToken":")" + token + "\"}"),
              HasSubstr("another query"));
}

TEST(PageToken, HasOneTextAndNoOther) {
  const PageToken token{1, 2, 0xFFFF'FFFF'FFFF'FFFF, "v1/ä"};
  EXPECT_EQ(decode_page_token(encode(token)), token);
  const std::string text = encode(token);
  for (std::size_t i = 0; i < 33; ++i) EXPECT_FALSE(decode_page_token(text.substr(0, i))) << i;
  EXPECT_FALSE(decode_page_token(text + "="));
  EXPECT_FALSE(decode_page_token(encode({1, 2, 3, std::string("a\0b", 3)})));
  EXPECT_FALSE(decode_page_token(encode({1, 2, 3, "\xff"})));
  EXPECT_FALSE(decode_page_token(encode({std::uint64_t{1} << 63, 2, 3, ""})));
  EXPECT_FALSE(decode_page_token(encode({1, 2, 3, std::string(1025, 'a')})));
}

}  // namespace
}  // namespace valetkey::tables
