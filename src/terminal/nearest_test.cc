// SPDX-License-Identifier: Apache-2.0
#include "terminal/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace valetkey::terminal {
namespace {

const std::vector<std::string> kCommands{"init",   "serve", "account", "user",   "token", "audit",
                                         "import", "check", "backup",  "export", "keys",  "sync"};

TEST(Nearest, FindsWhatAMistypedWordWasMeantToBe) {
  EXPECT_EQ(nearest("int", kCommands), "init");
  EXPECT_EQ(nearest("accounts", kCommands), "account");
  EXPECT_EQ(nearest("snyc", kCommands), "sync");
  EXPECT_EQ(nearest("SERVE", kCommands), "serve");
  EXPECT_EQ(nearest("acc", kCommands), "account");  // its beginning
  const std::vector<std::string> options{"--scopes", "--name", "--data-dir"};
  EXPECT_EQ(nearest("--scope", options), "--scopes");
  EXPECT_EQ(nearest("--datadir", options), "--data-dir");
}

TEST(Nearest, FindsNothingFarAway) {
  for (const char* word : {"", "x", "version", "frobnicate", "ex-wife", "rm"})
    EXPECT_EQ(nearest(word, kCommands), "") << word;
  EXPECT_EQ(nearest(std::string(1000, 'a'), kCommands), "");
  EXPECT_EQ(nearest("su", std::vector<std::string>{"suspend", "support"}), "");  // two begin so
  EXPECT_EQ(nearest("ab", std::vector<std::string>{"cd"}), "");
}

}  // namespace
}  // namespace valetkey::terminal
