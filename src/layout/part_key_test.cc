// SPDX-License-Identifier: Apache-2.0
#include "layout/part_key.h"

#include <gtest/gtest.h>

namespace valetkey::layout {
namespace {

constexpr std::string_view kDay = "v1/account_id=596780373/type=events/date=2020-09-14/";

TEST(PartKey, IsWhatItsPiecesMake) {
  const std::string key = std::string(kDay) + "event=a%2Fb/part-00000-1.c000.snappy.parquet";
  const auto parsed = PartKey::parse(key);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->account.str(), "596780373");
  EXPECT_EQ(parsed->name.folder.type, RowType::events);
  EXPECT_EQ(format_date(parsed->name.folder.day), "2020-09-14");
  EXPECT_EQ(parsed->name.partition, "a%2Fb");
  EXPECT_EQ(parsed->name.file, "part-00000-1.c000.snappy.parquet");
  EXPECT_EQ(parsed->folder(), std::string(kDay) + "event=a%2Fb/");
  EXPECT_EQ(parsed->str(), key);
  EXPECT_EQ(PartName::parse(key.substr(key.find("type=")))->str(), parsed->name.str());
}

TEST(PartKey, IsOnlyThatOfAPart) {
  for (const std::string other :
       {"_SUCCESS", "event=a/", "event=a/.parquet", "event=a/b/c.parquet", "event=/c.parquet",
        "experiment=a/c.parquet", "event=a/c.parquet.tmp", "a.parquet"})
    EXPECT_FALSE(PartKey::parse(std::string(kDay) + other)) << other;
  for (const std::string other : {"v1/account_id=x/type=events/date=2020-09-14/event=a/c.parquet",
                                  "v1/account_id=1/type=visits/date=2020-09-14/event=a/c.parquet",
                                  "v1/account_id=1/type=events/date=2020-09-31/event=a/c.parquet",
                                  "v1/account_id=1/type=events/date=2020-9-14/event=a/c.parquet",
                                  "/v1/account_id=1/type=events/date=2020-09-14/event=a/c.parquet",
                                  "v2/account_id=1/type=events/date=2020-09-14/event=a/c.parquet"})
    EXPECT_FALSE(PartKey::parse(other)) << other;
}

TEST(PartKey, OfAClientIsOfAKnownTypeAndARealDay) {
  for (const char* other :
       {"type=events/date=2026-03-02/_SUCCESS", "type=events/date=2026-02-30/event=a/x.parquet",
        "type=events/date=../x.parquet", "type=other/date=2026-03-02/x.parquet",
        "type=events/x.parquet", "x.parquet", ""})
    EXPECT_FALSE(PartName::parse(other)) << other;
}

TEST(PartKey, SaysWhetherNamesLieTogether) {
  EXPECT_TRUE(PartName::parse("type=events/date=2026-03-02/event=__other__/x.parquet")->is_other());
  EXPECT_FALSE(PartName::parse("type=events/date=2026-03-02/event=a/x.parquet")->is_other());
}

TEST(DayKey, ContainsWhateverLiesInTheDay) {
  for (const std::string name : {"", "_SUCCESS", "event=a/c.parquet", "anything"}) {
    const auto day = DayKey::containing(std::string(kDay) + name);
    ASSERT_TRUE(day) << name;
    EXPECT_EQ(day->str(), kDay);
  }
  EXPECT_FALSE(DayKey::containing("v1/account_id=1/type=events/date=2020-09-14"));
  EXPECT_FALSE(DayKey::containing("v1/account_id=1/type=events/"));
  EXPECT_EQ(DayFolder::containing("type=events/date=2020-09-14/_SUCCESS")->str(),
            "type=events/date=2020-09-14/");
}

TEST(DayKey, KnowsTheAccountOfAnyKeyOfIt) {
  EXPECT_EQ(account_in("v1/account_id=007/x")->str(), "007");
  EXPECT_FALSE(account_in("v1/account_id=7"));
  EXPECT_FALSE(account_in("v1/account_id=/x"));
  EXPECT_FALSE(account_in("internal/seen/x"));
  EXPECT_EQ(type_prefix(*account_in("v1/account_id=007/"), RowType::decisions),
            "v1/account_id=007/type=decisions/");
}

}  // namespace
}  // namespace valetkey::layout
