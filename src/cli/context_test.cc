// SPDX-License-Identifier: Apache-2.0
#include "cli/context.h"

#include <gtest/gtest.h>

#include "base/version.h"

namespace valetkey::cli {
namespace {

TEST(Context, TellsServicesTheVersionOfTheProgram) {
  EXPECT_EQ(http_options(client::Profile{}).user_agent, "valetkey/" + std::string(kVersion));
}

TEST(Context, QuotesForAShellWhatNeedsIt) {
  EXPECT_EQ(quote_shell("type=events/date=2026-03-10/"), "type=events/date=2026-03-10/");
  EXPECT_EQ(quote_shell(""), "''");
  EXPECT_EQ(quote_shell("a b"), "'a b'");
  EXPECT_EQ(quote_shell("$(id) it's"), "'$(id) it'\\''s'");
  EXPECT_EQ(quote_shell("\xC3\xA9"), "'\xC3\xA9'");
}

}  // namespace
}  // namespace valetkey::cli
