// SPDX-License-Identifier: Apache-2.0
// What every ObjectStore must do. A test file includes this once and instantiates it:
//   INSTANTIATE_TEST_SUITE_P(Disk, ObjectStoreConformance, testing::Values(&make_disk_fixture));
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "storage/object_store.h"
#include "storage/testing/listing_model.h"
#include "storage/testing/store_fixture.h"

namespace valetkey::storage {

class ObjectStoreConformance : public testing::TestWithParam<MakeFixture> {
 protected:
  ObjectStore& store() { return fixture_->store(); }

  std::unique_ptr<StagedObject> stage(std::string_view key, std::string_view content,
                                      std::optional<std::uint64_t> rows = {}) {
    auto writer = store().create(key, now_);
    EXPECT_TRUE(writer) << writer.error().detail;
    for (std::size_t at = 0; at < content.size(); at += 100'000)
      EXPECT_TRUE((*writer)->write(content.substr(at, 100'000)));
    auto staged = (*writer)->finish(rows);
    EXPECT_TRUE(staged) << staged.error().detail;
    return std::move(*staged);
  }
  void put(std::string_view key, std::string_view content) {
    Publication publication;
    publication.add.push_back(stage(key, content));
    ASSERT_TRUE(store().publish(std::move(publication)));
  }
  static std::string read_all(ObjectReader& reader) {
    std::string content(reader.info().size + 10, '\0');
    std::size_t done = 0;
    while (true) {
      const auto got =
          reader.read(done, {content.data() + done, content.size() - done}, ReadMode::blocking);
      EXPECT_TRUE(got);
      if (!got || *got == 0) break;
      done += *got;
    }
    content.resize(done);
    return content;
  }
  std::string get(std::string_view key) {
    auto reader = store().open(key);
    return reader ? read_all(**reader) : "failed: " + reader.error().detail;
  }
  ModelPage list(const ListQuery& query) {
    const auto page = store().list(query);
    EXPECT_TRUE(page) << page.error().detail;
    return page ? as_model(*page) : ModelPage{};
  }

  Timestamp now_ = from_epoch_ms(1'600'000'000'000);
  std::unique_ptr<StoreFixture> fixture_ = GetParam()();
};

TEST_P(ObjectStoreConformance, ReadsBackWhatWasWrittenOfEverySize) {
  for (const std::size_t size :
       {0, 1, 65'535, 65'536, 65'537, 131'072, 262'144, 262'145, 700'000}) {
    const std::string content = some_bytes(size);
    put("a", content);
    EXPECT_EQ(get("a"), content) << size;
  }
}

TEST_P(ObjectStoreConformance, ReadsAnyRange) {
  const std::string content = some_bytes(400'000);
  put("a", content);
  auto reader = store().open("a");
  ASSERT_TRUE(reader);
  std::mt19937 random(7);
  for (int i = 0; i < 60; ++i) {
    const std::size_t from = random() % 400'100;
    std::string out(random() % 300'000, '\0');
    const auto got = (*reader)->read(from, out, ReadMode::blocking);
    ASSERT_TRUE(got);
    const std::string expected = from < content.size() ? content.substr(from, out.size()) : "";
    ASSERT_EQ(out.substr(0, *got), expected) << from << " " << out.size();
  }
}

TEST_P(ObjectStoreConformance, TellsSizeTimeCrc32AndRows) {
  Publication publication;
  publication.add.push_back(stage("k", "123456789", 42));
  EXPECT_EQ(publication.add[0]->info().key, "k");
  ASSERT_TRUE(store().publish(std::move(publication)));
  const auto info = store().head("k");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->size, 9U);
  if (info->crc32) EXPECT_EQ(info->crc32, 0xCBF43926U);
  if (info->rows) EXPECT_EQ(info->rows, 42U);
  fixture_->expect_written_at(info->modified, now_);
}

TEST_P(ObjectStoreConformance, ShowsNothingBeforePublication) {
  auto staged = stage("a", "x");
  EXPECT_EQ(store().head("a").error().code, ErrorCode::not_found);
  EXPECT_EQ(store().open("a").error().code, ErrorCode::not_found);
  EXPECT_TRUE(list({}).entries.empty());
}

TEST_P(ObjectStoreConformance, RefusesKeysThatAreNone) {
  for (const std::string& key : {std::string(), std::string(1025, 'a'), std::string("a\0b", 3),
                                 std::string("\xC0\x80"), std::string("a\xFF")})
    EXPECT_EQ(store().create(key, now_).error().code, ErrorCode::invalid);
  EXPECT_TRUE(store().create(std::string(1024, 'a'), now_));
}

// What only some stores can do; the others are asked for nothing here.
#define VALETKEY_NEEDS(capability) \
  if (!store().capabilities().capability) GTEST_SKIP() << "a store without " #capability

TEST_P(ObjectStoreConformance, NeverMixesTheBytesOfAnObjectAndItsReplacement) {
  const std::string old = some_bytes(300'000, 1);
  put("a", old);
  auto reader = store().open("a");
  ASSERT_TRUE(reader);
  std::string out(100'000, '\0');
  const auto first = (*reader)->read(0, out, ReadMode::blocking);
  ASSERT_TRUE(first);
  EXPECT_EQ(out.substr(0, *first), old.substr(0, *first));
  put("a", some_bytes(300'000, 2));
  const auto second = (*reader)->read(150'000, out, ReadMode::blocking);
  if (second)
    EXPECT_EQ(out.substr(0, *second), old.substr(150'000, *second));
  else
    EXPECT_EQ(second.error(), ReadFailure::changed);
  EXPECT_EQ(get("a"), some_bytes(300'000, 2));
}

TEST_P(ObjectStoreConformance, HasOneETagForOneContent) {
  put("a", "1");
  const auto first = store().head("a");
  put("a", "2");
  const auto second = store().head("a");
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(first->etag.empty());
  EXPECT_NE(first->etag, second->etag);
  const auto reader = store().open("a");
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader)->info().etag, second->etag);
}

TEST_P(ObjectStoreConformance, AddsReplacesAndRemovesInOnePublication) {
  put("a", "1");
  put("b", "2");
  put("c", "3");
  Publication all;
  all.add.push_back(stage("a", "new"));
  all.add.push_back(stage("d", "4"));
  all.remove = {"b", "never there"};
  all.unlist = {"c"};
  all.readable_until = now_;
  fixture_->set_time(now_);
  ASSERT_TRUE(store().publish(std::move(all)));
  EXPECT_EQ(list({}).entries, (std::vector<std::string>{"a", "d"}));
  EXPECT_EQ(get("a"), "new");
  EXPECT_EQ(store().head("b").error().code, ErrorCode::not_found);
  EXPECT_EQ(store().head("c").error().code, ErrorCode::not_found);
}

TEST_P(ObjectStoreConformance, TakesBackWhatIsStagedAndNotPublished) {
  {
    const auto dropped = stage("a", "1");
  }
  {
    auto unfinished = store().create("a", now_);
  }
  put("a", "2");
  EXPECT_EQ(list({}).entries, std::vector<std::string>{"a"});
  EXPECT_EQ(get("a"), "2");
}

TEST_P(ObjectStoreConformance, RefusesMoreKeysThanAPublicationHolds) {
  put("kept", "1");
  Publication too_large;
  too_large.remove.assign(kMaxPublishedKeys + 1, "kept");
  EXPECT_EQ(store().publish(std::move(too_large)).error().code, ErrorCode::too_large);
  EXPECT_EQ(get("kept"), "1");
}

TEST_P(ObjectStoreConformance, KeepsAReplacedObjectReadableForOpenReaders) {
  VALETKEY_NEEDS(lasting_readers);
  const std::string old = some_bytes(300'000, 1);
  put("a", old);
  auto reader = store().open("a");
  ASSERT_TRUE(reader);
  put("a", "new");
  EXPECT_EQ(get("a"), "new");
  EXPECT_EQ(read_all(**reader), old);
  ASSERT_TRUE(store().publish({{}, {"a"}, {}, {}}));
  EXPECT_EQ(read_all(**reader), old);
  EXPECT_EQ(store().open("a").error().code, ErrorCode::not_found);
}

TEST_P(ObjectStoreConformance, SeesItsOwnPublicationAtOnce) {
  put("a", "1");
  EXPECT_EQ(get("a"), "1");
  const auto before = store().generation();
  put("a", "2");
  if (store().capabilities().snapshots)
    EXPECT_GT(store().generation(), before);
  else
    EXPECT_EQ(store().generation(), 0U);
  if (auto cached = store().open_cached("a")) {
    ASSERT_TRUE(*cached);
    EXPECT_EQ(read_all(***cached), "2");
  }
  EXPECT_EQ(get("a"), "2");
}

TEST_P(ObjectStoreConformance, PublishesAllOrNothing) {
  VALETKEY_NEEDS(atomic_groups);
  put("kept", "1");
  Publication too_large;
  too_large.add.push_back(stage("a", "1"));
  too_large.remove.assign(1000, "kept");
  EXPECT_EQ(store().publish(std::move(too_large)).error().code, ErrorCode::too_large);
  EXPECT_EQ(list({}).entries, std::vector<std::string>{"kept"});
}

TEST_P(ObjectStoreConformance, ReadsUnlistedObjectsUntilTheirTimeComes) {
  VALETKEY_NEEDS(unlisting);
  put("a", "old");
  put("b", "other");
  fixture_->set_time(now_);
  Publication compaction;
  compaction.add.push_back(stage("c", "merged"));
  compaction.unlist = {"a", "b"};
  compaction.readable_until = now_ + seconds(60);
  ASSERT_TRUE(store().publish(std::move(compaction)));
  EXPECT_EQ(list({}).entries, std::vector<std::string>{"c"});
  EXPECT_EQ(get("a"), "old");
  fixture_->set_time(now_ + seconds(59));
  EXPECT_TRUE(store().head("a"));
  fixture_->set_time(now_ + seconds(60));
  EXPECT_EQ(store().head("a").error().code, ErrorCode::not_found);
  EXPECT_EQ(store().open("b").error().code, ErrorCode::not_found);
  EXPECT_EQ(get("c"), "merged");
}

TEST_P(ObjectStoreConformance, ListsAsOfAGeneration) {
  VALETKEY_NEEDS(snapshots);
  put("a", "1");
  put("b", "2");
  const auto page = store().list({});
  ASSERT_TRUE(page);
  Publication compaction;
  compaction.add.push_back(stage("ab", "12"));
  compaction.unlist = {"a", "b"};
  compaction.readable_until = now_ + seconds(60);
  ASSERT_TRUE(store().publish(std::move(compaction)));
  put("c", "3");
  ListQuery then;
  then.generation = page->generation;
  EXPECT_EQ(list(then).entries, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(list({}).entries, (std::vector<std::string>{"ab", "c"}));
  // A replaced key keeps its place.
  put("c", "4");
  EXPECT_EQ(list({}).entries, (std::vector<std::string>{"ab", "c"}));
  then.generation = store().generation() + 1;
  EXPECT_EQ(store().list(then).error().code, ErrorCode::not_found);
}

TEST_P(ObjectStoreConformance, SweepsWhatIsUnlistedWhenItsTimeHasCome) {
  VALETKEY_NEEDS(unlisting);
  put("a", "1");
  put("b", "2");
  const auto page = store().list({});
  ASSERT_TRUE(page);
  fixture_->set_time(now_);
  Publication compaction;
  compaction.unlist = {"a"};
  compaction.readable_until = now_ + seconds(60);
  ASSERT_TRUE(store().publish(std::move(compaction)));
  ListQuery then;
  then.generation = page->generation;
  EXPECT_EQ(store().sweep(now_ + seconds(59)).value(), 0U);
  EXPECT_TRUE(store().list(then));
  EXPECT_EQ(store().sweep(now_ + seconds(60)).value(), 1U);
  EXPECT_EQ(store().sweep(now_ + seconds(60)).value(), 0U);
  EXPECT_EQ(get("b"), "2");
  EXPECT_EQ(list({}).entries, std::vector<std::string>{"b"});
  if (store().capabilities().snapshots)
    EXPECT_EQ(store().list(then).error().code, ErrorCode::not_found) << "it showed what is gone";
}

TEST_P(ObjectStoreConformance, RefusesListingsFromBeforeAnErasureOfTheAccountAlone) {
  VALETKEY_NEEDS(snapshots);
  put("v1/account_id=12/a", "1");
  put("v1/account_id=12/b", "2");
  put("v1/account_id=123/a", "3");
  ListQuery then;
  then.generation = store().generation();
  Publication erasure;
  erasure.remove = {"v1/account_id=12/a"};
  erasure.erases_of = "12";
  ASSERT_TRUE(store().publish(std::move(erasure)));
  then.prefix = "v1/account_id=12/";
  EXPECT_EQ(store().list(then).error().code, ErrorCode::not_found);
  then.prefix = "v1/account_id=123/";
  EXPECT_EQ(list(then).entries, std::vector<std::string>{"v1/account_id=123/a"});
  then.generation = store().generation();
  then.prefix = "v1/account_id=12/";
  EXPECT_EQ(list(then).entries, std::vector<std::string>{"v1/account_id=12/b"});
}

TEST_P(ObjectStoreConformance, ListsAsTheNaiveModelDoes) {
  std::mt19937 random(11);
  const std::vector<std::string> pieces = {"a",
                                           "b",
                                           "/",
                                           "//",
                                           "/a",
                                           "\xC3\xA9",
                                           "\xE2\x82\xAC",
                                           "ab",
                                           "\x7F",
                                           " ",
                                           "*",
                                           "\xF0\x9F\x98\x80",
                                           "="};
  const auto make = [&](std::size_t most) {
    std::string text;
    for (std::size_t i = random() % (most + 1); i > 0; --i)
      text += pieces[random() % pieces.size()];
    return text;
  };
  std::vector<std::string> keys;
  Publication all;
  for (int i = 0; i < 300; ++i) {
    std::string key = make(6);
    if (key.empty() || std::ranges::find(keys, key) != keys.end()) continue;
    all.add.push_back(stage(key, ""));
    keys.push_back(std::move(key));
  }
  ASSERT_TRUE(store().publish(std::move(all)));
  for (int i = 0; i < 3000; ++i) {
    ListQuery query;
    query.prefix = make(2);
    query.delimiter = make(2);
    query.start_after = random() % 3 == 0 ? keys[random() % keys.size()] : make(3);
    query.max_entries = random() % 8 == 0 ? 1000 : random() % 8;
    ASSERT_EQ(list(query), list_naively(keys, query))
        << "prefix '" << query.prefix << "' delimiter '" << query.delimiter << "' after '"
        << query.start_after << "' max " << query.max_entries;
  }
}

TEST_P(ObjectStoreConformance, PagesThroughEverythingOnce) {
  std::vector<std::string> keys;
  Publication all;
  for (int i = 0; i < 120; ++i) {
    keys.push_back("d" + std::to_string(i % 10) + "/k" + std::to_string(i));
    all.add.push_back(stage(keys.back(), ""));
  }
  ASSERT_TRUE(store().publish(std::move(all)));
  std::ranges::sort(keys);
  std::vector<std::string> seen;
  ListQuery query;
  query.max_entries = 7;
  for (bool more = true; more;) {
    const auto page = store().list(query);
    ASSERT_TRUE(page);
    for (const auto& entry : page->entries) seen.push_back(entry.info.key);
    query.start_after = seen.back();
    more = page->truncated;
  }
  EXPECT_EQ(seen, keys);
}

}  // namespace valetkey::storage
