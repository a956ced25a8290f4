// SPDX-License-Identifier: Apache-2.0
// Counts exchanges, requests and bytes per grant and day: added in memory on the request path,
// written to the control store every 10 s and at stop(). What cannot be written is kept and written
// later.
#pragma once

#include <memory>

#include "base/clock.h"
#include "control/control_store.h"

namespace valetkey::access {

class Usage {
 public:
  Usage(control::ControlStore& store, const Clock& clock,
        milliseconds period = std::chrono::seconds(10));
  ~Usage();  // stop()
  void start();
  void stop();
  // Writes what was counted so far; blocks.
  Result<void> flush();
  // Thread-safe, does not block on the disk.
  void add(const TokenId& token, Timestamp now, std::uint64_t exchanges, std::uint64_t requests,
           std::uint64_t bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace valetkey::access
