// SPDX-License-Identifier: Apache-2.0
#include "terminal/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "terminal/width.h"

namespace valetkey::terminal {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr Amount kHalf{.files = 180, .files_done = 90, .bytes = 84 << 20, .bytes_done = 42 << 20};

TEST(ProgressText, FitsEveryWidthAndLeavesOutWhatMattersLess) {
  const std::chrono::seconds elapsed(2);
  for (std::size_t columns = 1; columns <= 250; ++columns)
    EXPECT_LE(width_of(progress_text(kHalf, elapsed, columns)), columns);
  EXPECT_EQ(progress_text(kHalf, elapsed, 200),
            "[" + std::string(20, '#') + std::string(20, '.') +
                "]  50 %, 90 of 180 files, 42.0 MiB of 84.0 MiB, 21.0 MiB/s, 2 s left");
  EXPECT_EQ(progress_text(kHalf, elapsed, 40), "[#######........]  50 %, 90 of 180 files");
}

TEST(ProgressText, SurvivesAmountsThatDoNotAddUp) {
  EXPECT_THAT(progress_text({}, {}, 80), HasSubstr("100 %, 0 of 0 files"));
  EXPECT_THAT(progress_text({1, 0, 10, 20}, std::chrono::seconds(1), 80), HasSubstr("100 %"));
}

TEST(Progress, IsQuietWhereNobodyWatches) {
  std::ostringstream out;
  {
    Progress progress(out);
    progress.say("waiting");
    progress.show(kHalf);
  }
  EXPECT_EQ(out.str(), "");
}

TEST(Progress, AsksForTheWidthAtEachDraw) {
  std::ostringstream out;
  std::size_t columns = 80;
  Progress progress(out, [&columns] { return std::optional(columns); });
  progress.say(std::string(100, 'x'));
  EXPECT_EQ(out.str(), "\r\x1b[K" + std::string(78, 'x') + "…");
  out.str("");
  // The window was made narrower: what stood there takes two lines now, and both are taken away.
  columns = 40;
  progress.say(std::string(100, 'y'));
  EXPECT_EQ(out.str(), "\x1b[1A\r\x1b[J" + std::string(38, 'y') + "…");
  out.str("");
  progress.clear();
  EXPECT_EQ(out.str(), "\r\x1b[K");
  out.str("");
  progress.clear();
  EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace valetkey::terminal
