// SPDX-License-Identifier: Apache-2.0
// How far a long command is: one line that is rewritten on a terminal, else a line every 10 s. One
// thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <ostream>
#include <string>

namespace valetkey::server {

class ProgressBar {
 public:
  ProgressBar(std::ostream& out, bool terminal) : out_(out), terminal_(terminal) {}
  ~ProgressBar() { clear(); }
  // Draws if the last time is long enough ago.
  void show(std::uint64_t files, std::uint64_t files_done, std::uint64_t bytes,
            std::uint64_t bytes_done);
  // Takes the line away, so that something else can be printed.
  void clear();
  static std::string bytes_text(std::uint64_t bytes);  // "1.5 GiB"

 private:
  std::ostream& out_;
  bool terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_ = started_;
};

}  // namespace valetkey::server
