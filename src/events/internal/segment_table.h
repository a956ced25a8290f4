// SPDX-License-Identifier: Apache-2.0
// The segments of the file log: what each of them holds of every partition, up to where it is durable, and which may
// go. Thread-safe; one thread writes segments.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "events/event_log.h"

namespace valetkey::events {

// What a segment holds of a partition: the offsets of the first event and behind the last one.
struct Stretch {
  Offset first = 0, end = 0;  // equal: nothing
};
using SegmentNumber = std::uint64_t;  // ascending, as the names
struct Segment {
  std::filesystem::path path;
  std::uint64_t bytes = 0;           // durable
  std::vector<Stretch> stretches{};  // by partition
  bool empty() const;
};
using Segments = std::map<SegmentNumber, Segment>;

// What open() finds in the folder.
struct FoundSegments {
  Segments segments;
  std::vector<Offset> ends;  // by partition: behind the newest event
  std::uint64_t set_aside = 0;
};

class SegmentTable {
 public:
  explicit SegmentTable(FoundSegments found);

  unsigned partitions() const { return static_cast<unsigned>(released_.size()); }
  std::uint64_t bytes() const;
  // Behind the newest durable event of each partition.
  std::vector<Offset> ends() const;
  // What a new segment is called: beyond all that there are.
  SegmentNumber next_number() const;

  // The writer's: its segment stays, whatever is released. Nothing: it has none.
  void set_writing(std::optional<SegmentNumber> number);
  // The segment that is written now has so many durable bytes, and the partitions end there.
  void commit(const std::filesystem::path& path, std::uint64_t bytes,
              const std::vector<Offset>& ends);

  // Where reading a partition goes on.
  struct Place {
    SegmentNumber number = 0;
    std::filesystem::path path;
    std::uint64_t durable = 0;
    Offset end = 0;  // of the partition in this segment
  };
  // Nothing: `from` is the end. `not_found`: it was released.
  Result<std::optional<Place>> find(unsigned partition, Offset from) const;
  // The files that nobody needs any more, to be removed.
  std::vector<std::filesystem::path> release(unsigned partition, Offset before);
  LogStats stats(unsigned partition) const;
  // False: this damaged stretch was found before.
  bool note_damage(SegmentNumber number, std::uint64_t position);

 private:
  bool is_free(SegmentNumber number, const Segment& segment) const;
  mutable std::mutex mutex_;
  Segments segments_;
  std::vector<Offset> ends_, released_;
  std::uint64_t bytes_ = 0;
  std::uint64_t set_aside_ = 0;
  std::optional<SegmentNumber> writing_;
  std::set<std::pair<SegmentNumber, std::uint64_t>> damaged_;  // found while reading
};

}  // namespace valetkey::events
