// SPDX-License-Identifier: Apache-2.0
#include "issuer/internal/denials.h"

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

access::Cut tokens_of(const std::string& account, int count) {
  access::Cut cut{.account = AccountId::parse(account).value()};
  for (int i = 0; i < count; ++i) cut.tokens.push_back(make_token_id());
  return cut;
}

TEST(Denials, HoldAFamilyOfTokensInOneStatement) {
  Denials denials;
  denials.add(tokens_of("12", 300), kNow);
  const auto text = denials.policy();
  ASSERT_TRUE(text) << text.error().detail;
  EXPECT_EQ(parse_denials(*text)->policy().value(), *text);
  EXPECT_TRUE(text->contains(R"("aws:PrincipalTag/account":"12")")) << "and of no other account";
}

// A tenant who cuts off token after token must not keep others from cutting off theirs.
TEST(Denials, WidenTheAccountThatTakesTheMostRoom) {
  Denials denials;
  denials.add(tokens_of("7", 2), kNow);
  for (int i = 0; i < 60; ++i) denials.add(tokens_of("666", 1), kNow + seconds(i));
  ASSERT_EQ(denials.policy().error().code, ErrorCode::too_large);
  EXPECT_EQ(denials.widen(kNow)->str(), "666");
  const std::string text = denials.policy().value();
  EXPECT_TRUE(text.contains(R"({"aws:PrincipalTag/account":"666"})"));
  EXPECT_TRUE(text.contains(R"({"aws:PrincipalTag/account":"7","aws:PrincipalTag/token":[)"));
  EXPECT_EQ(denials.widen(kNow)->str(), "7");
  EXPECT_FALSE(denials.widen(kNow));
}

TEST(Denials, KeepWhatAnEarlierReleaseWroteOfTokens) {
  const std::string old =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*",)"
      R"("Condition":{"StringEquals":{"aws:PrincipalTag/token":"tok_GHIJKLMNOPabcdef"},)"
      R"("DateLessThan":{"aws:TokenIssueTime":"2026-11-29T10:05:00Z"}}}]})";
  auto denials = parse_denials(old);
  ASSERT_TRUE(denials);
  EXPECT_EQ(denials->policy().value(), old);
  EXPECT_FALSE(denials->widen(kNow));
}

TEST(Denials, LeaveThePoliciesOfOthersAlone) {
  for (const char* text :
       {"", "[]", "{}", R"({"Statement":[1]})",
        R"({"Statement":[{"Condition":{"StringEquals":{"aws:PrincipalTag/token":[1]},)"
        R"("DateLessThan":{"aws:TokenIssueTime":"2026-11-29T10:00:00Z"}}}]})",
        R"({"Statement":[{"Condition":{"StringEquals":{},)"
        R"("DateLessThan":{"aws:TokenIssueTime":"2026-11-29T10:00:00Z"}}}]})",
        R"({"Statement":[{"Effect":"Deny"}]})",
        R"({"Statement":[{"Condition":{"StringEquals":{"s3:prefix":"a"},)"
        R"("DateLessThan":{"aws:TokenIssueTime":"2026-11-29T10:00:00Z"}}}]})"})
    EXPECT_FALSE(parse_denials(text)) << text;
}

}  // namespace
}  // namespace valetkey::issuer
