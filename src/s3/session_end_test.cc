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

class SessionEndTest : public ServiceTest {};

TEST_F(SessionEndTest, CutsARunningDownloadWhenItsSessionIsRevoked) {
  Ask ask;
  ask.path = world_.path_of(kLarge);
  auto response = world_.start(world_.sign(me_, ask));
  auto body = response.take_source();
  ASSERT_NE(body, nullptr);
  std::vector<char> buffer(65536);
  EXPECT_EQ(body->pull(buffer, false).status, http::BodySource::Status::ok);
  world_.control.revoke(me_.grant.token.str(), world_.clock.now() + 1s);
  world_.feed.poll();
  EXPECT_EQ(body->pull(buffer, false).status, http::BodySource::Status::failed);
}

TEST_F(SessionEndTest, RefusesARevokedSession) {
  for (const std::string& id :
       {me_.grant.token.str(), me_.grant.user.str(), me_.grant.account.str()}) {
    world_.control.not_before.clear();
    world_.control.revoke(id, world_.clock.now() + 1s);
    const Reply reply = object(kKey);
    EXPECT_EQ(reply.status, 403);
    EXPECT_EQ(reply.code(), "AccessDenied");
    EXPECT_THAT(reply.element("Message"), HasSubstr("revoked"));
  }
  EXPECT_THAT(world_.hooks.reasons, Contains("revoked"));
}

TEST_F(SessionEndTest, ServesNobodyWhileRevocationsCannotBeSeen) {
  World unseen;
  control::ChangeFeed never(unseen.control, unseen.clock, 1h);
  const access::RevocationCheck check(never);
  Service service(unseen.store, unseen.keys, check, unseen.usage, unseen.hooks, unseen.pool,
                  World::defaults());
  const Tenant tenant = unseen.tenant("12");
  Ask ask = unseen.sign(tenant, {.method = "GET",
                                 .path = unseen.path_of(kKey),
                                 .query = {},
                                 .headers = {},
                                 .body = {},
                                 .body_complete = true});
  EXPECT_EQ(unseen.send_to(service, ask).code(), "ServiceUnavailable");
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
  EXPECT_EQ(object(kKey).code(), "InvalidToken");
}

}  // namespace
}  // namespace valetkey::s3
