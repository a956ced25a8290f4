// SPDX-License-Identifier: Apache-2.0
#include "access/usage.h"

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/log.h"

namespace valetkey::access {
namespace {

using control::UsageCounts;

constexpr std::chrono::minutes kUseWrittenAtMostEvery{1};

using Key = std::pair<AccountId, Date>;
using KeyView = std::pair<const AccountId&, Date>;  // looked up with: no request copies an id
struct KeyHash {
  using is_transparent = void;
  std::size_t operator()(const KeyView& key) const {
    const auto day = static_cast<std::size_t>(key.second.time_since_epoch().count());
    return std::hash<AccountId>{}(key.first) ^ (day * 0x9E3779B97F4A7C15U);
  }
};
struct KeyEqual {
  using is_transparent = void;
  bool operator()(const KeyView& a, const KeyView& b) const { return a == b; }
};
using Counted = std::unordered_map<Key, UsageCounts, KeyHash, KeyEqual>;

struct LastUse {
  Timestamp at;
  http::Address client;
};
using Used = std::unordered_map<TokenId, LastUse>;

// A thread keeps to one shard, so threads seldom meet; the lock is for the flush.
struct alignas(64) Shard {
  std::mutex mutex;
  Counted counted;
  Used used;
};
constexpr std::size_t kShards = 16;

std::size_t shard_of_this_thread() {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t mine = next++ % kShards;
  return mine;
}

void move_forward(Used& used, const TokenId& token, const LastUse& use) {
  const auto found = used.find(token);
  if (found != used.end()) {
    if (found->second.at < use.at) found->second = use;
  } else if (used.size() < kMaxWaitingUses) {
    used.emplace(token, use);
  }
}

}  // namespace

struct Usage::State {
  std::array<Shard, kShards> shards;
  control::ControlStore& store;
  milliseconds period;
  const SteadyClock& steady;
  std::mutex flushing;  // one at a time: a failed flush puts back before the next collects
  Used waiting;         // of the flush, as is `written`
  std::unordered_map<TokenId, SteadyClock::Instant> written;  // within the last minute
  std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;
  std::thread thread;

  State(control::ControlStore& s, milliseconds p, const SteadyClock& c)
      : store(s), period(p), steady(c) {}

  void add(std::size_t shard, const KeyView& key, const UsageCounts& counts,
           const TokenId* token = nullptr, const LastUse& use = {}) {
    Shard& into = shards[shard];
    const std::lock_guard lock(into.mutex);
    auto at = into.counted.find(key);
    if (at == into.counted.end()) at = into.counted.emplace(key, UsageCounts{}).first;
    at->second += counts;
    if (token != nullptr) move_forward(into.used, *token, use);
  }

  Counted collect() {
    Counted all;
    for (Shard& shard : shards) {
      Counted counted;
      Used used;
      {
        const std::lock_guard lock(shard.mutex);
        counted.swap(shard.counted);
        used.swap(shard.used);
      }
      for (const auto& [key, counts] : counted) all[key] += counts;
      for (const auto& [token, use] : used) move_forward(waiting, token, use);
    }
    return all;
  }

  std::vector<control::TokenUse> due_uses(bool everything) {
    const auto now = steady.now();
    std::erase_if(written, [&](const auto& w) { return now - w.second >= kUseWrittenAtMostEvery; });
    std::vector<control::TokenUse> due;
    for (const auto& [token, use] : waiting)
      if (everything || !written.contains(token))
        due.push_back({token, use.at, block_text(use.client)});
    return due;
  }

  Result<void> write(bool everything) {
    const std::lock_guard lock(flushing);
    const Counted counted = collect();
    const std::vector<control::TokenUse> due = due_uses(everything);
    if (counted.empty() && due.empty()) return {};
    std::vector<control::DayOfUsage> days;
    days.reserve(counted.size());
    for (const auto& [key, counts] : counted) days.push_back({key.first, key.second, counts});
    const Result<void> done = store.add_usage(days, due);
    if (!done) {
      for (const auto& [key, counts] : counted) add(shard_of_this_thread(), key, counts);
      return done;
    }
    for (const control::TokenUse& use : due) {
      waiting.erase(use.token);
      written.insert_or_assign(use.token, steady.now());
    }
    return {};
  }

  void run() {
    std::unique_lock lock(mutex);
    while (!wake.wait_for(lock, period, [this] { return stopping; })) {
      lock.unlock();
      if (const auto done = write(false); !done)
        log::warn("access", "usage is kept in memory until it can be written",
                  {{"error", done.error().detail}});
      lock.lock();
    }
  }
};

Usage::Usage(control::ControlStore& store, milliseconds period, const SteadyClock& steady)
    : state_(std::make_unique<State>(store, period, steady)) {}

Usage::~Usage() { stop(); }

void Usage::start() {
  if (!state_->thread.joinable()) state_->thread = std::thread([this] { state_->run(); });
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

Result<void> Usage::flush() { return state_->write(true); }

void Usage::exchanged(const control::TokenGrant& grant, Timestamp now,
                      const http::Address& client) {
  state_->add(shard_of_this_thread(), {grant.account, date_of(now)}, {.exchanges = 1}, &grant.token,
              {now, client});
  sightings_.note(grant.token, Sight::exchange, {now, client});
}

void Usage::served(const Claims& session, Timestamp now, const http::Address& client,
                   std::uint64_t bytes, std::optional<Sight> sight) {
  if (sight) sightings_.note(session.token, *sight, {now, client, bytes});
  state_->add(shard_of_this_thread(), {session.account, date_of(now)},
              {.requests = 1, .bytes = bytes}, &session.token, {now, client});
}

void Usage::sent(const Claims& session, Timestamp begun, std::uint64_t bytes) {
  state_->add(shard_of_this_thread(), {session.account, date_of(begun)}, {.bytes = bytes});
}

void Usage::received(const AccountId& account, Timestamp now, std::uint64_t events,
                     std::uint64_t bytes) {
  state_->add(shard_of_this_thread(), {account, date_of(now)},
              {.events = events, .event_bytes = bytes});
}

}  // namespace valetkey::access
