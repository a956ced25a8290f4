// SPDX-License-Identifier: Apache-2.0
#include "postgres/internal/statement_text.h"

#include <gtest/gtest.h>

#include "postgres/internal/errors.h"

namespace valetkey::postgres {
namespace {

TEST(StatementText, NumbersParametersAndLeavesQuotedOnesAlone) {
  EXPECT_EQ(numbered_parameters("a = ? AND b = ? AND c = '?' AND \"?\" = ?"),
            "a = $1 AND b = $2 AND c = '?' AND \"?\" = $3");
  EXPECT_EQ(numbered_parameters("a = ?2 AND b = ?1 AND c = ?12"), "a = $2 AND b = $1 AND c = $12");
  EXPECT_EQ(numbered_parameters("?"), "$1");
}

TEST(StatementText, ReplacesWhatIsNoText) {
  EXPECT_EQ(as_text("plain \xC3\xA4"), "plain \xC3\xA4");
  EXPECT_EQ(as_text(std::string_view("\0", 1)), "\xEF\xBF\xBD");
  EXPECT_EQ(as_text("\xC3"), "\xEF\xBF\xBD");
}

TEST(PostgresErrors, AreOneSentenceWithTheRemedy) {
  EXPECT_EQ(statement_error("PostgreSQL at h:1", "53100", "could not extend file").detail,
            "PostgreSQL at h:1: could not extend file; free some space on the server's disk");
  EXPECT_TRUE(refusal_of("40001").may_repeat);
  EXPECT_FALSE(refusal_of("57014").may_repeat);
  EXPECT_TRUE(refusal_of("25006").move_on) << "a standby";
  EXPECT_EQ(refusal_of("99999").code, ErrorCode::internal);
  EXPECT_EQ(one_line("connection failed: refused\n\tIs it running?\nand again\n"),
            "connection failed: refused; and again");
}

}  // namespace
}  // namespace valetkey::postgres
