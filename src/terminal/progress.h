// SPDX-License-Identifier: Apache-2.0
// How far a long command is: one line that is rewritten, as wide as the window is at the time. One
// thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>

namespace valetkey::terminal {

struct Amount {
  std::uint64_t files = 0, files_done = 0, bytes = 0, bytes_done = 0;
};

// Within `columns`: what matters less is left out where it does not fit.
std::string progress_text(const Amount& amount, std::chrono::duration<double> elapsed,
                          std::size_t columns);

class Progress {
 public:
  using Columns = std::function<std::optional<std::size_t>()>;  // nothing: nobody watches

  // On the terminal that stderr is, if `out` is stderr.
  explicit Progress(std::ostream& out);
  Progress(std::ostream& out, Columns columns);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  bool watched() const { return columns_().has_value(); }
  // Where nobody watches, a line of its own every 10 s.
  void also_in_logs() { logged_ = true; }

  // Draws where the last time is long enough ago.
  void show(const Amount& amount);
  // Draws this instead, at once.
  void say(const std::string& text);
  // Takes the line away, so that something else can be printed.
  void clear();

 private:
  void draw(const std::string& text, std::size_t columns);

  using SteadyTime = std::chrono::steady_clock::time_point;
  std::ostream& out_;
  Columns columns_;
  bool logged_ = false;
  std::size_t drawn_ = 0;  // columns of what stands there; 0: nothing
  const SteadyTime started_ = std::chrono::steady_clock::now();
  SteadyTime last_ = started_;
};

}  // namespace valetkey::terminal
