// SPDX-License-Identifier: Apache-2.0
// Whether the engine is set up: each step of the way from a token to an object, done once with real
// calls, and then what a session must not be able to do. May block for some seconds.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "issuer/vending.h"

namespace valetkey::issuer {

struct Step {
  enum class Outcome : std::uint8_t { good, warning, failed };
  std::string name;
  Outcome outcome = Outcome::good;
  std::string sentence;  // what was found, or what is wrong and what to do
};

// Reports each step as it ends, and stops after a failure that the rest would repeat. True
// where nothing failed. The sessions are bought for `account`, with the longest life that the
// configuration gives out.
bool check_engine(Vending& vending, const AccountId& account, seconds longest, Timestamp now,
                  const std::function<void(const Step&)>& tell);

}  // namespace valetkey::issuer
