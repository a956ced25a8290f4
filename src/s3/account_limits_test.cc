// SPDX-License-Identifier: Apache-2.0
// What an account uses: counted, and held to its limits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "s3/testing/three_objects.h"

namespace valetkey::s3 {
namespace {

using namespace std::chrono_literals;

class UsageTest : public ServiceTest {};

TEST_F(UsageTest, CountsRequestsAndBytes) {
  object(kKey);
  object(kLarge);
  object("v1/account_id=123/secret");
  world_.usage.stop();
  std::uint64_t requests = 0;
  std::uint64_t bytes = 0;
  const Date today = date_of(world_.clock.now());
  for (const auto& day : world_.control.usage(std::nullopt, today, today).value()) {
    EXPECT_EQ(day.account, me_.grant.account);
    requests += day.counts.requests;
    bytes += day.counts.bytes;
  }
  EXPECT_EQ(requests, 3U);
  EXPECT_EQ(bytes, kContent.size() + large_content().size());
}

class LimitedTest : public ServiceTest {
 protected:
  LimitedTest() : ServiceTest(options()) {}
  static Options options() {
    Options options = World::defaults();
    options.limits.max_requests = 1;
    options.limits.bytes_per_s = 1'000'000;
    return options;
  }
};

TEST_F(LimitedTest, AsksAnAccountWithTooManyRequestsToSlowDown) {
  Ask ask;
  ask.path = world_.path_of(kLarge);
  auto running = std::optional(world_.start(world_.sign(me_, ask)));
  const Reply refused = object(kKey);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.code(), "SlowDown");
  EXPECT_EQ(world_.get(world_.tenant("123"), world_.path_of("v1/account_id=123/secret")).status,
            200)
      << "a neighbour must not notice";
  running.reset();
  EXPECT_EQ(object(kKey).status, 200);
}

TEST_F(LimitedTest, PacesABodyByWaiting) {
  Ask ask;
  ask.path = world_.path_of(kLarge);
  auto response = world_.start(world_.sign(me_, ask));
  http::BodySource* const body = response.source();
  std::vector<char> buffer(400'000);
  http::BodySource::Pull pull = body->pull(buffer, false);
  EXPECT_EQ(pull.status, http::BodySource::Status::ok);
  EXPECT_LE(pull.bytes, 262'144U);
  while (pull.status == http::BodySource::Status::ok) pull = body->pull(buffer, false);
  EXPECT_EQ(pull.status, http::BodySource::Status::wait);
  EXPECT_GT(pull.wait, 0ms);
  EXPECT_LE(pull.wait, 1s);
}

TEST_F(LimitedTest, PacesShortBodiesLikeLongOnes) {
  const auto get = [&](const std::string& key) {
    Ask ask;
    ask.path = world_.path_of(key);
    return world_.start(world_.sign(me_, ask));
  };
  EXPECT_EQ(get(kKey).source(), nullptr) << "at first there is nothing to wait for";
  std::vector<char> buffer(400'000);
  {
    const auto large = get(kLarge);
    while (large.source()->pull(buffer, false).status == http::BodySource::Status::ok) {
    }
  }
  const auto small = get(kKey);
  ASSERT_NE(small.source(), nullptr);
  EXPECT_EQ(small.source()->pull(buffer, false).status, http::BodySource::Status::wait);
}

}  // namespace
}  // namespace valetkey::s3
