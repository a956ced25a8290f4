// SPDX-License-Identifier: Apache-2.0
#include "issuer/roles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "issuer/internal/denials.h"
#include "issuer/testing/bench.h"

namespace valetkey::issuer {
namespace {

using ::testing::HasSubstr;

const Timestamp kNow = parse_iso8601("2026-11-29T10:00:00Z").value();
const std::string kRole = "arn:aws:iam::123456789012:role/reader";

AccountId account(int number) { return AccountId::parse(std::to_string(number)).value(); }
std::string denied(int number) {
  return R"("aws:PrincipalTag/account":")" + std::to_string(number) + R"(")";
}

// What each node has of its own, over the database that all share.
struct Node {
  Node(const std::filesystem::path& file, testing::FakeEngine& engine)
      : store(control::open_sqlite_store(file).value()),
        roles(make_aws_roles(
            {aws::Iam::at(engine, "https://iam.example.org", "us-east-1").value(), keys}, *store,
            seconds(43'200))) {}
  Result<access::CutOff> cut(int number, Timestamp now = kNow) {
    return roles->cut({.account = account(number), .tokens = {}}, kRole, now);
  }
  std::unique_ptr<control::ControlStore> store;
  aws::KeptKeys keys{[](Timestamp) -> Result<aws::OwnKeys> {
    return aws::OwnKeys{{"AKIAOWN", Secret("secret"), std::nullopt}, std::nullopt, "a test"};
  }};
  std::unique_ptr<Roles> roles;
};

class AwsRolesTest : public ::testing::Test {
 protected:
  TemporaryFolder folder;
  testing::FakeEngine engine;
  Node one{folder.path() / "control.db", engine}, two{folder.path() / "control.db", engine};
};

TEST_F(AwsRolesTest, NodesThatCutOffAtTheSameTimeLoseNothing) {
  constexpr int kEach = 12;
  engine.takes = milliseconds(3);
  {
    std::vector<std::jthread> threads;
    for (Node* node : {&one, &two})
      threads.emplace_back([node, first = node == &one ? 100 : 200] {
        for (int i = 0; i < kEach; ++i) EXPECT_TRUE(node->cut(first + i));
      });
  }
  for (const int first : {100, 200})
    for (int i = 0; i < kEach; ++i) EXPECT_THAT(engine.role_policy, HasSubstr(denied(first + i)));
}

TEST_F(AwsRolesTest, APolicyThatArrivesLateIsReplacedByTheNewest) {
  int puts = 0;
  engine.before_put = [&] {
    if (++puts > 1) return;
    EXPECT_TRUE(two.cut(2)) << "noted later, and there first";
  };
  ASSERT_TRUE(one.cut(1));
  EXPECT_EQ(puts, 3);
  EXPECT_THAT(engine.role_policy, HasSubstr(denied(1)));
  EXPECT_THAT(engine.role_policy, HasSubstr(denied(2)));
}

TEST_F(AwsRolesTest, APolicyWhoseAnswerIsLostIsReplacedByTheNewest) {
  int puts = 0;
  engine.before_put = [&] {
    engine.role_fault.clear();
    if (++puts > 1) return;
    EXPECT_TRUE(two.cut(2)) << "noted later, and there first";
    engine.role_fault = "ServiceUnavailable";
    engine.role_policy = "arrived late";
  };
  ASSERT_TRUE(one.cut(1));
  EXPECT_THAT(engine.role_policy, HasSubstr(denied(1)));
  EXPECT_THAT(engine.role_policy, HasSubstr(denied(2)));
}

TEST_F(AwsRolesTest, WhatTheRoleHadBeforeStays) {
  Denials former;
  former.add({.account = account(7), .tokens = {}}, kNow);
  engine.role_policy = former.policy().value();
  ASSERT_TRUE(one.cut(1));
  EXPECT_THAT(engine.role_policy, HasSubstr(denied(7)));
  EXPECT_THAT(engine.role_policy, HasSubstr(denied(1)));
}

TEST_F(AwsRolesTest, AStaleAnswerOfTheEngineTakesNothingBack) {
  ASSERT_TRUE(one.cut(1));
  engine.role_policy.clear();  // as a replica that has not heard of it
  ASSERT_TRUE(two.cut(2));
  EXPECT_THAT(engine.role_policy, HasSubstr(denied(1)));
}

TEST_F(AwsRolesTest, WhatFailedAtTheEngineComesWithTheNextOne) {
  engine.before_put = [&] { engine.role_fault = "ServiceUnavailable"; };
  EXPECT_FALSE(one.cut(1));
  engine.before_put = {};
  engine.role_fault.clear();
  ASSERT_TRUE(two.cut(2));
  EXPECT_THAT(engine.role_policy, HasSubstr(denied(1)));
}

TEST_F(AwsRolesTest, SessionsThatHaveEndedAreForgotten) {
  ASSERT_TRUE(one.cut(1));
  ASSERT_TRUE(two.cut(2, kNow + std::chrono::hours(13)));
  EXPECT_THAT(engine.role_policy, ::testing::Not(HasSubstr(denied(1))));
}

}  // namespace
}  // namespace valetkey::issuer
