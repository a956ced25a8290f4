// SPDX-License-Identifier: Apache-2.0
// Brings selected objects into a folder over many connections at once, each checked by the CRC-32
// that the endpoint states of it, else by the MD5 that its ETag is. One loop, one thread; only the
// MD5 of objects that come in ranges has a thread of its own.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "cli/context.h"
#include "cli/ordered_md5.h"
#include "client/folder.h"

namespace valetkey::cli {

struct SyncTotals {
  std::uint64_t files = 0, bytes = 0;            // to fetch
  std::uint64_t files_done = 0, bytes_done = 0;  // fetched
  std::uint64_t unchanged = 0, deleted = 0;
};

class Fetcher {
 public:
  // `done` is called for every file that stands under its name, `moved` whenever bytes came.
  struct Events {
    std::function<void(const client::ListedObject&)> done;
    std::function<void()> moved;
  };
  Fetcher(Context& context, client::Folder& folder, SyncTotals& totals, Events events)
      : context_(context), folder_(folder), totals_(totals), events_(std::move(events)) {}

  // Fetches all of them, `connections` at a time; stops at the first error.
  Task<Result<void>> fetch(std::vector<client::ListedObject> objects, unsigned connections);

  static constexpr std::uint64_t kRangeBytes = 16 << 20;
  static constexpr std::uint64_t kSplitAbove = 32 << 20;

 private:
  struct Wanted {
    client::ListedObject object;
    unsigned spoilt = 0;  // times that it arrived otherwise than its ETag says
  };
  struct Job {
    client::ListedObject object;
    unsigned spoilt = 0;
    client::Folder::Partial partial;
    std::uint64_t parts_left = 0;
    struct Came {
      std::uint64_t end = 0;
      std::uint32_t crc32 = 0;
    };
    std::map<std::uint64_t, Came> came;         // parts, by where they begin
    client::ReadFacts facts;                    // of the object
    std::unique_ptr<OrderedMd5> md5 = nullptr;  // of one in parts, where that is what is stated
  };
  struct Part {
    std::shared_ptr<Job> job;  // shared: the last of its parts ends it
    std::uint64_t begin = 0, end = 0;
    bool look = false;  // no bytes: asks for the checksum of an object that comes in ranges
  };
  Task<Result<void>> work();
  std::optional<Part> next();
  void split(const std::shared_ptr<Job>& job);
  Task<Result<void>> look(Job& job);
  Task<Result<void>> fetch_part(const Part& part);
  Result<void> end(Job& job);
  Result<void> again(Job& job, const char* wrong);
  Result<const char*> check(Job& job);

  Context& context_;
  client::Folder& folder_;
  SyncTotals& totals_;
  Events events_;
  std::deque<Wanted> waiting_;
  std::deque<Part> parts_;
  Result<void> result_;
};

}  // namespace valetkey::cli
