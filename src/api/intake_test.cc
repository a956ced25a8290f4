// SPDX-License-Identifier: Apache-2.0
#include "api/intake.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "api/testing/intake_fixture.h"
#include "events/testing/zip.h"

namespace valetkey::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

TEST_F(IntakeTest, KeepsEventsBeforeItSaysSo) {
  const Reply reply = send(body_of(click("a") + "," + click("b")),
                           {{"User-Agent", "sdk"}, {"Referer", "https://shop.example/"}});
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(reply.header("Cache-Control"), "no-store");
  EXPECT_EQ(reply.header("X-Request-Id"), "6f1c7d0e-3b0a-4f57-9f1c-2f7f3b1f9f0a");
  const auto events = kept();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].uuid, "b");
  EXPECT_EQ(events[0].account_id, "12");
  EXPECT_EQ(events[0].user_ip, "192.0.2.0");
  EXPECT_EQ(events[0].user_agent, "sdk");
  EXPECT_EQ(events[0].referer, "https://shop.example/");
  EXPECT_EQ(events[0].received, fixture_.now());
  EXPECT_THAT(counts_.all_received(), ElementsAre(Pair("12", 2)));
  EXPECT_THAT(counts_.all_dropped(), ElementsAre());
  EXPECT_TRUE(fixture_.audit().events().empty());  // none per request
}

TEST_F(IntakeTest, DoesNotExistWithoutALog) {
  fixture_.use_log(nullptr, nullptr);
  EXPECT_EQ(send(body_of(click("a"))).status, 404);
  EXPECT_EQ(fixture_.call({.method = http::Method::options, .target = "/v1/events"}).status, 404);
  EXPECT_EQ(fixture_.service().max_body_bytes({}), 16U * 1024);
}

TEST_F(IntakeTest, TakesLargeBodiesOnItsOwnPathOnly) {
  http::Request head;
  head.path = "/v1/events";
  EXPECT_EQ(fixture_.service().max_body_bytes(head), 3'500'000U);
  head.path = "/v2/tokens";
  EXPECT_EQ(fixture_.service().max_body_bytes(head), 16U * 1024);
  Ask long_one = ask("");
  long_one.body_complete = false;
  const Reply reply = fixture_.call(long_one);
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.code(), "too_large");
}

TEST_F(IntakeTest, KnowsOnlyPostAndPreflights) {
  for (const auto method : {http::Method::get, http::Method::put, http::Method::delete_}) {
    const Reply reply = fixture_.call({.method = method, .target = "/v1/events"});
    EXPECT_EQ(reply.status, 405);
    EXPECT_EQ(reply.header("Allow"), "POST");
  }
  EXPECT_EQ(fixture_.call({.method = http::Method::post, .target = "/v1/events/"}).status, 404);
}

// Beacons carry credentials, and no browser takes "*" for an answer to those.
bool names_shop(const Reply& reply) {
  return reply.header("Access-Control-Allow-Origin") == "https://shop.example" &&
         reply.header("Access-Control-Allow-Credentials") == "true" &&
         reply.header("Vary") == "Origin";
}

TEST_F(IntakeTest, IsOpenToBrowsersOfAllOrigins) {
  const Reply preflight = fixture_.call({.method = http::Method::options,
                                         .target = "/v1/events",
                                         .headers = {{"Origin", "https://shop.example"}}});
  EXPECT_EQ(preflight.status, 204);
  EXPECT_TRUE(names_shop(preflight));
  EXPECT_EQ(preflight.header("Access-Control-Allow-Methods"), "POST");
  EXPECT_THAT(preflight.header("Access-Control-Allow-Headers"), HasSubstr("Content-Type"));
  const Reply reply = send(body_of(click("a")), {{"Origin", "https://shop.example"},
                                                 {"Content-Type", "text/plain;charset=UTF-8"}});
  EXPECT_EQ(reply.status, 204);
  EXPECT_TRUE(names_shop(reply));
  const Reply without = send(body_of(click("b")));
  EXPECT_EQ(without.header("Access-Control-Allow-Origin"), "");
  EXPECT_EQ(without.header("Vary"), "Origin");
}

TEST_F(IntakeTest, LetsPagesReadErrors) {
  const std::pair<std::string, std::string> origin{"Origin", "https://shop.example"};
  const auto ask = [&](Ask ask) {
    ask.headers.push_back(origin);
    return fixture_.call(ask);
  };
  EXPECT_TRUE(names_shop(send("{", {origin})));
  EXPECT_TRUE(names_shop(ask({.target = "/v1/events"})));  // 405
  EXPECT_TRUE(names_shop(ask(
      {.method = http::Method::post, .target = "/v1/events", .body = {}, .body_complete = false})));
  http::Request slow;  // whose body never arrived
  slow.path = "/v1/events";
  slow.headers = {{origin.first, origin.second}};
  EXPECT_TRUE(names_shop(ServiceFixture::write(fixture_.service().refuse(408, slow))));
}

TEST_F(IntakeTest, DropsAndCountsWhatItCannotUse) {
  const Reply reply = send(body_of(click("") + "," + click("good") + R"(,{"uuid":"x"})"));
  EXPECT_EQ(reply.status, 204);
  ASSERT_EQ(kept().size(), 1U);
  EXPECT_EQ(kept()[0].uuid, "good");
  EXPECT_THAT(counts_.all_dropped(),
              UnorderedElementsAre(Pair("12:uuid", 1), Pair("12:timestamp", 1)));
  EXPECT_EQ(send(body_of("")).status, 204);
  EXPECT_EQ(send(body_of(click("a"), "no digits")).status, 204);
  EXPECT_EQ(counts_.all_dropped().at(":account_id"), 1U);
  EXPECT_EQ(log_.routes.size(), 1U);
}

TEST_F(IntakeTest, RefusesAllOfAStrictRequest) {
  const Headers strict{{"x-optimizely-strict", "TRUE"}};
  const Reply reply = send(body_of(click("good") + "," + click("")), strict);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.code(), "invalid_request");
  EXPECT_THAT(reply.text("message"), HasSubstr("uuid"));
  EXPECT_EQ(send(R"({"account_id":"x"})", strict).status, 400);
  EXPECT_TRUE(log_.routes.empty());
  EXPECT_EQ(send(body_of(click("good")), strict).status, 204);
  EXPECT_EQ(send(body_of(click("")), {{"x-optimizely-strict", "false"}}).status, 204);
}

TEST_F(IntakeTest, RefusesWhatIsNoJsonInBothModes) {
  for (const char* body : {"", "{", "[]", "12", "\xff", "{\"account_id\":\"12\",}"}) {
    const Reply reply = send(body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(reply.code(), "invalid_request");
  }
  EXPECT_THAT(counts_.all_dropped(), ElementsAre(Pair(":malformed", 6)));
}

TEST_F(IntakeTest, KeepsEventsOfOddFieldsAndCountsThose) {
  EXPECT_EQ(send(body_of(R"({"uuid":"a","timestamp":"1","key":"k","revenue":39.95,)"
                         R"("tags":{"$opt_event_properties":{"category":"shoes"}}})"),
                 {{"User-Agent", "caf\xe9"}})
                .status,
            204);
  const auto events = kept();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].revenue, std::nullopt);
  EXPECT_EQ(events[0].tags.at(0).value, R"({"category":"shoes"})");
  EXPECT_EQ(events[0].user_agent, "caf\xEF\xBF\xBD");
  EXPECT_THAT(counts_.all_altered(),
              UnorderedElementsAre(Pair("12:number", 1), Pair("12:text", 1)));
  EXPECT_THAT(counts_.all_dropped(), ElementsAre());
}

// 244 bytes with gzip, which would have become 25 million attributes.
TEST_F(IntakeTest, RefusesAFewBytesThatBecomeMillionsOfValues) {
  std::string events, decisions, attributes;
  for (int i = 0; i < 1000; ++i) {
    if (i < 25)
      events += fmt::format(R"({}{{"uuid":"{}","timestamp":1,"type":"campaign_activated"}})",
                            i == 0 ? "" : ",", i);
    decisions += i == 0 ? "{}" : ",{}";
    attributes += i == 0 ? "{}" : ",{}";
  }
  const std::string body = events::zip(fmt::format(
      R"({{"account_id":"12","visitors":[{{"visitor_id":"v","attributes":[{}],"snapshots":[{{"decisions":[{}],"events":[{}]}}]}}]}})",
      attributes, decisions, events));
  EXPECT_LT(body.size(), 400U);
  EXPECT_EQ(send(body, {{"Content-Encoding", "gzip"}}).status, 413);
  EXPECT_TRUE(log_.routes.empty());
}

// 2,300 events of one visitor with a long id and a long User-Agent: 1.4 KB each with gzip.
TEST_F(IntakeTest, StoresLittleOfRequestsThatShareLongFields) {
  std::string events;
  for (int i = 0; i < 2300; ++i) events += (i == 0 ? "" : ",") + click(fmt::format("u{}", i));
  const std::string body = events::zip(fmt::format(
      R"({{"account_id":"12","visitors":[{{"visitor_id":"{}","snapshots":[{{"events":[{}]}}]}}]}})",
      std::string(1000, 'v'), events));
  for (int i = 0; i < 12; ++i)
    EXPECT_EQ(
        send(body, {{"Content-Encoding", "gzip"}, {"User-Agent", std::string(14'000, 'a')}}).status,
        204);
  const auto partition = 1 + events::partition_of({"12", "v"}, events::kFilePartitions - 1, 1);
  EXPECT_GT(*log_.stats(partition)->bytes, 0U);
  EXPECT_LT(*log_.stats(partition)->bytes, 1'000'000U);
  EXPECT_EQ(counts_.all_altered().at("12:too_long"), 12U);
  EXPECT_EQ(kept().back().user_agent->size(), 1024U);
}

// A request that is sent again finds its first copy in the same partition.
TEST_F(IntakeTest, RoutesARequestByItsAccountAndItsFirstVisitor) {
  const auto visitor = [](const std::string& id, const std::string& event) {
    return fmt::format(R"({{"visitor_id":"{}","snapshots":[{{"events":[{}]}}]}})", id, event);
  };
  const auto body =
      fmt::format(R"({{"account_id":"12","visitors":[{},{},{}]}})", visitor("none", "{}"),
                  visitor("ann", click("a")), visitor("bob", click("b")));
  EXPECT_EQ(send(body).status, 204);
  EXPECT_EQ(send(body).status, 204);
  EXPECT_THAT(log_.routes, ElementsAre(Pair("12", "ann"), Pair("12", "ann")));
}

TEST_F(IntakeTest, UnzipsBodies) {
  for (const char* encoding : {"gzip", "GZIP", "x-gzip"})
    EXPECT_EQ(send(events::zip(body_of(click(encoding))), {{"Content-Encoding", encoding}}).status,
              204);
  EXPECT_EQ(kept().size(), 3U);
  const std::string whole = events::zip(body_of(click("a")));
  for (const std::string& broken :
       {whole.substr(0, whole.size() - 9), std::string("{}"), std::string()})
    EXPECT_EQ(send(broken, {{"Content-Encoding", "gzip"}}).status, 400);
  EXPECT_EQ(send("{}", {{"Content-Encoding", "br"}}).status, 415);
  EXPECT_EQ(send(whole, {{"Content-Encoding", "gzip"}, {"Content-Encoding", "gzip"}}).status, 415);
}

TEST_F(IntakeTest, RefusesGzipBombsSmallAndLarge) {
  const std::string small = body_of(click("a")) + std::string(500'000, ' ');
  const std::string large = body_of(click("a")) + std::string(30 << 20, ' ');
  for (const auto* text : {&small, &large}) {
    const Reply reply = send(events::zip(*text), {{"Content-Encoding", "gzip"}});
    EXPECT_EQ(reply.status, 413);
    EXPECT_EQ(reply.code(), "too_large");
  }
  EXPECT_TRUE(log_.routes.empty());
}

TEST_F(IntakeTest, TakesLargeBodiesOnThePool) {
  std::string events;
  for (int i = 0; i < 10'000; ++i) events += (i == 0 ? "" : ",") + click(fmt::format("u{}", i));
  const std::string body = body_of(events);
  ASSERT_GT(body.size(), 256U * 1024);
  EXPECT_EQ(send(body).status, 204);
  EXPECT_EQ(send(events::zip(body), {{"Content-Encoding", "gzip"}}).status, 204);
  EXPECT_THAT(counts_.all_received(), ElementsAre(Pair("12", 20'000)));
  EXPECT_EQ(counts_.bytes(), 2 * body.size());
}

TEST_F(IntakeTest, RefusesEventsThatRepeatTooMuchText) {
  std::string events;
  for (int i = 0; i < 1'000; ++i) events += (i == 0 ? "" : ",") + click(fmt::format("u{}", i));
  const Reply reply = send(fmt::format(
      R"({{"account_id":"12","visitors":[{{"visitor_id":"v","attributes":[{{"value":"{}"}}],"snapshots":[{{"events":[{}]}}]}}]}})",
      std::string(100'000, 'v'), events));
  EXPECT_EQ(reply.status, 413);
  EXPECT_TRUE(log_.routes.empty());
}

TEST_F(IntakeTest, KeepsDuplicatesForTheExporterToJudge) {
  EXPECT_EQ(send(body_of(click("a") + "," + click("a"))).status, 204);
  EXPECT_EQ(send(body_of(click("a"))).status, 204);
  EXPECT_EQ(kept().size(), 3U);
}

TEST_F(IntakeTest, LetsManyRequestsShareACommit) {
  std::vector<Ask> asks;
  asks.reserve(100);
  for (int i = 0; i < 100; ++i) asks.push_back(ask(body_of(click(fmt::format("u{}", i)))));
  for (const Reply& reply : fixture_.call_all(asks)) EXPECT_EQ(reply.status, 204);
  std::set<std::string_view> uuids;
  const auto events = kept();
  for (const auto& event : events) uuids.insert(event.uuid);
  EXPECT_EQ(uuids.size(), 100U);
}

TEST_F(IntakeTest, NeverLiesAboutALogThatFails) {
  for (const auto code : {ErrorCode::full, ErrorCode::unavailable, ErrorCode::io}) {
    log_calls_.fail_call(1, {code, "/secret/events: no space left"});
    const Reply reply = send(body_of(click("a")));
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.code(), "unavailable");
    EXPECT_NE(reply.header("Retry-After"), "");
    EXPECT_EQ(reply.body.find("secret"), std::string::npos);
  }
  EXPECT_THAT(counts_.all_received(), ElementsAre());
  EXPECT_THAT(counts_.all_dropped(), ElementsAre(Pair("12:unavailable", 3)));
  EXPECT_EQ(send(body_of(click("a"))).status, 204);
}

TEST_F(IntakeTest, WaitsForALogNoLongerThanItsLimit) {
  Options options = ServiceFixture::make_options();
  options.intake_wait = milliseconds(20);
  fixture_.rebuild(options);
  log_.silent = true;
  EXPECT_EQ(send(body_of(click("a"))).status, 503);
}

}  // namespace
}  // namespace valetkey::api
