// SPDX-License-Identifier: Apache-2.0
#include "client/export.h"

#include <gtest/gtest.h>

#include "client/testing/export.h"

namespace valetkey::client {
namespace {

struct ExportTest : World, testing::Test {
  ExportTest() {
    for (const char* name : {"a/1", "a/2 +%z", "a/3", "b/1", "b/2"})
      service.objects[name] = std::string("body of ") + name;
  }
  Session session{loop, client, clock, session_options()};
  Export data{loop,
              client,
              session,
              clock,
              {.patience = milliseconds(50),
               .first_pause = milliseconds(1),
               .longest_pause = milliseconds(2)}};
  std::string got;

  Result<ReadFacts> read(const std::string& name, std::uint64_t end, const std::string& etag = "") {
    got.clear();
    return run(data.read({.name = name, .etag = etag, .begin = 0, .end = end, .whole = true},
                         [this](std::string_view bytes) -> Result<void> {
                           got += bytes;
                           return {};
                         }));
  }
  Result<ReadFacts> read(const std::string& name) {
    return read(name, service.objects.at(name).size());
  }
};

TEST_F(ExportTest, ListsAllPagesRelativeToTheAccount) {
  const auto all = run(data.list({}));
  ASSERT_TRUE(all) << all.error().detail;
  std::vector<std::string> names;
  for (const auto& object : all->objects) names.push_back(object.key);
  EXPECT_EQ(names, (std::vector<std::string>{"a/1", "a/2 +%z", "a/3", "b/1", "b/2"}));
  EXPECT_EQ(run(data.list({.prefix = "b/", .delimiter = {}, .start_after = {}}))->objects.size(),
            2U);
}

TEST_F(ExportTest, ListsOfALimitedTokenWhatMayBeListedAlone) {
  service.more = R"(,"prefixes":["a/","c/d/","e/f/"])";
  service.allowed = {"v1/account_id=1/a/", "v1/account_id=1/c/d/", "v1/account_id=1/e/f/"};
  service.objects["c/d/1"] = service.objects["c/e/1"] = "beside";
  const auto names_of = [](const Result<ListingPage>& page) {
    std::vector<std::string> names = page.value().common_prefixes;
    for (const auto& object : page->objects) names.push_back(object.key);
    return names;
  };
  using Names = std::vector<std::string>;
  const auto list = [&](const std::string& prefix, const std::string& delimiter = "") {
    return names_of(run(data.list({.prefix = prefix, .delimiter = delimiter, .start_after = {}})));
  };
  EXPECT_EQ(list(""), (Names{"a/1", "a/2 +%z", "a/3", "c/d/1"}));
  EXPECT_EQ(list("", "/"), (Names{"a/", "c/"})) << "nothing lies in e/f/";
  EXPECT_EQ(list("c/", "/"), (Names{"c/d/"}));
  EXPECT_EQ(list("c/d/1"), (Names{"c/d/1"}));
  EXPECT_EQ(list("b/"), Names());
  EXPECT_EQ(names_of(run(data.first_page({.prefix = "c", .delimiter = {}, .start_after = {}}))),
            (Names{"c/d/1"}));
  for (const std::string& asked : service.asked) EXPECT_NE(asked, "v1/account_id=1/");
}

TEST_F(ExportTest, ReadsAnObjectOfAnyName) {
  for (const auto& [name, bytes] : service.objects) {
    const auto facts = read(name);
    ASSERT_TRUE(facts) << facts.error().detail;
    EXPECT_EQ(got, bytes);
  }
}

TEST_F(ExportTest, ReadsAnEmptyObject) {
  service.objects["empty"] = "";
  ASSERT_TRUE(read("empty"));
  EXPECT_EQ(got, "");
}

TEST_F(ExportTest, GoesOnWhereTheConnectionDropped) {
  service.objects["big"] = std::string(300'000, 'x') + "end";
  service.read_faults = {"drop", "drop", "drop", "drop", "drop", "drop"};
  const auto facts = read("big");
  ASSERT_TRUE(facts) << facts.error().detail;
  EXPECT_EQ(got, service.objects["big"]);
  EXPECT_EQ(service.ranges.back().substr(0, 6), "bytes=");
  EXPECT_NE(service.ranges.back().substr(0, 8), "bytes=0-");
}

TEST_F(ExportTest, RetriesWhatMayPassAndNothingElse) {
  service.read_faults = {"SlowDown", "InternalError", "ServiceUnavailable"};
  ASSERT_TRUE(read("a/1"));
  EXPECT_EQ(service.reads, 4);
  service.read_faults = std::deque<std::string>(10'000, "SlowDown");
  EXPECT_EQ(read("a/1").error().code, ErrorCode::unavailable);
  EXPECT_GT(service.reads, 9);
  const int before = service.reads;
  service.read_faults = {"AccessDenied"};
  EXPECT_EQ(read("a/1").error().code, ErrorCode::denied);
  EXPECT_EQ(service.reads, before + 1);
}

TEST_F(ExportTest, AnswersExpiredTokenByOneRefresh) {
  service.read_faults = {"ExpiredToken"};
  ASSERT_TRUE(read("a/1"));
  EXPECT_EQ(service.exchanges, 2);
  // Once more where the new ones are refused too, but not for ever.
  service.read_faults = {"ExpiredToken", "ExpiredToken"};
  ASSERT_TRUE(read("a/1"));
  EXPECT_EQ(service.exchanges, 3);
  service.read_faults = std::deque<std::string>(100, "ExpiredToken");
  EXPECT_NE(read("a/1").error().detail.find("clock"), std::string::npos);
  EXPECT_EQ(service.exchanges, 7);
  service.read_faults.clear();
}

TEST_F(ExportTest, TellsTheChecksumOfAWholeObject) {
  service.checksums["a/1"] = "y/Q5Jg==";
  EXPECT_EQ(read("a/1")->crc32, 0xCBF43926U);
  EXPECT_FALSE(read("a/3")->crc32);
  const auto looked = run(data.look("a/1", md5_hex(service.objects["a/1"])));
  ASSERT_TRUE(looked);
  EXPECT_EQ(looked->crc32, 0xCBF43926U);
  EXPECT_FALSE(run(data.look("a/1", "another version")));
  EXPECT_FALSE(run(data.look("nothing", "")));
}

// What comes with a range may be that of the range.
TEST_F(ExportTest, TakesNoChecksumForOneOfARange) {
  service.checksums["big"] = "y/Q5Jg==";
  service.objects["big"] = std::string(300'000, 'x');
  service.read_faults = {"drop"};
  const auto facts = read("big");
  ASSERT_TRUE(facts) << facts.error().detail;
  EXPECT_FALSE(facts->crc32);
}

TEST(Checksum, IsFourBytesInBase64) {
  EXPECT_EQ(parse_checksum("y/Q5Jg=="), 0xCBF43926U);
  EXPECT_EQ(parse_checksum("AAAAAA=="), 0U);
  for (const char* bad : {"", "y/Q5Jg", "y/Q5Jg==-3", "y/Q5JgAA", "????????", "y/Q5"})
    EXPECT_FALSE(parse_checksum(bad)) << bad;
}

TEST_F(ExportTest, NoticesWhatIsNotAsListed) {
  EXPECT_EQ(read("nothing", 3).error().code, ErrorCode::not_found);
  EXPECT_EQ(read("a/1", 3).error().code, ErrorCode::corrupt);
  EXPECT_EQ(read("a/1", 3000).error().code, ErrorCode::corrupt);
  EXPECT_EQ(read("a/1", 11, "0123").error().code, ErrorCode::busy);
}

TEST_F(ExportTest, RefusesAtOnceAnAnswerOfAnotherLength) {
  service.read_faults = {"huge", "huge", "huge", "huge"};
  const auto facts = read("a/1");
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().code, ErrorCode::corrupt);
  EXPECT_NE(facts.error().detail.find("a/1: the endpoint states 1000000 bytes where 11"),
            std::string::npos)
      << facts.error().detail;
  EXPECT_EQ(got, "");
  EXPECT_EQ(service.reads, 4);
  service.read_faults = {"huge", ""};
  ASSERT_TRUE(read("a/1"));
}

TEST_F(ExportTest, ReportsWhatTheSinkSays) {
  const auto full = run(data.read(
      {.name = "a/1", .etag = "", .begin = 0, .end = 11, .whole = true},
      [](std::string_view) -> Result<void> { return fail(ErrorCode::full, "disk full"); }));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::full);
  EXPECT_EQ(service.reads, 1);
}

}  // namespace
}  // namespace valetkey::client
