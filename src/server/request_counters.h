// SPDX-License-Identifier: Apache-2.0
// What is counted at every request: by listener, method and class of status, never by account or
// path, so that the number of series is fixed. Each thread adds to its own shard; reading sums
// them. Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "http/server.h"

namespace valetkey::server {

inline constexpr std::array<std::string_view, 4> kListeners{"api", "s3", "intake", "admin"};
inline constexpr std::array<std::string_view, 7> kMethods{"GET",    "HEAD",    "PUT",  "POST",
                                                          "DELETE", "OPTIONS", "other"};
inline constexpr std::array<std::string_view, 5> kStatusClasses{"1xx", "2xx", "3xx", "4xx", "5xx"};
inline constexpr std::array<std::string_view, 5> kExchangeOutcomes{"ok", "refused", "limited",
                                                                   "invalid", "failed"};
// Upper bounds of the duration histogram, in seconds; one more bucket follows for the rest.
inline constexpr std::array<double, 11> kDurationBounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                        0.1,    0.25,  1,      5,     30};

class RequestCounters {
 public:
  template <class Cell>
  struct Of {  // of one listener
    std::array<std::array<Cell, kStatusClasses.size()>, kMethods.size()> requests{};
    std::array<Cell, kDurationBounds.size() + 1> durations{};
    Cell duration_ns{};
    Cell bytes_sent{};
    Cell aborted{};
  };
  template <class Cell>
  struct Counts {
    std::array<Of<Cell>, kListeners.size()> listeners{};
    std::array<Cell, kExchangeOutcomes.size()> exchanges{};
  };

  void add(const http::Finished& finished);
  void add_connections(std::string_view listener, int change);
  Counts<std::uint64_t> sum() const;
  std::int64_t connections(std::size_t listener) const { return connections_[listener].load(); }

 private:
  struct alignas(64) Shard : Counts<std::atomic<std::uint64_t>> {};
  Shard& mine();
  std::array<Shard, 16> shards_;
  std::array<std::atomic<std::int64_t>, kListeners.size()> connections_{};
};

}  // namespace valetkey::server
