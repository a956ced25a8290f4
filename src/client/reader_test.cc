// SPDX-License-Identifier: Apache-2.0
#include "client/reader.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "base/file.h"
#include "base/testing/temporary_folder.h"
#include "base/version.h"
#include "client/fetch.h"
#include "client/testing/export.h"

namespace valetkey::client {
namespace {

namespace fs = std::filesystem;

struct ReaderTest : World, testing::Test {
  ReaderTest() {
    service.objects = {{"a/1", "one"}, {"a/2", std::string(300'000, 'x')}, {"b", "other"}};
    reader = open({.api = service.endpoint, .token = Secret("token"), .ca_file = {}});
  }
  static std::unique_ptr<Reader> open(Profile profile) {
    auto opened = Reader::open(std::move(profile), {.patience = seconds(2)});
    EXPECT_TRUE(opened) << opened.error().detail;
    return std::move(*opened);
  }
  ListedObject object(const std::string& name) { return reader->list(name).value().front(); }

  TemporaryFolder temporary;
  fs::path folder = temporary.path();
  std::unique_ptr<Reader> reader;
};

TEST_F(ReaderTest, ListsReadsAndDownloadsUnderOneExchange) {
  const auto listed = reader->list("a/");
  ASSERT_TRUE(listed) << listed.error().detail;
  ASSERT_EQ(listed->size(), 2);
  EXPECT_EQ(listed->back().key, "a/2");
  EXPECT_EQ(reader->read(listed->front(), 1, 3).value(), "ne");
  EXPECT_EQ(reader->read(listed->front(), 2, 2).value(), "");
  EXPECT_EQ(reader->read(listed->front(), 2, 4).error().code, ErrorCode::invalid);
  service.read_faults = {"drop"};
  ASSERT_TRUE(reader->download(listed->back(), folder / "2"));
  EXPECT_EQ(*read_file(folder / "2", 1 << 20), service.objects["a/2"]);
  EXPECT_EQ(reader->credentials()->prefix, "v1/account_id=1/");
  EXPECT_EQ(service.exchanges, 1);
  EXPECT_EQ(service.user_agent, "valetkey-client/" + std::string(kVersion));
}

TEST_F(ReaderTest, ADownloadIsWholeOrNotThere) {
  ListedObject wrong = object("a/1");
  service.objects["a/1"] = "two";
  EXPECT_EQ(reader->download(wrong, folder / "1").error().code, ErrorCode::busy);
  wrong = object("a/1");
  wrong.size = 7;
  EXPECT_FALSE(reader->download(wrong, folder / "1"));
  service.objects.erase("a/1");
  EXPECT_EQ(reader->download(wrong, folder / "1").error().code, ErrorCode::not_found);
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST_F(ReaderTest, DownloadsALargeObjectInRanges) {
  service.objects["large"] = std::string(kSplitAbove + 1000, 'x');
  ASSERT_TRUE(reader->download(object("large"), folder / "large"));
  EXPECT_EQ(*read_file(folder / "large", 1 << 30), service.objects["large"]);
  EXPECT_GE(service.ranges.size(), 3u);
}

TEST_F(ReaderTest, DownloadsAgainWhatWasSpoiltAndGivesUpAfterAWhile) {
  service.checksums["a/1"] = "AAAAAA==";  // the CRC-32 of something else
  const auto spoilt = reader->download(object("a/1"), folder / "1");
  ASSERT_FALSE(spoilt);
  EXPECT_EQ(spoilt.error().code, ErrorCode::corrupt);
  EXPECT_NE(spoilt.error().detail.find("CRC-32"), std::string::npos);
  EXPECT_EQ(service.reads, 4);
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST_F(ReaderTest, DownloadsIntoAPipe) {
  const fs::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::string came;
  std::thread other([&] { came = read_file(pipe, 1 << 20).value_or("nothing"); });
  EXPECT_TRUE(reader->download(object("a/2"), pipe));
  other.join();
  EXPECT_EQ(came, service.objects["a/2"]);
}

TEST_F(ReaderTest, RefusesWithoutATokenOrInTheClear) {
  EXPECT_EQ(Reader::open({.api = service.endpoint, .token = {}, .ca_file = {}}).error().code,
            ErrorCode::invalid);
  EXPECT_EQ(
      Reader::open({.api = "http://example.com", .token = Secret("t"), .ca_file = {}}).error().code,
      ErrorCode::denied);
}

}  // namespace
}  // namespace valetkey::client
