// SPDX-License-Identifier: Apache-2.0
// A command that runs under this program: it gets the signals that this one gets, and this one ends
// with its status. One thread waits; others must start after HeldSignals.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <string>
#include <vector>

#include "base/result.h"

namespace valetkey::cli {

// Keeps the signals that end or steer a program, and SIGCHLD, from this thread and from those it
// starts, to be taken one by one. What was ignored when the program started (nohup) stays ignored.
class HeldSignals {
 public:
  HeldSignals();
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  siginfo_t wait() const;
  void wait_for_end() const;
  // Whether one that ends a program waits to be taken.
  bool ended() const;
  const sigset_t& before() const { return before_; }

 private:
  sigset_t held_{}, before_{};
};

// Runs words[0], found in PATH, with exactly this environment; returns its exit status, or 128 +
// the signal that ended it. `not_found`, `denied`: it could not be started.
Result<int> run_command(const std::vector<std::string>& words,
                        const std::vector<std::string>& environment, const HeldSignals& signals);

}  // namespace valetkey::cli
