// SPDX-License-Identifier: Apache-2.0
#include "layout/partition.h"

#include <gtest/gtest.h>

#include "base/crypto.h"

namespace valetkey::layout {
namespace {

TEST(Partition, EscapesExactlyWhatHiveEscapes) {
  std::string kept, escaped;
  for (int c = 1; c < 256; ++c) {
    const std::string one(1, static_cast<char>(c));
    (partition_value(one) == one ? kept : escaped) += one;
  }
  EXPECT_EQ(escaped, []() {
    std::string expected;
    for (char c = 1; c < 0x20; ++c) expected += c;
    return expected + "\"#%'*/:=?[\\]^{" + "\x7f";
  }());
  EXPECT_EQ(partition_value("a/b=c%"), "a%2Fb%3Dc%25");
  EXPECT_EQ(partition_value("\x01\x7f"), "%01%7F");
  EXPECT_EQ(partition_value("with space } \xC3\xA9"), "with space } \xC3\xA9");
  EXPECT_EQ(partition_value(std::string("a\0b", 3)), "a%00b");
}

TEST(Partition, EscapesWhatNoXmlListingCouldHold) {
  EXPECT_EQ(partition_value("a\xEF\xBF\xBE"
                            "b"),
            "a%EF%BF%BEb");
  EXPECT_EQ(partition_value("a\xEF\xBF\xBF"
                            "b"),
            "a%EF%BF%BFb");
  EXPECT_EQ(former_partition_value("a\xEF\xBF\xBF"
                                   "b"),
            "a\xEF\xBF\xBF"
            "b");
  // XML holds U+FFFD, U+FDD0, U+0080 and the noncharacters of other planes.
  for (const char* allowed :
       {"\xEF\xBF\xBD", "\xEF\xB7\x90", "\xC2\x80", "\xF0\x9F\xBF\xBE", "\xF4\x8F\xBF\xBF"})
    EXPECT_EQ(partition_value(allowed), allowed);
  // Nine bytes each, so that 22 of them are kept of a long name.
  std::string name;
  for (int i = 0; i < 100; ++i) name += "\xEF\xBF\xBF";
  EXPECT_EQ(partition_value(name).size(), 22U * 9 + 17);
  EXPECT_EQ(former_partition_value(name).size(), 66U * 3 + 17);
  EXPECT_EQ(former_partition_value("plain/"), partition_value("plain/"));
}

TEST(Partition, KeepsTheDefaultPartitionForNothing) {
  EXPECT_EQ(partition_value(""), "__HIVE_DEFAULT_PARTITION__");
  EXPECT_EQ(partition_value("__HIVE_DEFAULT_PARTITION__"), "%5F_HIVE_DEFAULT_PARTITION__");
}

TEST(Partition, ShortensLongNamesAtACharacter) {
  const std::string at_the_limit(240, 'a');
  EXPECT_EQ(partition_value(at_the_limit), at_the_limit);
  const std::string beyond(241, 'a');
  EXPECT_EQ(partition_value(beyond),
            std::string(200, 'a') + "~" + sha256_hex(beyond).substr(0, 16));
  // 199 bytes and then a character of three: it goes whole.
  std::string cut(199, 'a');
  for (int i = 0; i < 30; ++i) cut += "\xE2\x82\xAC";
  EXPECT_EQ(partition_value(cut), std::string(199, 'a') + "~" + sha256_hex(cut).substr(0, 16));
  EXPECT_LE(partition_value(std::string(1024, '/')).size(), 217U);
  EXPECT_NE(partition_value(std::string(300, 'a') + "b"),
            partition_value(std::string(300, 'a') + "c"));
}

TEST(Partition, NamesByAUuidOfItsOwnKind) {
  EXPECT_EQ(uuid_of("a"),
            "ca978112-ca1b-8dca-bac2-31b39a23dc4d");  // the SHA-256, marked as version 8
}

TEST(Partition, MakesTheKeysOfTheRealExport) {
  const auto account = AccountId::parse("596780373").value();
  const auto day = parse_date("2020-09-14").value();
  EXPECT_EQ(partition_prefix(account, RowType::decisions, day, "18786493712"),
            "v1/account_id=596780373/type=decisions/date=2020-09-14/experiment=18786493712/");
  EXPECT_EQ(partition_prefix(account, RowType::events, day, "add_to_cart") +
                part_name(0, "6bfb2530-7428-4aa2-b8b1-8cfc971adcbe"),
            "v1/account_id=596780373/type=events/date=2020-09-14/event=add_to_cart/"
            "part-00000-6bfb2530-7428-4aa2-b8b1-8cfc971adcbe.c000.snappy.parquet");
}

}  // namespace
}  // namespace valetkey::layout
