// SPDX-License-Identifier: Apache-2.0
#include "issuer/place.h"

#include <gtest/gtest.h>

namespace valetkey::issuer {
namespace {

const AccountId kAccount = AccountId::parse("12").value();
const Templates kGood{"lake", "v1/account_id={account}/", "arn:aws:iam::123456789012:role/reader"};

std::string why(const Templates& templates, bool role_per_account = false) {
  const auto checked = check_templates(templates, role_per_account);
  return checked ? "" : checked.error().detail;
}

TEST(Place, PutsTheAccountIntoItsTemplates) {
  EXPECT_EQ(fill("a/{account}/b{account}", kAccount).value(), "a/12/b12");
  EXPECT_FALSE(fill("a/{tenant}/", kAccount));
  EXPECT_FALSE(fill("a/{account", kAccount));
  EXPECT_EQ(place_of(kGood, {}, kAccount)->prefix, "v1/account_id=12/");
}

TEST(Place, PrefersWhatTheAccountHasOfItsOwn) {
  control::AccountPolicy policy;
  policy.prefix = "acme/";
  EXPECT_EQ(place_of(kGood, policy, kAccount)->prefix, "acme/");
  EXPECT_EQ(place_of(kGood, policy, kAccount)->bucket, "lake");
  policy.prefix = "acme/*/";
  EXPECT_FALSE(place_of(kGood, policy, kAccount));
}

TEST(Place, RefusesTemplatesThatDoNotTellAccountsApart) {
  EXPECT_EQ(why(kGood), "");
  EXPECT_TRUE(why({"lake", "v1/", kGood.role_arn}).contains("must hold {account}"));
  EXPECT_EQ(why({"lake-{account}", "v1/", kGood.role_arn}), "");
  EXPECT_TRUE(why({"lake", "v1/account_id={account}", kGood.role_arn}).contains("ends with '/'"));
  EXPECT_TRUE(why({"lake", "v1/{account}/*/", kGood.role_arn}).contains("pattern"));
  EXPECT_TRUE(why({"lake", kGood.prefix, "reader"}).contains("ARN of a role"));
  EXPECT_TRUE(why(kGood, true).contains("{account}"));
  EXPECT_EQ(why({"lake", kGood.prefix, "arn:aws:iam:::role/valetkey-{account}"}, true), "");
}

}  // namespace
}  // namespace valetkey::issuer
