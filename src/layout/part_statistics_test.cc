// SPDX-License-Identifier: Apache-2.0
#include "layout/part_statistics.h"

#include <gtest/gtest.h>

#include <set>

#include "base/encoding.h"
#include "layout/fields.h"

namespace valetkey::layout {
namespace {

PartStatistics sample() {
  PartStatistics s;
  s.rows = 300;
  s.timestamps = TimestampUnit::microseconds;
  s.field_ids = true;
  s.row_groups = {4, 1'000'000};
  s.columns = {{1, 0, {}},
               {2, 3, Bounds{std::int64_t{-1}, std::int64_t{1'600'000'000'000'000}}},
               {8, 0, Bounds{std::string("42"), std::string("42")}},
               {14, 1, Bounds{false, true}},
               {16, {}, Bounds{-0.0, 0.0}},
               {17, {}, Bounds{std::string("a"), std::string("b"), false}}};
  return s;
}

TEST(PartStatistics, HaveOneForm) {
  const auto bytes = encode(sample());
  EXPECT_EQ(hex(bytes),
            "0106ac0202"
            "04bc843d"
            "06"
            "010800"
            "010a03"
            "01"
            "8080a0faa0ccd705"
            "061c00"
            "023432"
            "06090100"
            "01"
            "020300000000000000"
            "80"
            "0000000000000000"
            "0124"
            "0161"
            "0162");
  const auto read = decode_part_statistics(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(encode(*read), bytes);
  EXPECT_EQ(read->rows, 300U);
  EXPECT_EQ(read->columns, sample().columns);
  EXPECT_EQ(read->row_groups, sample().row_groups);
  EXPECT_EQ(read->column(8)->bounds->lower, BoundValue(std::string("42")));
  EXPECT_EQ(read->column(9), nullptr);
}

TEST(PartStatistics, RefuseEveryOtherByte) {
  const auto bytes = encode(sample());
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(decode_part_statistics(bytes.substr(0, length))) << length;
  EXPECT_FALSE(decode_part_statistics(bytes + '\0'));
  auto newer = bytes;
  newer[0] = 2;
  EXPECT_NE(decode_part_statistics(newer).error().detail.find("newer"), std::string::npos);
}

TEST(PartStatistics, RefuseWhatCannotBe) {
  const auto broken = [](const auto& change) {
    auto s = sample();
    change(s);
    return !decode_part_statistics(encode(s)).has_value();
  };
  EXPECT_TRUE(broken([](auto& s) { s.columns[0].nulls = 301; }));
  EXPECT_TRUE(broken([](auto& s) { s.columns[1].bounds->lower = std::int64_t{1} << 62; }));
  EXPECT_TRUE(broken([](auto& s) { s.columns[5].bounds->lower = std::string("\xFF"); }));
  EXPECT_TRUE(broken([](auto& s) { s.columns[1].id = 1; }));
  EXPECT_TRUE(broken([](auto& s) { s.row_groups[1] = 4; }));
}

TEST(PartStatistics, CutLongTextsSoThatTheyStillBound) {
  const auto text = [](const BoundValue& value) { return std::get<std::string>(value); };
  const std::string longer(200, 'a');
  const auto cut = text_bounds("a", longer);
  EXPECT_FALSE(cut->exact);
  EXPECT_EQ(text(cut->upper), std::string(kCutBound - 1, 'a') + "b");
  EXPECT_EQ(text(cut->lower), "a");
  // One value only: a partition's name is kept whole.
  EXPECT_EQ(text_bounds(longer, longer), (Bounds{longer, longer, true}));
  EXPECT_FALSE(text_bounds(std::string(2000, 'a'), std::string(2000, 'a'))->exact);
  // A character is raised, not a byte; surrogates are no characters.
  std::string umlauts;
  for (int i = 0; i < 40; ++i) umlauts += "\xC3\xBF";
  EXPECT_TRUE(text(text_bounds("", umlauts)->upper).ends_with("\xC4\x80"));
  std::string before_surrogates;
  for (int i = 0; i < 20; ++i) before_surrogates += "\xED\x9F\xBF";
  EXPECT_TRUE(text(text_bounds("", before_surrogates)->upper).ends_with("\xEE\x80\x80"));
  std::string last;
  for (int i = 0; i < 20; ++i) last += "\xF4\x8F\xBF\xBF";
  EXPECT_FALSE(text_bounds("", last));
  EXPECT_FALSE(text_bounds("b", "a"));
}

TEST(Fields, HaveOneIdEach) {
  for (const auto type : {RowType::decisions, RowType::events}) {
    std::set<std::int32_t> ids;
    std::set<std::string_view> paths;
    for (const auto& field : fields_of(type)) {
      EXPECT_TRUE(ids.insert(field.id).second) << field.path;
      EXPECT_TRUE(paths.insert(field.path).second) << field.path;
      const auto dot = field.path.rfind('.');
      if (dot != std::string_view::npos) EXPECT_TRUE(paths.contains(field.path.substr(0, dot)));
      EXPECT_EQ(find_field(type, field.id)->path, field.path);
    }
    for (const char* nobody : {"visitor_id", "uuid", "user_ip", "session_id", "user_agent"})
      EXPECT_FALSE(find_field(type, nobody)->bounds) << nobody;
    EXPECT_TRUE(find_field(type, partition_column(type))->bounds);
  }
}

}  // namespace
}  // namespace valetkey::layout
