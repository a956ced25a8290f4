// SPDX-License-Identifier: Apache-2.0
// Brings selected objects into a folder over many connections at once. One loop, one thread; only
// the MD5 of objects that come in ranges has a thread of its own.
#pragma once

#include <deque>
#include <functional>
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
    std::uint64_t id = 0;
    FileDescriptor file;
    std::uint64_t parts_left = 0;
    bool may_be_md5 = true;
    std::unique_ptr<OrderedMd5> md5 = nullptr;  // of an object in parts, where its ETag is one
  };
  struct Part {
    std::shared_ptr<Job> job;  // shared: the last of its parts ends it
    std::uint64_t begin = 0, end = 0;
  };
  Task<Result<void>> work();
  std::optional<Part> next();
  Task<Result<void>> fetch_part(const Part& part);
  Result<void> end(Job& job, const std::string& md5);
  Result<void> again(Job& job);

  Context& context_;
  client::Folder& folder_;
  SyncTotals& totals_;
  Events events_;
  std::deque<Wanted> waiting_;
  std::deque<Part> parts_;
  std::uint64_t next_id_ = 0;
  Result<void> result_;
};

}  // namespace valetkey::cli
