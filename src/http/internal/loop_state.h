// SPDX-License-Identifier: Apache-2.0
// What each loop keeps, so that a request need not make it. For one thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/timestamp.h"
#include "http/async.h"
#include "http/stream.h"

namespace valetkey::http {

// "Date: …\r\n", formatted once a second.
class DateLine {
 public:
  std::string_view at(Timestamp now);

 private:
  std::int64_t second_ = INT64_MIN;
  std::string line_;
};

// UUIDs, version 4: unique, no secret. A generator seeded from the system, which would cost 80 ns a
// time.
class RequestIds {
 public:
  using Id = std::array<char, 36>;
  RequestIds();
  void next(Id& out);

 private:
  std::mt19937_64 random_;
};

// Batch buffers, kept for the next download: fresh ones would be mapped and faulted in page by
// page.
inline constexpr std::size_t kBatchBytes = 4 * 64 * 1024;
class BatchBuffers {
 public:
  using Buffer = std::unique_ptr<char[]>;
  Buffer take();
  void give_back(Buffer buffer);

 private:
  std::vector<Buffer> free_;
};

// What the connections of one listener share on one loop.
struct LoopState {
  explicit LoopState(asio::io_context& io) : loop(io), sweeper(io) {}
  asio::io_context& loop;
  Sweeper sweeper;
  DateLine date;
  RequestIds ids;
  BatchBuffers batches;
  bool draining = false;
};

}  // namespace valetkey::http
