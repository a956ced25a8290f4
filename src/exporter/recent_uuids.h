// SPDX-License-Identifier: Apache-2.0
// The newest of the uuids that were exported, in memory: what some of the seen files hold, up to a bound, so that a batch
// can be compared with them without reading. The bound is shared by all partitions of the log: what is too much goes from
// the one that has most, its oldest file first. For one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "exporter/ledger.h"

namespace valetkey::exporter {

class RecentUuids {
 public:
  explicit RecentUuids(std::uint64_t most_bytes) : most_bytes_(most_bytes) {}
  // Whether so many bytes more of the partition would stay.
  bool has_room(unsigned partition, std::uint64_t bytes) const;
  // Keeps what the file holds. It stays at least until the next one comes, however large it is.
  void add(unsigned partition, const SeenFile& file, std::string digests);
  // The files became one.
  void replace(unsigned partition, const std::vector<SeenFile>& files, const SeenFile& merged,
               std::string digests);
  // What the file holds; null where that is not in memory.
  const std::string* find(unsigned partition, const std::string& key) const;
  // Forgets what is of no such file.
  void keep_only(unsigned partition, const std::vector<SeenFile>& files);
  std::uint64_t bytes() const { return bytes_; }

 private:
  struct Held {
    SeenFile file;
    std::string digests;
  };
  struct Partition {
    std::vector<Held> files;  // the oldest first
    std::uint64_t bytes = 0;
  };
  void forget(Partition& partition, std::size_t at);
  const std::uint64_t most_bytes_;
  std::uint64_t bytes_ = 0;
  std::map<unsigned, Partition> partitions_;
};

}  // namespace valetkey::exporter
