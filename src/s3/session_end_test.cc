// SPDX-License-Identifier: Apache-2.0
// A session ends at once where it is revoked, expires, or its key is gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "s3/testing/three_objects.h"

namespace valetkey::s3 {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;

class SessionEndTest : public ServiceTest {
 protected:
  int status(const Tenant& tenant) { return world_.get(tenant, world_.path_of(kKey)).status; }
  void expect_revoked(const Tenant& tenant) {
    const Reply reply = world_.get(tenant, world_.path_of(kKey));
    EXPECT_EQ(reply.status, 403);
    EXPECT_EQ(reply.code(), "AccessDenied");
    EXPECT_THAT(reply.element("Message"), HasSubstr("revoked"));
  }
};

TEST_F(SessionEndTest, CutsARunningDownloadWhenItsSessionIsRevoked) {
  Ask ask;
  ask.path = world_.path_of(kLarge);
  auto response = world_.start(world_.sign(me_, ask));
  http::BodySource* const body = response.source();
  ASSERT_NE(body, nullptr);
  std::vector<char> buffer(65536);
  EXPECT_EQ(body->pull(buffer, false).status, http::BodySource::Status::ok);
  ASSERT_TRUE(world_.control.revoke_token(me_.grant.token, world_.clock.now() + 1s));
  world_.feed.poll();
  EXPECT_EQ(body->pull(buffer, false).status, http::BodySource::Status::failed);
}

TEST_F(SessionEndTest, RefusesTheSessionsOfARevokedTokenADisabledUserAndAnAccount) {
  const Timestamp at = world_.clock.now() + 1s;
  const Tenant token = world_.tenant("12"), user = world_.tenant("12");
  const Tenant neighbour = world_.tenant("123");
  ASSERT_TRUE(world_.control.revoke_token(token.grant.token, at));
  ASSERT_TRUE(world_.control.set_user_state(user.grant.user, control::UserState::disabled, at));
  expect_revoked(token);
  expect_revoked(user);
  EXPECT_EQ(status(me_), 200);
  ASSERT_TRUE(world_.control.revoke_sessions(me_.account, at));
  expect_revoked(me_);
  EXPECT_EQ(world_.get(neighbour, world_.path_of("v1/account_id=123/secret")).status, 200);
  EXPECT_THAT(world_.hooks.reasons, Contains("revoked"));
}

TEST_F(SessionEndTest, ServesNobodyWhileRevocationsCannotBeSeen) {
  control::ChangeFeed feed(world_.control, world_.clock, 1h);
  const access::RevocationCheck check(feed);
  Service service(world_.store, world_.keys, check, world_.usage, world_.hooks, world_.pool,
                  World::defaults());
  Ask ask;
  ask.path = world_.path_of(kKey);
  ask = world_.sign(me_, std::move(ask));
  for (const int call : {1, 2}) {  // the counter, the revocations
    world_.control.fail_call(call, {ErrorCode::io, "/secret/control.db: broken"});
    EXPECT_FALSE(feed.poll());
    world_.control.heal();
    const Reply refused = world_.send_to(service, ask);
    EXPECT_EQ(refused.code(), "ServiceUnavailable") << call;
    EXPECT_EQ(refused.body.find("secret"), std::string::npos);
  }
  EXPECT_TRUE(feed.poll());
  EXPECT_EQ(world_.send_to(service, ask).status, 200);
}

TEST_F(SessionEndTest, HonoursExpiryOnEveryRequestAlsoOfASessionItKnows) {
  EXPECT_EQ(object(kKey).status, 200);
  world_.clock.advance(1h);
  const Reply reply = object(kKey);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.code(), "ExpiredToken");
}

TEST_F(SessionEndTest, HonoursAKeyringThatNoLongerKnowsTheSession) {
  EXPECT_EQ(object(kKey).status, 200);
  world_.keys.set(Keyring::make(world_.clock.now()));
  ASSERT_TRUE(world_.keys.reload());
  EXPECT_EQ(object(kKey).code(), "InvalidToken");
}

}  // namespace
}  // namespace valetkey::s3
