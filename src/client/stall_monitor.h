// SPDX-License-Identifier: Apache-2.0
// Whether a job stands still, and what it waits for, so that a person can be told. Has no timer of
// its own: its user polls it. Belongs to one loop.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "base/result.h"

namespace valetkey::client {

class StallMonitor {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // While one lives, something is waited for: an answer, or the next attempt.
  class Call {
   public:
    explicit Call(StallMonitor* monitor) : monitor_(monitor) {
      if (monitor_ && monitor_->calls_++ == 0) monitor_->moved();
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() {
      if (monitor_) --monitor_->calls_;
    }

   private:
    StallMonitor* monitor_;  // null: nothing is reported
  };

  void asked(std::string whom) { whom_ = std::move(whom); }
  // An answer or a piece of one came that is as it should be.
  void moved() {
    moved_ = true;
    why_.clear();
  }
  // It did not, and is asked for again until then.
  void failed(const Error& why, Time until) {
    why_ = why.detail;
    until_ = until;
  }

  // What there is to say now, in one line; empty: nothing. Says it after kFirst without a move,
  // again every kAgain, and when it goes on.
  std::string look(Time now);

  static constexpr std::chrono::milliseconds kEvery{250};  // between two looks
  static constexpr std::chrono::seconds kFirst{3};
  static constexpr std::chrono::seconds kAgain{60};

 private:
  std::string begin_anew(Time now, bool moved);

  unsigned calls_ = 0;
  bool moved_ = false;
  std::string whom_, why_;
  Time until_{};                      // of what failed
  Time since_{}, looked_{}, said_{};  // said_: the epoch where nothing was said
};

}  // namespace valetkey::client
