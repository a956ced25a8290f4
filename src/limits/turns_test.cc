// SPDX-License-Identifier: Apache-2.0
#include "limits/turns.h"

#include <gtest/gtest.h>

namespace valetkey::limits {
namespace {

TEST(Turns, AreGivenBackWhenTheWorkEnds) {
  Turns turns(2);
  Turns::Turn first;
  EXPECT_TRUE(turns.take(first));
  {
    Turns::Turn second, third;
    EXPECT_TRUE(turns.take(second));
    EXPECT_FALSE(turns.take(third));
  }
  Turns::Turn fourth;
  EXPECT_TRUE(turns.take(fourth)) << "what was refused gives nothing back";
  Turns::Turn fifth;
  EXPECT_FALSE(turns.take(fifth));
}

}  // namespace
}  // namespace valetkey::limits
