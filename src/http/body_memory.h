// SPDX-License-Identifier: Apache-2.0
// One bound for the memory of all request bodies in flight, of every listener that shares it: in sum
// and by address block. A body that finds no room waits, the smallest first, and meanwhile others
// are cut: those that have stalled longest, and larger ones that are quiet. So a small body gets
// through beside any number of large ones that never end. Thread-safe.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "http/message.h"

namespace valetkey::http {

struct BodyLimits {
  std::size_t max_bytes = 64 << 20;
  std::size_t max_bytes_per_block = 16 << 20;  // 0: no limit
  // A body of which less than kStep came in this time has stalled, and may be cut where others need
  // its room.
  milliseconds patience{2'000};
  // The same, where the other would hold less even with what it asks for. A body that waits is
  // quiet, too.
  milliseconds quick_patience{200};
  // For room; then 503.
  milliseconds longest_wait{5'000};
};

class BodyMemory {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::size_t kStep = 64 * 1024;

  explicit BodyMemory(BodyLimits limits = {}) : limits_(limits) { all_.max = limits.max_bytes; }
  std::size_t held() const;
  const BodyLimits& limits() const { return limits_; }

  class Share;

 private:
  struct OfAll {};
  struct OfBlock {};
  template <class Tag>
  using Hook = boost::intrusive::list_base_hook<boost::intrusive::tag<Tag>>;
  template <class Tag>
  using Shares =
      boost::intrusive::list<Share, boost::intrusive::base_hook<Hook<Tag>>>;  // oldest step first
  using BySize = std::set<std::pair<std::size_t, Share*>>;
  template <class Tag>
  struct Pool {
    std::size_t max = 0;
    std::size_t held = 0;
    std::size_t leaving = 0;  // of `held`: of those that have been cut
    std::size_t holders = 0;
    Shares<Tag> reading;
    BySize incomplete;  // by what they hold: of those that are neither complete nor cut
    BySize waiting;     // by what they would hold then
  };

  bool hold(Share& share, std::size_t bytes, Time now);
  template <class Tag>
  static bool has_room(const Pool<Tag>& pool, const Share& share, std::size_t bytes);
  template <class Tag>
  void make_room(Pool<Tag>& pool, const Share& share, std::size_t bytes, Time now);
  template <class Tag>
  Share* quiet_and_larger(const Pool<Tag>& pool, std::size_t bytes, Time now) const;
  template <class Do>
  void in_pools(Share& share, Do what);
  void set_bytes(Share& share, std::size_t bytes);
  void wait(Share& share, std::size_t wanted);
  void stop_waiting(Share& share);
  void stop_reading(Share& share);
  void cut(Share& share);
  void enlist(Share& share, Time now);
  void unlist(Share& share);
  void release(Share& share);

  const BodyLimits limits_;
  mutable std::mutex mutex_;
  Pool<OfAll> all_;
  std::map<std::array<std::uint8_t, 16>, Pool<OfBlock>> blocks_;
};

// What one body holds, until it is destroyed. For one thread.
class BodyMemory::Share : public BodyMemory::Hook<OfAll>, public BodyMemory::Hook<OfBlock> {
 public:
  // `memory` outlives it. `block` null: counts in the sum only. `cut` is called at most once, by any
  // thread, when the body must end: must not block.
  Share(BodyMemory& memory, const Address* block, std::function<void()> cut);
  ~Share() { memory_.release(*this); }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

  // Makes it `bytes` in all. False: there is no room now, try again, unless it was cut.
  bool hold(std::size_t bytes, Time now) { return memory_.hold(*this, bytes, now); }
  // So many bytes of the body have come.
  void advance(std::size_t received, Time now);
  // The body is complete: it is not cut any more.
  void settle();
  bool is_cut() const;

 private:
  friend class BodyMemory;
  BodyMemory& memory_;
  Pool<OfBlock>* block_ = nullptr;
  std::array<std::uint8_t, 16> block_key_{};
  std::function<void()> cut_;
  std::size_t bytes_ = 0;
  std::size_t wanted_ = 0;   // while it waits for room; 0: it does not
  std::size_t step_at_ = 0;  // bytes received when the last step was made
  Time stepped_;
  bool is_cut_ = false;
};

}  // namespace valetkey::http
