// SPDX-License-Identifier: Apache-2.0
#include "aws/internal/process.h"

#include <gtest/gtest.h>

namespace valetkey::aws {
namespace {

constexpr milliseconds kPatience{20'000};

TEST(Process, ReadsWhatTheCommandWrites) {
  EXPECT_EQ(read_output("printf 'a b'; printf c", kPatience).value(), "a bc");
}

TEST(Process, HasNoInputToWaitFor) { EXPECT_EQ(read_output("cat", kPatience).value(), ""); }

TEST(Process, TellsTheStatusOfAFailure) {
  const auto output = read_output("echo sekrit; exit 7", kPatience);
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().detail, "credential_process failed with status 7");
}

TEST(Process, EndsWhatHangsWithAllThatItStarted) {
  const auto began = std::chrono::steady_clock::now();
  const auto output = read_output("sleep 100 & sleep 100", milliseconds(200));
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code, ErrorCode::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(10));
}

TEST(Process, RefusesOutputWithoutEnd) { EXPECT_FALSE(read_output("yes", kPatience)); }

}  // namespace
}  // namespace valetkey::aws
