// SPDX-License-Identifier: Apache-2.0
#include "issuer/denials.h"

#include <gtest/gtest.h>

namespace valetkey::issuer {
namespace {

const Timestamp kNow = parse_iso8601("2026-11-29T10:00:00.500Z").value();

access::Cut account(const std::string& id) { return {.account = AccountId::parse(id).value()}; }

TEST(Denials, ReadWhatTheyWrote) {
  Denials denials;
  denials.add(account("123"), kNow);
  denials.add({AccountId::parse("12").value(), {TokenId::parse("tok_GHIJKLMNOPabcdef").value()}},
              kNow);
  const std::string text = denials.policy().value();
  EXPECT_EQ(parse_denials(text)->policy().value(), text);
  EXPECT_TRUE(text.contains("2026-11-29T10:00:01Z"));
  EXPECT_TRUE(text.contains("2026-11-29T10:05:00Z")) << "a token's, however far its clock is ahead";
}

TEST(Denials, ForgetWhatHasEndedByItself) {
  Denials denials;
  denials.add(account("1"), kNow - std::chrono::hours(13));
  denials.add(account("2"), kNow);
  denials.forget_older(kNow - std::chrono::hours(12));
  EXPECT_FALSE(denials.policy()->contains(R"("1")"));
  EXPECT_TRUE(denials.policy()->contains(R"("2")"));
}

TEST(Denials, TellWhenARoleCanHoldNoMore) {
  Denials denials;
  for (int i = 0; i < 100; ++i) denials.add(account(std::to_string(i)), kNow);
  EXPECT_EQ(denials.policy().error().code, ErrorCode::too_large);
}

TEST(Denials, LeaveThePoliciesOfOthersAlone) {
  for (const char* text :
       {"", "[]", "{}", R"({"Statement":[1]})", R"({"Statement":[{"Effect":"Deny"}]})",
        R"({"Statement":[{"Condition":{"StringEquals":{"s3:prefix":"a"},)"
        R"("DateLessThan":{"aws:TokenIssueTime":"2026-11-29T10:00:00Z"}}}]})"})
    EXPECT_FALSE(parse_denials(text)) << text;
}

}  // namespace
}  // namespace valetkey::issuer
