// SPDX-License-Identifier: Apache-2.0
// Brings objects of an export into files over many connections at once: large ones in ranges, each
// checked by the CRC-32 that the endpoint states of it, else by the MD5 that its ETag is, and asked
// for again where it was spoilt on the way. One loop, one thread; only the MD5 of objects that come
// in ranges has a thread of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/file.h"
#include "client/export.h"

namespace valetkey::client {

struct TransferTotals {
  std::uint64_t files = 0, bytes = 0;            // to fetch
  std::uint64_t files_done = 0, bytes_done = 0;  // fetched
  std::uint64_t unchanged = 0;
};

// Where objects become files. One thread.
class FetchTarget {
 public:
  // An unfinished file, open for reading and writing.
  struct Partial {
    FileDescriptor file;
    std::string name;  // the target's own; empty: it has none
  };
  virtual ~FetchTarget() = default;
  // For an object that will be called `name`.
  virtual Result<Partial> create_partial(const std::string& name) = 0;
  // The content is whole and right: puts it under its name, over what was there.
  virtual Result<void> commit(Partial& partial, const ListedObject& object) = 0;
  virtual void discard(Partial& partial) = 0;
};

struct FetchOptions {
  unsigned connections = 8;
  std::function<void(const ListedObject&)> done;  // for every file that stands under its name
  std::function<void()> moved;                    // whenever bytes came
};

// Objects that are larger come in ranges of that size.
inline constexpr std::uint64_t kSplitAbove = 32 << 20;
inline constexpr std::uint64_t kRangeBytes = 16 << 20;

// Fetches all of `objects`; stops at the first error. `corrupt`: one did not arrive as it is, four
// times. Adds to what is done in `totals`.
http::Task<Result<void>> fetch(Export& data, FetchTarget& target, std::vector<ListedObject> objects,
                               FetchOptions options, TransferTotals& totals);

}  // namespace valetkey::client
