// SPDX-License-Identifier: Apache-2.0
#include "control/revocations.h"

#include <gtest/gtest.h>

namespace valetkey::control {
namespace {

TEST(Revocations, RefuseSessionsIssuedBeforeTheirInstant) {
  const AccountId account = *AccountId::parse("1");
  const UserId user = make_user_id();
  const TokenId token = make_token_id();
  const Timestamp at = from_epoch_ms(1'000);
  for (const auto& id : {account.str(), user.str(), token.str()}) {
    const Revocations revoked = Revocations().with({{id, at}});
    EXPECT_TRUE(revoked.refuse(account, user, token, at - milliseconds(1)));
    EXPECT_FALSE(revoked.refuse(account, user, token, at));
  }
  EXPECT_FALSE(Revocations{}.refuse(account, user, token, at));
}

TEST(Revocations, LeaveEarlierSnapshotsAsTheyWere) {
  const Timestamp at = from_epoch_ms(1'000);
  std::vector<Revocation> many;
  for (int i = 0; i < 5'000; ++i) many.push_back({std::to_string(i), at});
  const Revocations before = Revocations().with(many);
  const Revocations after = before.with({{"17", at + milliseconds(1)}, {"new", at}});
  EXPECT_EQ(before.size(), 5'000U);
  EXPECT_EQ(after.size(), 5'001U);
  EXPECT_FALSE(before.contains("new"));
  EXPECT_TRUE(after.contains("new"));
  for (int i = 0; i < 5'000; ++i) ASSERT_TRUE(after.contains(std::to_string(i))) << i;
}

}  // namespace
}  // namespace valetkey::control
