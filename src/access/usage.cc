// SPDX-License-Identifier: Apache-2.0
#include "access/usage.h"

#include <array>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/log.h"

namespace valetkey::access {
namespace {

struct Counts {
  std::uint64_t exchanges = 0;
  std::uint64_t requests = 0;
  std::uint64_t bytes = 0;

  void add(const Counts& other) {
    exchanges += other.exchanges;
    requests += other.requests;
    bytes += other.bytes;
  }
};
using Key = std::pair<TokenId, Date>;
using KeyView = std::pair<const TokenId&, Date>;  // looked up with, so that no request copies an id
struct KeyHash {
  using is_transparent = void;
  std::size_t operator()(const KeyView& key) const {
    const auto day = static_cast<std::size_t>(key.second.time_since_epoch().count());
    return std::hash<TokenId>{}(key.first) ^ (day * 0x9E3779B97F4A7C15U);
  }
};
struct KeyEqual {
  using is_transparent = void;
  bool operator()(const KeyView& a, const KeyView& b) const { return a == b; }
};
using Counted = std::unordered_map<Key, Counts, KeyHash, KeyEqual>;

// A thread keeps to one shard, so threads seldom meet; the lock is for the flush.
struct alignas(64) Shard {
  std::mutex mutex;
  Counted counted;
};
constexpr std::size_t kShards = 16;

std::size_t shard_of_this_thread() {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t mine = next++ % kShards;
  return mine;
}

}  // namespace

struct Usage::State {
  std::array<Shard, kShards> shards;
  control::ControlStore& store;
  milliseconds period;
  std::mutex flushing;  // one at a time: a failed flush puts back before the next collects
  std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;
  std::thread thread;

  State(control::ControlStore& s, milliseconds p) : store(s), period(p) {}

  void add(std::size_t shard, const KeyView& key, const Counts& counts) {
    Shard& into = shards[shard];
    const std::lock_guard lock(into.mutex);
    auto at = into.counted.find(key);
    if (at == into.counted.end()) at = into.counted.emplace(key, Counts{}).first;
    at->second.add(counts);
  }

  Counted collect() {
    Counted all;
    for (Shard& shard : shards) {
      Counted taken;
      {
        const std::lock_guard lock(shard.mutex);
        taken.swap(shard.counted);
      }
      for (const auto& [key, counts] : taken) all[key].add(counts);
    }
    return all;
  }

  void run(Usage& usage) {
    std::unique_lock lock(mutex);
    while (!wake.wait_for(lock, period, [this] { return stopping; })) {
      lock.unlock();
      if (const auto flushed = usage.flush(); !flushed)
        log::warn("access", "usage is kept in memory until it can be written",
                  {{"error", flushed.error().detail}});
      lock.lock();
    }
  }
};

Usage::Usage(control::ControlStore& store, const Clock& /*clock*/, milliseconds period)
    : state_(std::make_unique<State>(store, period)) {}

Usage::~Usage() { stop(); }

void Usage::start() {
  if (!state_->thread.joinable()) state_->thread = std::thread([this] { state_->run(*this); });
}

void Usage::stop() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  if (state_->thread.joinable()) state_->thread.join();
  if (const auto flushed = flush(); !flushed)
    log::error("access", "usage since the last flush is lost", {{"error", flushed.error().detail}});
}

void Usage::add(const TokenId& token, Timestamp now, std::uint64_t exchanges,
                std::uint64_t requests, std::uint64_t bytes) {
  state_->add(shard_of_this_thread(), {token, date_of(now)}, {exchanges, requests, bytes});
}

Result<void> Usage::flush() {
  const std::lock_guard lock(state_->flushing);
  const Counted counted = state_->collect();
  if (counted.empty()) return {};
  std::vector<control::UsageDelta> deltas;
  deltas.reserve(counted.size());
  for (const auto& [key, counts] : counted)
    deltas.push_back({key.first, key.second, counts.exchanges, counts.requests, counts.bytes});
  Result<void> written = state_->store.add_usage(deltas);
  if (!written)
    for (const auto& [key, counts] : counted) state_->add(shard_of_this_thread(), key, counts);
  return written;
}

}  // namespace valetkey::access
