// SPDX-License-Identifier: Apache-2.0
// For tests: a file log in a folder of its own.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/keyring.h"
#include "base/testing/temporary_folder.h"
#include "events/file_log.h"
#include "events/testing/log_events.h"

namespace valetkey::events {

// Of account 12, whose events all are but where it is said.
inline const unsigned kMine = 1 + partition_of({"12", "v"}, kFilePartitions - 1, 1);

class FileLogTest : public testing::Test {
 protected:
  std::unique_ptr<EventLog> open() {
    auto log = open_file_log(options_, keys_, clock_);
    EXPECT_TRUE(log) << (log ? "" : log.error().detail);
    return log ? std::move(*log) : nullptr;
  }
  static std::string record(const std::string& uuid) { return records_of({uuid}); }
  static Result<void> append(EventLog& log, const std::vector<std::string>& uuids) {
    return append_events(log, uuids);
  }
  static Offset end(const EventLog& log) { return log.stats(kMine)->end; }
  // The uuids from `from` on, in order.
  static std::vector<std::string> read_all(EventLog& log, Offset from = 0) {
    return read_events(log, kMine, from).uuids;
  }
  std::vector<std::filesystem::path> segments() const {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(options_.folder))
      if (entry.path().extension() == ".log") paths.push_back(entry.path());
    std::ranges::sort(paths);
    return paths;
  }

  TemporaryFolder folder_;
  SystemClock clock_;
  FixedKeySource keys_{Keyring::make(clock_.now())};
  FileLogOptions options_{.folder = folder_.path() / "events"};
};

}  // namespace valetkey::events
