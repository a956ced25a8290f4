// SPDX-License-Identifier: Apache-2.0
// A disk store in a temporary folder, for tests.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/keyring.h"
#include "base/testing/manual_clock.h"
#include "base/testing/temporary_folder.h"
#include "storage/disk_store.h"
#include "storage/testing/store_fixture.h"

namespace valetkey::storage {

inline constexpr auto kTestTime = Timestamp(std::chrono::milliseconds(1'600'000'000'000));

class DiskFixture final : public StoreFixture {
 public:
  DiskFixture() { reopen(); }
  DiskStore& store() override { return *store_; }
  void set_time(Timestamp now) override { clock_.set(now); }
  void close() { store_.reset(); }
  void reopen() {
    close();
    auto opened = open_disk_store({folder(), "bucket"}, keys_, clock_);
    EXPECT_TRUE(opened) << opened.error().detail;
    store_ = std::move(*opened);
  }
  std::filesystem::path folder() const { return temporary_.path() / "data"; }
  const std::filesystem::path& temporary() const { return temporary_.path(); }
  FixedKeySource& keys() { return keys_; }
  ManualClock& clock() { return clock_; }

  void put(std::string_view key, std::string_view content) {
    auto writer = store_->create(key, clock_.now());
    ASSERT_TRUE(writer) << writer.error().detail;
    ASSERT_TRUE((*writer)->write(content));
    auto staged = (*writer)->finish({});
    ASSERT_TRUE(staged) << staged.error().detail;
    Publication publication;
    publication.add.push_back(std::move(*staged));
    const auto published = store_->publish(std::move(publication));
    ASSERT_TRUE(published) << published.error().detail;
  }
  // The content, or "failed: " and why.
  std::string get(std::string_view key) {
    auto reader = store_->open(key);
    if (!reader) return "failed: " + reader.error().detail;
    std::string content((*reader)->info().size, '\0');
    const auto got = (*reader)->read(0, content, ReadMode::blocking);
    return got ? content.substr(0, *got) : "failed: read";
  }
  // Of the object files there are, by name.
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder() / "objects"))
      if (entry.is_regular_file()) found.push_back(entry.path());
    return found;
  }

 private:
  TemporaryFolder temporary_;
  ManualClock clock_{kTestTime};
  FixedKeySource keys_{Keyring::make(kTestTime)};
  std::unique_ptr<DiskStore> store_;
};

}  // namespace valetkey::storage
