// SPDX-License-Identifier: Apache-2.0
#include "cli/printable.h"

#include <gtest/gtest.h>

namespace valetkey::cli {
namespace {

TEST(Printable, KeepsWhatIsOnlyText) {
  for (const char* text : {"", "a b", "é 🎉 \xE2\x80\x93 \xC2\xA0", "\xC2", "\xE2\x80"})
    EXPECT_EQ(printable(text), text);
}

TEST(Printable, LetsNothingMoveTheCursorOrTurnTheText) {
  EXPECT_EQ(printable("a\x1b[2Jb\x7f\n"), "a?[2Jb??");
  EXPECT_EQ(printable("a\xC2\x9B"
                      "2Jb"),
            "a?2Jb");
  EXPECT_EQ(printable("\xE2\x80\xAE"
                      "gnp\xE2\x81\xA9"),
            "?gnp?");
}

}  // namespace
}  // namespace valetkey::cli
