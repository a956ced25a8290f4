// SPDX-License-Identifier: Apache-2.0
// An event log in memory, for tests. A piece is what one append brought, and takes one place, so that offsets do not
// count events. Thread-safe. Readers must not outlive it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "events/event_log.h"

namespace valetkey::events {

class MemoryLog final : public EventLog {
 public:
  explicit MemoryLog(unsigned partitions = 3) : kept_(partitions) {}

  void append(const Route& route, std::string records, std::size_t count, Done done) override {
    {
      const std::lock_guard guard(mutex_);
      auto& partition = kept_[partition_of(route, partitions(), 1)];
      partition.pieces.push_back({std::move(records), count});
    }
    done({});
  }
  unsigned partitions() const override { return static_cast<unsigned>(kept_.size()); }
  Result<std::unique_ptr<LogReader>> open(unsigned partition, Offset from) override {
    const std::lock_guard guard(mutex_);
    if (from < kept_[partition].released) return released();
    return std::make_unique<Reader>(*this, partition, from);
  }
  Result<void> release(unsigned partition, Offset before) override {
    const std::lock_guard guard(mutex_);
    auto& [pieces, gone] = kept_[partition];
    gone = std::max(gone, std::min<Offset>(before, pieces.size()));
    for (Offset at = 0; at < gone; ++at) pieces[at].records.clear();
    return {};
  }
  Result<LogStats> stats(unsigned partition) const override {
    const std::lock_guard guard(mutex_);
    const auto& [pieces, gone] = kept_[partition];
    std::uint64_t events = 0, bytes = 0;
    for (Offset at = gone; at < pieces.size(); ++at) {
      events += pieces[at].count;
      bytes += pieces[at].records.size();
    }
    return LogStats{.end = pieces.size(), .events = events, .bytes = bytes};
  }

 private:
  struct Piece {
    std::string records;
    std::size_t count = 0;
  };
  struct Partition {
    std::vector<Piece> pieces;
    Offset released = 0;
  };
  class Reader final : public LogReader {
   public:
    Reader(MemoryLog& log, unsigned partition, Offset from)
        : log_(log), partition_(partition), at_(from) {}
    Result<LogPiece> next(std::string& records, Offset until) override {
      const std::lock_guard guard(log_.mutex_);
      const auto& [pieces, gone] = log_.kept_[partition_];
      if (at_ < gone) return released();
      if (at_ >= until || at_ >= pieces.size()) return LogPiece{at_, at_, 0};
      const auto& piece = pieces[at_];
      records += piece.records;
      const Offset first = at_++;
      return LogPiece{first, at_, piece.count};
    }

   private:
    MemoryLog& log_;
    const unsigned partition_;
    Offset at_;
  };
  static std::unexpected<Error> released() {
    return fail(ErrorCode::not_found, "it was released already");
  }

  mutable std::mutex mutex_;
  std::vector<Partition> kept_;
};

}  // namespace valetkey::events
