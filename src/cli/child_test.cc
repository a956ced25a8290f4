// SPDX-License-Identifier: Apache-2.0
#include "cli/child.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace valetkey::cli {
namespace {

Result<int> shell(const std::string& script, const std::vector<std::string>& environment = {}) {
  const HeldSignals signals;
  return run_command({"sh", "-c", script}, environment, signals);
}

TEST(Child, EndsWithTheStatusOfTheCommand) {
  EXPECT_EQ(shell("exit 7").value(), 7);
  EXPECT_EQ(shell("kill -KILL $$").value(), 128 + 9);
}

TEST(Child, HasTheEnvironmentThatItIsGivenAndNoOther) {
  EXPECT_EQ(shell("[ \"$A\" = 1 ] && [ -z \"$HOME\" ]", {"A=1"}).value(), 0);
}

TEST(Child, GetsTheSignalsOfThisProgram) {
  const std::string parent = std::to_string(::getpid());
  for (const char* name : {"TERM", "HUP", "INT", "QUIT", "USR1"})
    EXPECT_EQ(shell(std::string("trap 'exit 9' ") + name + "; kill -" + name + " " + parent +
                    "; while :; do sleep 0.01; done")
                  .value(),
              9)
        << name;
}

TEST(Child, StartsWithoutWhatThisProgramHoldsBackOrIgnores) {
  std::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(shell("kill -PIPE $$").value(), 128 + SIGPIPE);
  EXPECT_EQ(shell("kill -TERM $$").value(), 128 + SIGTERM);
}

TEST(Child, SaysWhatCannotBeStarted) {
  const HeldSignals signals;
  const auto started = run_command({"/nonexistent/program"}, {}, signals);
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().detail.find("/nonexistent/program"), std::string::npos);
}

}  // namespace
}  // namespace valetkey::cli
