// SPDX-License-Identifier: Apache-2.0
// Listings: every parameter, and paging against a naive model on random key sets.
#include "s3/listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <pugixml.hpp>
#include <random>

#include "base/encoding.h"
#include "base/testing/temporary_folder.h"
#include "s3/testing/world.h"
#include "storage/disk_store.h"

namespace valetkey::s3 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string kOwn = "v1/account_id=12/";
const std::string kPrefix = "prefix=v1%2Faccount_id%3D12%2F";

class ListingTest : public testing::Test {
 protected:
  void put(const std::string& name) { world_.store.put(kOwn + name, name, world_.clock.now()); }
  Reply list(const std::string& query) { return world_.list(me_, kPrefix + query); }

  World world_;
  Tenant me_ = world_.tenant("12");
};

TEST_F(ListingTest, OfVersion1HasItsElements) {
  put("a");
  put("b/c");
  put("d");
  const Reply reply = list("&delimiter=%2F&max-keys=2");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("x-amz-bucket-region"), "us-east-1");
  EXPECT_EQ(reply.header("Content-Type"), "application/xml");
  EXPECT_EQ(reply.element("Name"), World::kBucket);
  EXPECT_EQ(reply.elements("Prefix").front(), kOwn);
  EXPECT_EQ(reply.element("Delimiter"), "/");
  EXPECT_EQ(reply.element("MaxKeys"), "2");
  EXPECT_EQ(reply.element("IsTruncated"), "true");
  EXPECT_EQ(reply.element("NextMarker"), kOwn + "b/") << "a common prefix may be the last entry";
  EXPECT_THAT(reply.body, HasSubstr("<Marker></Marker>"));
  EXPECT_THAT(reply.elements("Key"), ElementsAre(kOwn + "a"));
  EXPECT_THAT(reply.elements("CommonPrefixes"), ElementsAre("<Prefix>" + kOwn + "b/</Prefix>"));
  EXPECT_EQ(reply.element("LastModified"), "2020-09-13T12:26:40.000Z");
  EXPECT_EQ(reply.element("ETag"), "&quot;0cc175b9c0f1b6a831c399e269772661&quot;");
  EXPECT_EQ(reply.element("Size"), "1");
  EXPECT_EQ(reply.element("StorageClass"), "STANDARD");
  EXPECT_EQ(reply.element("ID"), "12");
  EXPECT_EQ(reply.element("KeyCount"), "");
}

TEST_F(ListingTest, GivesNextMarkerOnlyWithADelimiter) {
  put("a");
  put("b");
  EXPECT_EQ(list("&max-keys=1").element("IsTruncated"), "true");
  EXPECT_THAT(list("&max-keys=1").body, Not(HasSubstr("NextMarker")));
  EXPECT_THAT(list("&max-keys=1&delimiter=").body, Not(HasSubstr("Delimiter")));
  EXPECT_THAT(list("&delimiter=%2F").body, Not(HasSubstr("NextMarker")));
}

TEST_F(ListingTest, OfVersion2HasItsElements) {
  put("a");
  put("b/c");
  put("d");
  const Reply reply = list("&list-type=2&delimiter=%2F&max-keys=2&start-after=0");
  EXPECT_EQ(reply.element("KeyCount"), "2") << "common prefixes are counted";
  EXPECT_EQ(reply.element("StartAfter"), "0");
  EXPECT_EQ(reply.element("IsTruncated"), "true");
  EXPECT_THAT(reply.body, Not(HasSubstr("<ContinuationToken>")));
  EXPECT_THAT(reply.body, Not(HasSubstr("Marker")));
  EXPECT_THAT(reply.body, Not(HasSubstr("Owner")));
  const std::string token = reply.element("NextContinuationToken");
  ASSERT_NE(token, "");
  const Reply rest = list("&list-type=2&delimiter=%2F&start-after=zzz&continuation-token=" +
                          percent_encode(token));
  EXPECT_THAT(rest.elements("Key"), ElementsAre(kOwn + "d")) << "start-after is ignored";
  EXPECT_EQ(rest.element("StartAfter"), "zzz") << "but echoed";
  EXPECT_EQ(rest.element("ContinuationToken"), token);
  EXPECT_EQ(rest.element("IsTruncated"), "false");
  EXPECT_THAT(rest.body, Not(HasSubstr("NextContinuationToken")));
  EXPECT_EQ(list("&list-type=2&fetch-owner=true").element("ID"), "12");
}

TEST_F(ListingTest, ClampsMaxKeysAndTakesZero) {
  put("a");
  const Reply none = list("&list-type=2&max-keys=0");
  EXPECT_EQ(none.status, 200);
  EXPECT_EQ(none.element("KeyCount"), "0");
  EXPECT_EQ(none.element("MaxKeys"), "0");
  EXPECT_EQ(none.element("IsTruncated"), "false");
  EXPECT_EQ(list("&max-keys=1001").element("MaxKeys"), "1000");
  EXPECT_EQ(list("&max-keys=2147483647").element("MaxKeys"), "1000");
}

TEST_F(ListingTest, RefusesBadArguments) {
  for (const char* query :
       {"&max-keys=-1", "&max-keys=x", "&max-keys=", "&max-keys=1.5", "&max-keys=+1",
        "&max-keys=1x", "&max-keys=2147483648", "&max-keys=99999999999999999999",
        "&encoding-type=base64", "&encoding-type=", "&list-type=3", "&list-type=",
        "&list-type=2&continuation-token=", "&list-type=2&continuation-token=garbage"}) {
    const Reply reply = list(query);
    EXPECT_EQ(reply.status, 400) << query;
    EXPECT_EQ(reply.code(), "InvalidArgument") << query;
    EXPECT_NE(reply.element("ArgumentName"), "") << query;
  }
}

TEST_F(ListingTest, EncodesNamesForUrlsOnRequest) {
  put("a b+\xC3\xA9&<\x01>/x");
  put("a b+\xC3\xA9&<\x02>");
  const std::string encoded = "v1/account_id%3D12/a+b%2B%C3%A9%26%3C%0";
  const Reply reply = list("&list-type=2&encoding-type=url&delimiter=%2F&start-after=+%01");
  EXPECT_EQ(reply.element("EncodingType"), "url");
  EXPECT_EQ(reply.element("Key"), encoded + "2%3E");
  EXPECT_EQ(reply.element("StartAfter"), "+%01");
  EXPECT_EQ(reply.elements("Prefix").front(), "v1/account_id%3D12/");
  EXPECT_EQ(reply.elements("Prefix").back(), encoded + "1%3E/");
  EXPECT_EQ(list("&encoding-type=url&delimiter=%2B&max-keys=1&marker=+").element("Delimiter"),
            "%2B");
  EXPECT_EQ(list("&encoding-type=url&marker=+").element("Marker"), "+");
}

TEST_F(ListingTest, RefusesATokenWhoseGenerationIsGone) {
  put("a");
  put("b");
  const std::string token = list("&list-type=2&max-keys=1").element("NextContinuationToken");
  storage::Publication erasure;
  erasure.remove = {kOwn + "a"};
  erasure.erases_of = "12";
  ASSERT_TRUE(world_.store.publish(std::move(erasure)));
  EXPECT_EQ(list("&list-type=2&continuation-token=" + percent_encode(token)).code(),
            "InvalidArgument");
}

TEST_F(ListingTest, DoesNotAskTheIndexAboutMarkersBehindThePrefix) {
  put("a");
  const Reply reply = list("&marker=v2");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.elements("Key"), IsEmpty());
  EXPECT_EQ(world_.store.lists, 0U);
}

TEST_F(ListingTest, StatesWholeSecondsAsLastModifiedDoes) {
  const Timestamp start = from_epoch_ms(1'600'000'000'999);
  for (int i = 0; i < 4; ++i)
    world_.store.put(kOwn + std::to_string(i), "", start + milliseconds(i % 2 * 901 - i / 2 * 999));
  EXPECT_THAT(list("").elements("LastModified"),
              ElementsAre("2020-09-13T12:26:40.000Z", "2020-09-13T12:26:41.000Z",
                          "2020-09-13T12:26:40.000Z", "2020-09-13T12:26:40.000Z"));
  EXPECT_EQ(list("").elements("LastModified"), list("&list-type=2").elements("LastModified"));
  const std::string path = world_.path_of(kOwn + "1");
  EXPECT_EQ(world_.get(me_, path).header("Last-Modified"), "Sun, 13 Sep 2020 12:26:41 GMT");
}

TEST_F(ListingTest, HopsToThePoolAndIsWellFormed) {
  for (int i = 0; i < 1000; ++i) put("date=2020-09-14/part-" + std::to_string(i) + "-<&\">");
  const Reply reply = list("&list-type=2");
  pugi::xml_document document;
  ASSERT_TRUE(document.load_buffer(reply.body.data(), reply.body.size()));
  const auto result = document.child("ListBucketResult");
  EXPECT_STREQ(result.attribute("xmlns").value(), "http://s3.amazonaws.com/doc/2006-03-01/");
  int keys = 0;
  for (const auto& contents : result.children("Contents"))
    keys += std::string(contents.child_value("Key")).ends_with("-<&\">") ? 1 : 0;
  EXPECT_EQ(keys, 1000);
}

// What a client that pages to the end sees: keys and common prefixes, in the order of the pages.
struct Walk {
  std::vector<std::string> keys;
  std::vector<std::string> prefixes;
  int pages = 0;
};

using Lister = std::function<Reply(const std::string& query)>;

Walk walk(const Lister& list, const std::string& query, bool version_2) {
  Walk seen;
  std::string position;
  for (;; ++seen.pages) {
    if (seen.pages > 300) throw std::logic_error("a listing without an end: " + query);
    const Reply reply = list(query + position);
    pugi::xml_document document;
    if (reply.status != 200 || !document.load_buffer(reply.body.data(), reply.body.size()))
      throw std::logic_error("no listing: " + reply.body);
    const auto result = document.child("ListBucketResult");
    std::size_t count = 0;
    std::string last;
    for (const auto& node : result.children("Contents"))
      last = seen.keys.emplace_back(node.child_value("Key")), ++count;
    for (const auto& node : result.children("CommonPrefixes"))
      seen.prefixes.emplace_back(node.child_value("Prefix")), ++count;
    if (version_2) EXPECT_EQ(std::to_string(count), result.child_value("KeyCount"));
    EXPECT_LE(count, std::stoul(result.child_value("MaxKeys")));
    if (std::string_view(result.child_value("IsTruncated")) == "false") return seen;
    if (version_2) {
      position = "&continuation-token=";
      position += percent_encode(result.child_value("NextContinuationToken"));
    } else {
      const auto marker = result.child("NextMarker");
      position = "&marker=" + percent_encode(marker ? marker.child_value() : last);
    }
  }
}

std::string random_name(std::mt19937& random) {
  static constexpr std::string_view kPieces[] = {
      "a", "b", "/", "//", "z", "\xC3\xA9", "\xF0\x9F\x98\x80", "=", "0", "-", "&", " "};
  std::string name;
  for (auto n = 1 + random() % 6; n > 0; --n) name += kPieces[random() % std::size(kPieces)];
  return name;
}

// Pages through every listing of `below`, `delimiter` and page size, by both versions.
void expect_model(const Lister& list, const storage::MemoryStore& model, const std::string& below,
                  const std::string& delimiter) {
  std::vector<std::string> keys;
  std::vector<std::string> prefixes;
  for (const auto& entry : model.entries(kOwn + below, delimiter))
    (entry.is_prefix ? prefixes : keys).push_back(entry.info.key);
  for (const int max_keys : {1, 2, 7, 1000})
    for (const bool version_2 : {false, true}) {
      const std::string query =
          "prefix=" + percent_encode(kOwn + below) + "&delimiter=" + percent_encode(delimiter) +
          "&max-keys=" + std::to_string(max_keys) + (version_2 ? "&list-type=2" : "");
      const Walk seen = walk(list, query, version_2);
      ASSERT_EQ(seen.keys, keys) << query;
      ASSERT_EQ(seen.prefixes, prefixes) << query;
    }
}

TEST_F(ListingTest, PagesAsTheNaiveModelDoes) {
  std::mt19937 random(20200914);
  const Lister list = [&](const std::string& query) { return world_.list(me_, query); };
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 12; ++i) put(random_name(random));
    for (const char* below : {"", "a", "b/"})
      for (const char* delimiter : {"", "/", "//", "\xC3\xA9", "a"})
        expect_model(list, world_.store, below, delimiter);
  }
}

// The same service over the real store.
class DiskListingTest : public ListingTest {
 protected:
  DiskListingTest() {
    auto opened =
        storage::open_disk_store({folder_.path(), World::kBucket}, world_.keys, world_.clock);
    if (!opened) throw std::runtime_error(opened.error().detail);
    disk_ = std::move(*opened);
    service_ = std::make_unique<Service>(*disk_, world_.keys, world_.revocation, world_.usage,
                                         world_.hooks, world_.pool, World::defaults());
  }
  void store(const std::string& key, const std::string& content) {
    auto writer = disk_->create(key, world_.clock.now());
    ASSERT_TRUE(writer) << writer.error().detail;
    ASSERT_TRUE((*writer)->write(content));
    storage::Publication publication;
    publication.add.push_back(std::move(*(*writer)->finish({})));
    ASSERT_TRUE(disk_->publish(std::move(publication)));
  }
  Reply ask(Ask ask) { return world_.send_to(*service_, world_.sign(me_, std::move(ask))); }

  TemporaryFolder folder_;
  std::unique_ptr<storage::DiskStore> disk_;
  std::unique_ptr<Service> service_;
};

TEST_F(DiskListingTest, PagesAsTheNaiveModelDoes) {
  const Lister list = [&](const std::string& query) {
    Ask asked;
    asked.path = World::bucket();
    asked.query = query;
    return ask(asked);
  };
  std::mt19937 random(7);
  for (int i = 0; i < 30; ++i) {
    const std::string name = random_name(random);
    put(name);
    store(kOwn + name, name);
    store("v1/account_id=123/" + name, name);
  }
  for (const char* below : {"", "a"})
    for (const char* delimiter : {"", "/", "\xC3\xA9"})
      expect_model(list, world_.store, below, delimiter);
}

TEST_F(DiskListingTest, ServesExactlyTheBytesStored) {
  std::string content(300'001, 'x');
  for (std::size_t i = 0; i < content.size(); i += 7) content[i] = static_cast<char>(i / 7);
  store(kOwn + "large", content);
  Ask asked;
  asked.path = world_.path_of(kOwn + "large");
  EXPECT_EQ(ask(asked).body, content);
  asked.headers = {{"Range", "bytes=65530-200000"}};
  EXPECT_EQ(ask(asked).body, content.substr(65530, 134'471));
}

TEST_F(DiskListingTest, AbortsAtABadChunk) {
  store(kOwn + "large", std::string(300'001, 'x'));
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder_.path() / "objects"))
    if (file.is_regular_file()) {
      std::fstream bytes(file.path(), std::ios::in | std::ios::out | std::ios::binary);
      bytes.seekp(200'000);
      bytes.put('!').put('?');
    }
  Ask asked;
  asked.path = world_.path_of(kOwn + "large");
  const Reply reply = ask(asked);
  EXPECT_TRUE(reply.aborted);
  EXPECT_EQ(reply.body, std::string(reply.body.size(), 'x'));
  EXPECT_LT(reply.body.size(), 200'000U);
  EXPECT_THAT(world_.hooks.corrupt, ElementsAre(kOwn + "large"));
}

}  // namespace
}  // namespace valetkey::s3
