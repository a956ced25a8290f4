// SPDX-License-Identifier: Apache-2.0
#include "base/ids.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace valetkey {
namespace {

TEST(Ids, TakeAccountsOfOneToTwentyDigits) {
  for (const char* text : {"0", "12", "012", "99999999999999999999"})
    EXPECT_EQ(AccountId::parse(text)->str(), text);
  for (const char* text : {"", " 1", "1 ", "-1", "1a", "1/2", "100000000000000000000", "\xd9\xa1",
                           "1\n", "..", "1%32"})
    EXPECT_FALSE(AccountId::parse(text)) << text;
  EXPECT_FALSE(AccountId::parse(std::string_view("1\0", 2)));
}

TEST(Ids, TellWhatTheyMustLookLike) {
  EXPECT_EQ(AccountId::parse("x").error().detail, "an account id must be 1 to 20 digits");
}

TEST(Ids, TakeTheirOwnPrefixOnly) {
  EXPECT_TRUE(UserId::parse("usr_0123456789ABCDxy"));
  EXPECT_FALSE(UserId::parse("tok_0123456789ABCDxy"));
  EXPECT_FALSE(UserId::parse("usr_0123456789ABCDx"));
  EXPECT_FALSE(UserId::parse("usr_0123456789ABCDx-"));
  EXPECT_TRUE(TokenId::parse("tok_0123456789ABCDxy"));
  EXPECT_TRUE(AccessKeyId::parse("ASIAABCDEFGHIJKLMN27"));
  EXPECT_FALSE(AccessKeyId::parse("ASIAABCDEFGHIJKLMN28"));
  EXPECT_FALSE(AccessKeyId::parse("AKIAABCDEFGHIJKLMN27"));
  EXPECT_FALSE(AccessKeyId::parse("ASIAABCDEFGHIJKLMN2"));
}

TEST(Ids, AreMadeDifferentAndWellFormed) {
  std::set<std::string> seen;
  const std::regex uuid("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  for (int i = 0; i < 500; ++i) {
    seen.insert(make_user_id().str());
    seen.insert(make_token_id().str());
    const std::string made = make_uuid();
    EXPECT_TRUE(std::regex_match(made, uuid)) << made;
    seen.insert(made);
  }
  EXPECT_EQ(seen.size(), 1500U);
}

TEST(Ids, AreOrderedByTheirText) {
  EXPECT_LT(*AccountId::parse("12"), *AccountId::parse("123"));
  EXPECT_EQ(std::hash<AccountId>{}(*AccountId::parse("7")),
            std::hash<AccountId>{}(*AccountId::parse("7")));
}

}  // namespace
}  // namespace valetkey
