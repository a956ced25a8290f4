// SPDX-License-Identifier: Apache-2.0
// Places for walks through an account's parts. Each walk keeps a thread of the blocking pool busy, so there are
// few places, and one account never has all of them. Nobody waits here. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "base/ids.h"

namespace valetkey::tables {

class Places {
 public:
  // One in the line of its account, until it goes. The places outlive it.
  class Place {
   public:
    Place(Places& of, const AccountId& account);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    // False: the line is so long that there is no use in trying again.
    bool in_line() const { return in_line_; }
    // Whether it has a place, from now on.
    bool take();

   private:
    Places& of_;
    std::string account_;
    bool in_line_ = false;
    bool has_ = false;
  };

 private:
  struct Use {
    int in_line = 0;
    int taken = 0;
  };
  std::mutex mutex_;  // of what follows
  int taken_ = 0;
  std::map<std::string, Use> accounts_;
};

}  // namespace valetkey::tables
