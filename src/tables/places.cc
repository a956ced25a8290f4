// SPDX-License-Identifier: Apache-2.0
#include "tables/places.h"

namespace valetkey::tables {
namespace {

constexpr int kPlaces = 2;
constexpr int kOfAccount = kPlaces - 1;
constexpr int kInLine = 16;  // of one account, those that have a place included

}  // namespace

Places::Place::Place(Places& of, const AccountId& account) : of_(of), account_(account.str()) {
  const std::lock_guard lock(of_.mutex_);
  Use& use = of_.accounts_[account_];
  in_line_ = use.in_line < kInLine;
  if (in_line_) ++use.in_line;
}

Places::Place::~Place() {
  if (!in_line_) return;
  const std::lock_guard lock(of_.mutex_);
  const auto mine = of_.accounts_.find(account_);
  if (has_) {
    --of_.taken_;
    --mine->second.taken;
  }
  if (--mine->second.in_line == 0) of_.accounts_.erase(mine);
}

bool Places::Place::take() {
  if (has_ || !in_line_) return has_;
  const std::lock_guard lock(of_.mutex_);
  Use& use = of_.accounts_[account_];
  if (of_.taken_ == kPlaces || use.taken == kOfAccount) return false;
  ++of_.taken_;
  ++use.taken;
  return has_ = true;
}

}  // namespace valetkey::tables
