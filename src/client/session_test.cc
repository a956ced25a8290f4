// SPDX-License-Identifier: Apache-2.0
#include "client/session.h"

#include <gtest/gtest.h>

#include "client/testing/export.h"

namespace valetkey::client {
namespace {

using std::chrono::minutes;

struct SessionTest : World, testing::Test {
  Session session{loop, client, clock, session_options()};
  Result<GrantPtr> get() { return run(session.get()); }
};

TEST_F(SessionTest, ExchangesOnceForManyCalls) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(get());
  EXPECT_EQ(service.exchanges, 1);
  EXPECT_EQ((*get())->s3_path(), "s3://bucket/v1/account_id=1/");
}

TEST_F(SessionTest, KnowsWhenTheTokenExpiresWhereTheServiceSaysSo) {
  EXPECT_EQ(session.latest(), nullptr);
  ASSERT_TRUE(get());
  EXPECT_EQ(session.latest()->token_expires, std::nullopt);
  for (const auto& [said, understood] : std::map<std::string, std::string>{
           {"2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"}, {"soon", ""}}) {
    service.token_expires = said;
    ASSERT_TRUE(run(session.replace(session.latest())));
    const auto at = session.latest()->token_expires;
    EXPECT_EQ(at ? format_iso8601(*at) : "", understood);
  }
}

TEST_F(SessionTest, SharesOneExchangeBetweenAllWhoWait) {
  int good = 0;
  for (int i = 0; i < 10; ++i)
    http::asio::co_spawn(loop, session.get(),
                         [&](const std::exception_ptr&, const Result<GrantPtr>& grant) {
                           good += grant.has_value() ? 1 : 0;
                           if (good == 10) loop.stop();
                         });
  loop.run_for(seconds(10));
  EXPECT_EQ(good, 10);
  EXPECT_EQ(service.exchanges, 1);
}

TEST_F(SessionTest, RefreshesFiveMinutesBeforeAnHourEnds) {
  ASSERT_TRUE(get());
  clock.advance(minutes(53));
  ASSERT_TRUE(get());
  EXPECT_EQ(service.exchanges, 1);
  clock.advance(minutes(2));
  ASSERT_TRUE(get());
  EXPECT_EQ(service.exchanges, 2);
  EXPECT_EQ(refresh_margin(minutes(60)), minutes(5));
  EXPECT_EQ(refresh_margin(minutes(15)), minutes(3));
}

TEST_F(SessionTest, KeepsMoreThanAHelperMayHandOnWhereTheServiceGivesMore) {
  EXPECT_EQ(refresh_margin(minutes(60), minutes(16)), minutes(16));
  EXPECT_EQ(refresh_margin(minutes(17), minutes(16)), minutes(16));
  EXPECT_EQ(refresh_margin(minutes(15), minutes(16)), minutes(3));
  SessionOptions options = session_options();
  options.least_left = minutes(16);
  Session helper{loop, client, clock, options};
  for (int i = 0; i < 180; ++i) {
    const auto grant = run(helper.get());
    ASSERT_TRUE(grant);
    EXPECT_GT((*grant)->expires - clock.now(), minutes(15));
    clock.advance(minutes(1));
  }
  EXPECT_LE(service.exchanges, 6);
}

TEST_F(SessionTest, KeepsTheOldOnesWhileTheServiceIsDown) {
  ASSERT_TRUE(get());
  clock.advance(minutes(56));
  service.exchange_faults = {503};
  auto grant = get();
  ASSERT_TRUE(grant) << grant.error().detail;
  EXPECT_EQ((*grant)->keys.access_key_id, "ASIA1");
  ASSERT_TRUE(get());  // not asked again at once
  EXPECT_EQ(service.exchanges, 2);
  clock.advance(minutes(1));
  EXPECT_EQ((*get())->keys.access_key_id, "ASIA3");
}

TEST_F(SessionTest, AsksAgainAndAgainWhenNothingIsLeft) {
  ASSERT_TRUE(get());
  clock.advance(minutes(61));
  service.exchange_faults = {503, 500, 429};
  auto grant = get();
  ASSERT_TRUE(grant) << grant.error().detail;
  EXPECT_EQ(service.exchanges, 5);
}

TEST_F(SessionTest, GivesUpAtOnceWhereTheTokenIsRefused) {
  service.exchange_faults = {401};
  const auto grant = get();
  ASSERT_FALSE(grant);
  EXPECT_EQ(grant.error().code, ErrorCode::denied);
  EXPECT_EQ(service.exchanges, 1);
}

TEST_F(SessionTest, AsksAFewTimesMoreWhereSomethingElseAnswers) {
  service.exchange_faults = {404, 404};
  ASSERT_TRUE(get());
  EXPECT_EQ(service.exchanges, 3);
  clock.advance(minutes(61));
  service.exchange_faults = std::deque<int>(100, 404);
  EXPECT_EQ(get().error().code, ErrorCode::corrupt);
  EXPECT_EQ(service.exchanges, 7);
}

TEST_F(SessionTest, WaitsAsLongAsItIsToldAndNotAtAllWhereThatIsNothing) {
  SessionOptions options = session_options();
  options.patience = milliseconds(0);
  Session hasty{loop, client, clock, options};
  service.exchange_faults = std::deque<int>(10'000, 503);
  EXPECT_EQ(run(hasty.get()).error().code, ErrorCode::unavailable);
  EXPECT_EQ(service.exchanges, 1);
  ManualSteadyClock steady;
  service.steady = &steady;
  service.takes = milliseconds(10);
  options.patience = milliseconds(30);
  options.first_pause = options.longest_pause = minutes(1);  // cut to what is left
  Session patient{loop, client, clock, options, steady};
  EXPECT_EQ(run(patient.get()).error().code, ErrorCode::unavailable);
  EXPECT_EQ(service.exchanges, 1 + 3);
}

TEST_F(SessionTest, EndsAtOnceWhereNothingIsThereUnlessItWasBefore) {
  SessionOptions options = session_options();
  options.patience = minutes(15);  // run() gives up long before
  options.api = "http://127.0.0.1:1";
  Session lost{loop, client, clock, options};
  EXPECT_EQ(run(lost.get()).error().code, ErrorCode::io);
  options.patience = milliseconds(50);
  options.api = service.endpoint;
  Session found{loop, client, clock, options};
  ASSERT_TRUE(run(found.get()));
  clock.advance(minutes(61));
  listener.reset();
  EXPECT_EQ(run(found.get()).error().code, ErrorCode::unavailable);
}

TEST_F(SessionTest, TakesWhatTheServiceGivesWhereItGivesNoHour) {
  service.gives_an_hour = false;
  auto grant = get();
  ASSERT_TRUE(grant) << grant.error().detail;
  EXPECT_EQ(service.exchanges, 2);
  clock.advance(minutes(61));
  ASSERT_TRUE(get());
  EXPECT_EQ(service.exchanges, 3);  // not asked for an hour again
}

TEST_F(SessionTest, ReplacesWhatAServerCalledExpired) {
  const auto first = get();
  ASSERT_TRUE(first);
  const auto second = run(session.replace(*first));
  ASSERT_TRUE(second);
  EXPECT_NE((*second)->keys.access_key_id, (*first)->keys.access_key_id);
  // Another request that was sent with the first finds the second.
  EXPECT_EQ(*run(session.replace(*first)), *second);
  EXPECT_EQ(service.exchanges, 2);
}

TEST_F(SessionTest, SaysThatTheClockIsWrongWhereCredentialsAreAlreadyOver) {
  service.life = minutes(-1);
  const auto grant = get();
  ASSERT_FALSE(grant);
  EXPECT_NE(grant.error().detail.find("clock"), std::string::npos);
}

}  // namespace
}  // namespace valetkey::client
