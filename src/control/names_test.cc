// SPDX-License-Identifier: Apache-2.0
#include "control/names.h"

#include <gtest/gtest.h>

#include "control/control_store.h"

namespace valetkey::control {
namespace {

TEST(Email, IsLowerCaseAscii) {
  EXPECT_EQ(normalise_email("Ann.O'Hara+X@Mail.Example.COM").value(),
            "ann.o'hara+x@mail.example.com");
  EXPECT_EQ(normalise_email("root@localhost").value(), "root@localhost");
}

TEST(Email, HasItsLengths) {
  EXPECT_TRUE(normalise_email(std::string(64, 'a') + "@b"));
  EXPECT_FALSE(normalise_email(std::string(65, 'a') + "@b"));
  EXPECT_TRUE(normalise_email("a@" + std::string(63, 'b')));
  EXPECT_FALSE(normalise_email("a@" + std::string(64, 'b')));
  std::string domain;
  for (int i = 0; i < 126; ++i) domain += "b.";
  EXPECT_FALSE(normalise_email("abc@" + domain + "c"));
}

TEST(Names, HaveAtMostAHundredCharactersAndNoneThatActs) {
  EXPECT_TRUE(check_name("Ann\xe2\x80\x99s laptop", 1, "a name"));
  EXPECT_TRUE(check_name("", 0, "a name"));
  EXPECT_EQ(check_name("", 1, "a token's name").error().detail,
            "a token's name must have 1 to 100 characters, no blank at its ends, and no control or "
            "invisible ones");
  for (const char* name : {"a\tb", "a\x7f", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xff",
                           "\xed\xa0\x80", "\x1b[2J"})
    EXPECT_FALSE(check_name(name, 0, "a name")) << name;
  EXPECT_FALSE(check_name(std::string_view("a\0b", 3), 0, "a name"));
}

TEST(Scopes, AreASetWithOneWrittenForm) {
  EXPECT_EQ(TokenScopes::parse("tokens,export")->str(), "export,tokens");
  EXPECT_EQ(TokenScopes::parse("export")->str(), "export");
  EXPECT_EQ(TokenScopes::parse("accounts")->str(), "accounts");
  for (const char* text :
       {"", ",", "export,", ",export", "export,export", "export tokens", "export, tokens", "Export",
        "admin", "export,accounts", "accounts,export"})
    EXPECT_FALSE(TokenScopes::parse(text)) << text;
}

TEST(Scopes, ContainTheirSubsets) {
  const TokenScopes both{true, true};
  const TokenScopes one{true, false};
  const TokenScopes other{false, true};
  EXPECT_TRUE(one.within(both) && other.within(both) && both.within(both));
  EXPECT_TRUE(TokenScopes{}.within(one));
  EXPECT_FALSE(both.within(one));
  EXPECT_FALSE(one.within(other));
}

TEST(Names, CanBeToldApartInAList) {
  const std::string_view what = "a token's name";
  for (const char* good :
       {"laptop", "nightly export", "日本語 名", "Käufe 🛒", "\u2764\uFE0F", "e\u0301"})
    EXPECT_TRUE(check_name(good, 1, what)) << good;
  for (const char* bad :
       {"   ",      " laptop",      "laptop ",  "\u00a0",   "\u3000",   "\u2800",   "\u202Eevil",
        "a\u202Eb", "a\u200Bb",     "a\u200Db", "a\u2066b", "a\u061Cb", "a\uFEFFb", "a\u00ADb",
        "a\u3164b", "a\U000E0041b", "a\tb",     "a\x7f",    "a\u0085b", "a\u2028b"})
    EXPECT_FALSE(check_name(bad, 1, what)) << bad;
  EXPECT_TRUE(check_name("", 0, what));
  EXPECT_FALSE(check_name(" ", 0, what));
}

TEST(Roles, ComeBackFromTheirNames) {
  for (const Role role : {Role::member, Role::admin, Role::operator_})
    EXPECT_EQ(parse_role(name_of(role)).value(), role);
  EXPECT_FALSE(parse_role("operator_"));
  EXPECT_FALSE(parse_role(""));
}

}  // namespace
}  // namespace valetkey::control
