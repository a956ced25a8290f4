// SPDX-License-Identifier: Apache-2.0
#include "limits/event_meter.h"

#include <gtest/gtest.h>

namespace valetkey::limits {
namespace {

TEST(EventMeter, ForgivesAClockThatWasSetBack) {
  EventMeter meter;
  const Timestamp now = from_epoch_ms(1'795'000'000'000);
  EXPECT_EQ(meter.take_events(1'000'000, 1, now), milliseconds(0));
  EXPECT_GT(meter.take_events(1, 1, now), milliseconds(0));
  EXPECT_LE(meter.take_events(1, 1, now), std::chrono::minutes(1));
  EXPECT_EQ(meter.take_events(1, 1, now - std::chrono::hours(1)), milliseconds(0));
}

}  // namespace
}  // namespace valetkey::limits
