// SPDX-License-Identifier: Apache-2.0
// Where partitions begin and end: asked of the brokers, and kept.
#pragma once

#include <atomic>
#include <map>
#include <vector>

#include "kafka/internal/client.h"

namespace valetkey::kafka {

// What is known. Neither goes back. Thread-safe.
class Bounds {
 public:
  explicit Bounds(unsigned partitions) : begins_(partitions), ends_(partitions) {}
  unsigned partitions() const { return static_cast<unsigned>(ends_.size()); }
  events::Offset begin(unsigned partition) const { return begins_[partition]; }
  events::Offset end(unsigned partition) const { return ends_[partition]; }
  void raise_begin(unsigned partition, events::Offset to) { raise(begins_[partition], to); }
  void raise_end(unsigned partition, events::Offset to) { raise(ends_[partition], to); }

 private:
  static void raise(std::atomic<events::Offset>& it, events::Offset to) {
    auto was = it.load();
    while (was < to && !it.compare_exchange_weak(was, to)) {
    }
  }
  std::vector<std::atomic<events::Offset>> begins_, ends_;
};

// The ends of all partitions, in one question to each broker. It needs the leader of each.
Result<std::vector<events::Offset>> read_ends(const Client& client, const std::string& topic,
                                              unsigned partitions, int longest_ms);
Result<events::Offset> read_begin(const Client& client, const std::string& topic,
                                  unsigned partition);
// Whether any broker answers.
Result<void> reach(const Client& client, const std::string& topic, int longest_ms);
// DeleteRecords, by partition.
Result<void> delete_before(const Client& client, const std::string& topic,
                           const std::map<unsigned, events::Offset>& places);

}  // namespace valetkey::kafka
