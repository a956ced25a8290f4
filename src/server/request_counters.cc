// SPDX-License-Identifier: Apache-2.0
#include "server/request_counters.h"

#include <algorithm>
#include <optional>

namespace valetkey::server {
namespace {

void bump(std::atomic<std::uint64_t>& cell, std::uint64_t by = 1) {
  cell.fetch_add(by, std::memory_order_relaxed);
}

std::size_t listener_index(std::string_view name) {
  const auto at = std::ranges::find(kListeners, name);
  return at == kListeners.end() ? kListeners.size() - 1
                                : static_cast<std::size_t>(at - kListeners.begin());
}

std::size_t method_index(http::Method method) {
  switch (method) {
    case http::Method::get:
      return 0;
    case http::Method::head:
      return 1;
    case http::Method::put:
      return 2;
    case http::Method::post:
      return 3;
    case http::Method::delete_:
      return 4;
    case http::Method::options:
      return 5;
    case http::Method::other:
      break;
  }
  return 6;
}

std::size_t status_index(int status) {
  return static_cast<std::size_t>(std::clamp(status / 100, 1, 5) - 1);
}

std::size_t bucket_of(std::chrono::nanoseconds duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  return static_cast<std::size_t>(std::ranges::lower_bound(kDurationBounds, seconds) -
                                  kDurationBounds.begin());
}

std::optional<std::size_t> exchange_outcome(const http::Finished& f) {
  if (f.listener != "api" || f.method != http::Method::get) return std::nullopt;
  if (f.path != "/v2/export/credentials" && f.path != "/v2/export/credentials/container")
    return std::nullopt;
  if (f.status < 300) return 0;
  if (f.status == 401 || f.status == 403) return 1;
  if (f.status == 429) return 2;
  return f.status < 500 ? 3 : 4;
}

template <class To, class From>
void add_all(To& to, const From& from) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i].load(std::memory_order_relaxed);
}

}  // namespace

RequestCounters::Shard& RequestCounters::mine() {
  static std::atomic<unsigned> next{0};
  thread_local const unsigned index = next.fetch_add(1);
  return shards_[index % shards_.size()];
}

void RequestCounters::add(const http::Finished& f) {
  Shard& shard = mine();
  auto& of = shard.listeners[listener_index(f.listener)];
  bump(of.requests[method_index(f.method)][status_index(f.status)]);
  bump(of.durations[bucket_of(f.duration)]);
  bump(of.duration_ns, static_cast<std::uint64_t>(std::max<std::int64_t>(f.duration.count(), 0)));
  bump(of.bytes_sent, f.bytes_sent);
  if (f.aborted) bump(of.aborted);
  if (const auto outcome = exchange_outcome(f)) bump(shard.exchanges[*outcome]);
}

void RequestCounters::add_connections(std::string_view listener, int change) {
  connections_[listener_index(listener)].fetch_add(change, std::memory_order_relaxed);
}

RequestCounters::Counts<std::uint64_t> RequestCounters::sum() const {
  Counts<std::uint64_t> total;
  for (const Shard& shard : shards_) {
    for (std::size_t i = 0; i < kListeners.size(); ++i) {
      const auto& from = shard.listeners[i];
      auto& to = total.listeners[i];
      for (std::size_t m = 0; m < kMethods.size(); ++m) add_all(to.requests[m], from.requests[m]);
      add_all(to.durations, from.durations);
      to.duration_ns += from.duration_ns.load(std::memory_order_relaxed);
      to.bytes_sent += from.bytes_sent.load(std::memory_order_relaxed);
      to.aborted += from.aborted.load(std::memory_order_relaxed);
    }
    add_all(total.exchanges, shard.exchanges);
  }
  return total;
}

}  // namespace valetkey::server
