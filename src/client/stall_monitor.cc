// SPDX-License-Identifier: Apache-2.0
#include "client/stall_monitor.h"

#include <algorithm>

namespace valetkey::client {
namespace {

// "45 s", "14 minutes".
std::string time_text(StallMonitor::Time::duration length) {
  const auto whole =
      std::max(std::chrono::round<std::chrono::seconds>(length), std::chrono::seconds(0));
  if (whole < std::chrono::seconds(100)) return std::to_string(whole.count()) + " s";
  return std::to_string(std::chrono::round<std::chrono::minutes>(whole).count()) + " minutes";
}

}  // namespace

std::string StallMonitor::look(Time now) {
  // A look that comes late was held up by this program's own work, such as a full disk cache or a
  // reader of standard output: nobody else is to blame.
  const bool late = now - looked_ > 4 * kEvery;
  looked_ = now;
  const bool moved = std::exchange(moved_, false);
  if (moved || calls_ == 0) return begin_anew(now, moved);
  if (late && said_ == Time{}) since_ = now;
  if (now - since_ < kFirst || (said_ != Time{} && now - said_ < kAgain)) return {};
  said_ = now;
  if (why_.empty())
    return whom_ + " has not answered for " + time_text(now - since_) + "; Ctrl-C ends the wait";
  return "waiting up to " + time_text(until_ - now) + " more: " + why_ + "; Ctrl-C ends the wait";
}

std::string StallMonitor::begin_anew(Time now, bool moved) {
  const bool said = said_ != Time{} && moved;
  const std::string waited = time_text(now - since_);
  said_ = {};
  since_ = now;
  return said ? "going on after " + waited : "";
}

}  // namespace valetkey::client
