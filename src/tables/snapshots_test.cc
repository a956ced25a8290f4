// SPDX-License-Identifier: Apache-2.0
#include "tables/snapshots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <thread>

#include "storage/testing/memory_store.h"
#include "tables/metadata_store.h"
#include "tables/testing/avro_reader.h"
#include "tables/testing/memory_catalog.h"

namespace valetkey::tables {
namespace {

namespace json = boost::json;
using layout::RowType;
using testing::ElementsAre;
using testing::SizeIs;

const Timestamp kNow = from_epoch_ms(1'700'000'000'000);

class SnapshotsTest : public testing::Test {
 protected:
  std::string add(std::string_view day, const std::string& experiment, int number = 0) {
    const auto key = MemoryCatalog::key_of("12", RowType::decisions, day, experiment, number);
    catalog_.publish({MemoryCatalog::make(key, experiment)});
    return key.str();
  }
  Snapshot now() { return snapshots_.current(table_, kNow).value(); }

  std::string read_key(const std::string& key) {
    const auto parsed = MetadataKey::parse(key);
    if (!parsed) return "no key: " + key;
    const auto bytes = snapshots_.read(*parsed);
    return bytes ? (*bytes)->bytes : std::string(name_of(bytes.error().code));
  }
  std::string read_path(std::string_view path) {
    constexpr std::string_view kBucket = "s3://bucket/";
    EXPECT_TRUE(path.starts_with(kBucket)) << path;
    return read_key(std::string(path.substr(kBucket.size())));
  }
  std::string key_of(const Snapshot& snapshot) { return Snapshots::key_of(table_, snapshot); }
  json::value shown(const Snapshot& snapshot) {
    return json::parse(snapshots_.metadata_of(table_, snapshot)).at("snapshots").at(0);
  }
  std::string list_of(const Snapshot& snapshot) {
    return std::string(shown(snapshot).at("manifest-list").as_string());
  }
  // The manifests that the snapshot lists, whose lengths are held against what they have.
  std::vector<std::string> manifests_of(const Snapshot& snapshot) {
    std::vector<std::string> paths;
    const auto list = read_avro(read_path(list_of(snapshot)));
    if (!list) {
      ADD_FAILURE() << read_path(list_of(snapshot));
      return paths;
    }
    for (const auto& row : list->rows) {
      paths.emplace_back(row.at("manifest_path").as_string());
      EXPECT_EQ(row.at("manifest_length").to_number<std::size_t>(), read_path(paths.back()).size());
    }
    return paths;
  }
  std::vector<std::string> files_of(const Snapshot& snapshot) {
    std::vector<std::string> files;
    for (const std::string& path : manifests_of(snapshot)) {
      const auto manifest = read_avro(read_path(path)).value_or(AvroFile());
      for (const auto& entry : manifest.rows)
        files.push_back(std::string(entry.at("data_file").at("file_path").as_string()).substr(12));
    }
    return files;
  }

  MemoryCatalog catalog_;
  Snapshots snapshots_{catalog_, "bucket"};
  Table table_{*AccountId::parse("12"), RowType::decisions};
};

TEST_F(SnapshotsTest, ShowsEveryPartOnceAndNoOtherTables) {
  const auto first = add("2020-09-14", "1");
  const auto second = add("2020-09-15", "2");
  catalog_.publish({MemoryCatalog::make(
      MemoryCatalog::key_of("12", RowType::events, "2020-09-14", "click", 1), "click")});
  catalog_.publish({MemoryCatalog::make(
      MemoryCatalog::key_of("123", RowType::decisions, "2020-09-14", "1", 1), "1")});
  EXPECT_THAT(files_of(now()), ElementsAre(first, second));
  const json::value summary = shown(now()).at("summary");
  EXPECT_EQ(summary.at("total-data-files").as_string(), "2");
  EXPECT_EQ(summary.at("total-records").as_string(), "20");
  EXPECT_EQ(summary.at("total-files-size").as_string(), "2000");
}

// As DuckDB wants it: it sees no snapshot that is younger than its transaction.
TEST_F(SnapshotsTest, AreSaidToBeOlderThanWhoReadsThemFirst) {
  EXPECT_LE(shown(now()).at("timestamp-ms").as_int64(), epoch_ms(kNow - std::chrono::seconds(59)));
}

TEST_F(SnapshotsTest, OfATableWithoutPartsAreEmpty) { EXPECT_THAT(files_of(now()), ElementsAre()); }

TEST_F(SnapshotsTest, StayWhileOnlyOthersChange) {
  add("2020-09-14", "1");
  const Snapshot before = now();
  catalog_.publish({MemoryCatalog::make(
      MemoryCatalog::key_of("123", RowType::decisions, "2020-09-14", "1", 1), "1")});
  EXPECT_EQ(key_of(now()), key_of(before));
  EXPECT_EQ(now().listed_as_of, catalog_.generation);
  add("2020-09-15", "1");
  EXPECT_GT(now().generation, before.generation);
}

TEST_F(SnapshotsTest, KeepTheirPartsWhenOthersArePublished) {
  const auto first = add("2020-09-14", "1");
  const Snapshot before = now();
  const auto merged = MemoryCatalog::key_of("12", RowType::decisions, "2020-09-14", "1", 9);
  catalog_.publish({MemoryCatalog::make(merged, "1")}, {first});
  EXPECT_THAT(files_of(before), ElementsAre(first));
  EXPECT_THAT(files_of(now()), ElementsAre(merged.str()));
  // Another process knows no more than the key.
  Snapshots other(catalog_, "bucket");
  EXPECT_EQ(other.read(*MetadataKey::parse(key_of(before))).value()->bytes,
            snapshots_.metadata_of(table_, before));
  const auto list = MetadataKey{table_.account, table_.type, ListName{before.generation}};
  const auto again = other.read(list);
  ASSERT_TRUE(again);
  EXPECT_THAT(read_avro((*again)->bytes)->rows, SizeIs(1));
  // It cannot know when the day changed, so its list is another, and says so.
  const auto here = snapshots_.read(list).value();
  EXPECT_EQ((*again)->etag == here->etag, (*again)->bytes == here->bytes);
}

TEST_F(SnapshotsTest, NeverFollowNewerOnes) {
  add("2020-09-14", "1");
  const auto stale = catalog_.generation;
  add("2020-09-15", "1");
  const Snapshot newest = now();
  // A request that read the index before the second part came, and is slower.
  catalog_.generation = stale;
  EXPECT_EQ(now().generation, newest.generation);
  EXPECT_EQ(now().listed_as_of, newest.generation);
  catalog_.generation = newest.generation;
  EXPECT_EQ(key_of(now()), key_of(newest));
}

TEST_F(SnapshotsTest, AreGoneWithTheGenerationThatAnErasureEnds) {
  const auto first = add("2020-09-14", "1");
  const auto other = add("2020-10-14", "1");
  const Snapshot before = now();
  const auto manifests = manifests_of(before);
  ASSERT_THAT(manifests, SizeIs(2));
  const auto erased = MemoryCatalog::key_of("12", RowType::decisions, "2020-09-14", "1", 9);
  catalog_.publish({MemoryCatalog::make(erased, "1")}, {first});
  catalog_.forget();
  EXPECT_EQ(read_key(key_of(before)), "not_found");
  EXPECT_EQ(read_path(list_of(before)), "not_found");
  EXPECT_EQ(read_path(manifests[0]), "not_found") << "it names the part that held the visitor";
  EXPECT_TRUE(read_avro(read_path(manifests[1]))) << "its day did not change";
  EXPECT_THAT(files_of(now()), ElementsAre(erased.str(), other));
}

TEST_F(SnapshotsTest, OfAMonthAreGoneWhenAWholeDayOfItWasErased) {
  const auto early = add("2020-09-01", "1");
  add("2020-09-14", "1");
  add("2020-10-14", "1");
  const auto manifests = manifests_of(now());
  ASSERT_THAT(manifests, SizeIs(2));
  EXPECT_THAT(manifests[0], testing::HasSubstr("/2020-09-g"));
  catalog_.publish({}, {early});
  catalog_.forget();
  EXPECT_EQ(read_path(manifests[0]), "not_found");
}

TEST_F(SnapshotsTest, AreNeverMixedWithWhatIsPublishedMeanwhile) {
  std::vector<storage::CatalogPart> parts;
  for (int i = 0; i < 2500; ++i)
    parts.push_back(MemoryCatalog::make(
        MemoryCatalog::key_of("12", RowType::decisions, "2020-09-14", "1", i), "1"));
  catalog_.publish(parts);
  const Snapshot before = now();
  int published = 10'000;
  catalog_.between_pages = [&] { add("2020-09-14", "1", published++); };
  EXPECT_THAT(files_of(before), SizeIs(2500));
  EXPECT_GT(published, 10'001);
}

TEST_F(SnapshotsTest, CutADayOfManyPartsIntoSeveralManifests) {
  std::vector<storage::CatalogPart> parts;
  for (int i = 0; i < 8001; ++i)
    parts.push_back(MemoryCatalog::make(
        MemoryCatalog::key_of("12", RowType::decisions, "2020-09-14", "1", i), "1"));
  catalog_.publish(parts);
  EXPECT_THAT(manifests_of(now()), SizeIs(2));
  EXPECT_THAT(files_of(now()), SizeIs(8001));
}

TEST_F(SnapshotsTest, ReadTheIndexOnceWhileNothingChanges) {
  add("2020-09-14", "1");
  files_of(now());
  const auto pages = catalog_.pages;
  files_of(now());
  EXPECT_EQ(catalog_.pages, pages);
}

// What others get while an account's manifest is made; nobody waits, for that would keep a thread.
TEST_F(SnapshotsTest, OfOneAccountNeverTakeEveryPlace) {
  std::map<std::string, std::string> manifests;
  for (const std::string account : {"12", "13", "14"}) {
    std::vector<storage::CatalogPart> parts;
    for (int i = 0; i < 1001; ++i)
      parts.push_back(MemoryCatalog::make(
          MemoryCatalog::key_of(account, RowType::decisions, "2020-09-14", "1", i), "1"));
    catalog_.publish(parts);
    manifests[account] =
        fmt::format("v1/account_id={}/type=decisions/_iceberg/2020-09-14-g{}-p1001-s0-n0.avro",
                    account, catalog_.generation);
  }
  std::string own, second, third;
  int depth = 0;
  catalog_.between_pages = [&] {
    if (++depth == 1) {
      own = read_key(manifests["12"]);
      second = read_key(manifests["13"]);
    } else if (depth == 2) {
      third = read_key(manifests["14"]);
    }
  };
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(read_avro(read_key(manifests["12"])));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
  EXPECT_EQ(own, "busy") << "one account has a place less than there are";
  EXPECT_TRUE(read_avro(second));
  EXPECT_EQ(third, "busy");
  EXPECT_TRUE(read_avro(read_key(manifests["14"]))) << "the places are free again";
}

TEST_F(SnapshotsTest, ThatNeverWereAreNotFound) {
  add("2020-09-14", "1");
  const std::string folder = "v1/account_id=12/type=decisions/_iceberg/";
  for (const std::string name :
       {"snap-99.avro", "snap-0.avro", "snap-4611686018427387904.avro",
        "2020-09-14-g2-p2-s0-n0.avro", "2020-09-14-g2-p1-s1-n0.avro", "2020-09-14-g2-p1-s0-n1.avro",
        "2020-09-14-g1-p1-s0-n0.avro", "2020-09-15-g2-p1-s0-n0.avro", "2020-09-15-g0-p0-s0-n0.avro",
        "2020-09-14-g4000000000000000000-p1-s0-n0.avro",
        "00099-00000000-0000-8000-8000-018bcfe56800.metadata.json"})
    EXPECT_EQ(read_key(folder + name), "not_found") << name;
  EXPECT_TRUE(read_avro(read_key(folder + "2020-09-14-g2-p1-s0-n0.avro")));
}

TEST(BoundedCache, GoesByUseAndTakesOffersWhereThereIsRoom) {
  BoundedCache<int> cache(10);
  const auto put = [&](const std::string& name) {
    cache.insert(name, std::make_shared<int>(1), 4);
  };
  put("a");
  put("b");
  cache.offer("c", std::make_shared<int>(1), 4);
  EXPECT_FALSE(cache.find("c"));
  EXPECT_TRUE(cache.find("a"));
  put("d");
  EXPECT_FALSE(cache.find("b")) << "it was used longest ago";
  EXPECT_TRUE(cache.find("a"));
  cache.offer("e", std::make_shared<int>(1), 2);
  EXPECT_TRUE(cache.find("e"));
  cache.insert("f", std::make_shared<int>(1), 11);
  EXPECT_FALSE(cache.find("f"));
}

// A client may make names up; what they cost is bounded.
TEST_F(SnapshotsTest, MakeNothingForNamesOfWhatNeverWas) {
  add("2020-09-14", "1");
  add("2020-09-14", "2", 2);
  const std::string folder = "v1/account_id=12/type=decisions/_iceberg/";
  for (const std::string name :
       {"2020-09-14-g3-p9-s0-n0.avro", "2020-09-15-g2-p2-s0-n7.avro", "2020-09-g3-p513-s0-n0.avro",
        "2020-09-14-g3-p0-s0-n0.avro", "2020-09-14-g2-p1-s0-n1.avro"}) {
    catalog_.pages = 0;
    EXPECT_EQ(read_key(folder + name), "not_found") << name;
    EXPECT_EQ(catalog_.pages, 0U) << name;
  }
  catalog_.pages = 0;
  for (int spec = 1; spec < 3; ++spec)
    for (int again = 0; again < 3; ++again)
      EXPECT_EQ(read_key(fmt::format("{}2020-09-14-g3-p2-s{}-n0.avro", folder, spec)), "not_found");
  EXPECT_EQ(catalog_.pages, 1U) << "which manifests a day has is made once";
}

TEST(MetadataKey, HasOneSpelling) {
  const std::string folder = "v1/account_id=12/type=events/_iceberg/";
  for (const std::string name :
       {"snap-7.avro", "2020-09-g7-p9-s2-n0.avro", "2020-09-14-g7-p9-s0-n11.avro",
        "00007-00000000-0000-8000-8000-018bcfe56800.metadata.json"}) {
    const auto key = MetadataKey::parse(folder + name);
    ASSERT_TRUE(key) << name;
    EXPECT_EQ(key->str(), folder + name);
  }
  for (const std::string name :
       {"", "snap-07.avro", "snap--7.avro", "snap-+7.avro", "snap-7.avro/", "snap-7.AVRO",
        "snap-.avro", "snap-99999999999999999999.avro", "2020-13-g7-p9-s2-n0.avro",
        "2020-09-31-g7-p9-s2-n0.avro", "2020-09-g7-p9-s3-n0.avro", "2020-09-g7-p9-s2-n0",
        "../snap-7.avro", "2020-g7-p9-s2-n0.avro",
        "7-00000000-0000-8000-8000-018bcfe56800.metadata.json",
        "00007-00000000-0000-8000-8000-018BCFE56800.metadata.json",
        "00007-00000000-0000-8000-8000-ffffffffffff.metadata.json",
        "2020-09-14-g7-p9-s0-n11.avro2"})
    EXPECT_FALSE(MetadataKey::parse(folder + name)) << name;
  EXPECT_FALSE(MetadataKey::parse("v1/account_id=12/type=other/_iceberg/snap-7.avro"));
  EXPECT_FALSE(MetadataKey::parse("v1/account_id=x/type=events/_iceberg/snap-7.avro"));
  EXPECT_TRUE(is_metadata_key(folder + "anything"));
  EXPECT_FALSE(is_metadata_key("v1/account_id=12/type=events/_iceberg"));
  EXPECT_FALSE(
      is_metadata_key("v1/account_id=12/type=events/date=2020-09-14/_iceberg/snap-7.avro"));
}

TEST_F(SnapshotsTest, AreReadAsObjectsThatNoListingShows) {
  add("2020-09-14", "1");
  storage::MemoryStore objects;
  objects.put("v1/account_id=12/type=decisions/date=2020-09-14/part", "rows", kNow);
  MetadataStore store(objects, snapshots_);
  const Snapshot snapshot = now();
  const std::string metadata = snapshots_.metadata_of(table_, snapshot);
  EXPECT_FALSE(store.open_cached(key_of(snapshot)));
  const auto reader = store.open(key_of(snapshot));
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader)->info().size, metadata.size());
  EXPECT_EQ(store.head(key_of(snapshot))->etag, (*reader)->info().etag);
  std::string bytes(100, '\0');
  const auto read = (*reader)->read(5, bytes, storage::ReadMode::cached_only);
  EXPECT_EQ(bytes, metadata.substr(5, 100));
  EXPECT_EQ(read, 100U);
  EXPECT_EQ((*reader)->read(1 << 20, bytes, storage::ReadMode::blocking), 0U);
  EXPECT_EQ(store.list({.prefix = "v1/", .delimiter = "", .start_after = ""})->entries.size(), 1U);
  EXPECT_EQ(store.create(key_of(snapshot), kNow).error().code, ErrorCode::denied);
  EXPECT_TRUE(store.create("v1/account_id=12/type=decisions/date=2020-09-14/more", kNow));
}

}  // namespace
}  // namespace valetkey::tables
