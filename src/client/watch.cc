// SPDX-License-Identifier: Apache-2.0
#include "client/watch.h"

namespace valetkey::client {
namespace {

std::string seconds_text(Watch::Time::duration length) {
  return std::to_string(std::chrono::round<std::chrono::seconds>(length).count()) + " s";
}

}  // namespace

std::string Watch::look(Time now) {
  // A look that comes late was held up by this program's own work, such as a full disk cache or a
  // reader of standard output: nobody else is to blame.
  const bool late = now - looked_ > 4 * kEvery;
  looked_ = now;
  const bool moved = std::exchange(moved_, false);
  if (moved || calls_ == 0) return begin_anew(now, moved);
  if (late && said_ == Time{}) since_ = now;
  if (now - since_ < kFirst || (said_ != Time{} && now - said_ < kAgain)) return {};
  said_ = now;
  return "waiting for " + seconds_text(now - since_) + ": " +
         (why_.empty() ? whom_ + ": no answer yet" : why_) + "; Ctrl-C ends it";
}

std::string Watch::begin_anew(Time now, bool moved) {
  const bool said = said_ != Time{} && moved;
  const std::string waited = seconds_text(now - since_);
  said_ = {};
  since_ = now;
  return said ? "going on after " + waited : "";
}

}  // namespace valetkey::client
