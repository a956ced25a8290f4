// SPDX-License-Identifier: Apache-2.0
#include "client/reader.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "client/testing/export.h"

namespace valetkey::client {
namespace {

namespace fs = std::filesystem;

struct ReaderTest : World, testing::Test {
  ReaderTest() {
    service.objects = {{"a/1", "one"}, {"a/2", std::string(300'000, 'x')}, {"b", "other"}};
    std::string name = (fs::temp_directory_path() / "valetkey-reader-XXXXXX").string();
    folder = mkdtemp(name.data());
    reader = open({.api = service.endpoint, .token = Secret("token"), .ca_file = {}});
  }
  ~ReaderTest() override { fs::remove_all(folder); }
  static std::unique_ptr<Reader> open(Profile profile) {
    auto opened = Reader::open(std::move(profile), {.patience = seconds(2)});
    EXPECT_TRUE(opened) << opened.error().detail;
    return std::move(*opened);
  }
  ListedObject object(const std::string& name) { return reader->list(name).value().front(); }

  fs::path folder;
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

TEST_F(ReaderTest, RefusesWithoutATokenOrInTheClear) {
  EXPECT_EQ(Reader::open({.api = service.endpoint, .token = {}, .ca_file = {}}).error().code,
            ErrorCode::invalid);
  EXPECT_EQ(
      Reader::open({.api = "http://example.com", .token = Secret("t"), .ca_file = {}}).error().code,
      ErrorCode::denied);
}

}  // namespace
}  // namespace valetkey::client
