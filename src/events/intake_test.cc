// SPDX-License-Identifier: Apache-2.0
#include "events/intake.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "events/event.h"

namespace valetkey::events {
namespace {

const IntakeContext kContext{from_epoch_ms(1'600'000'000'000), "203.0.113.77", "agent", ""};

struct Kept {
  Intake intake;
  std::vector<Event> events;
};
Kept keep(std::string_view body, bool strict = false, const IntakeContext& context = kContext) {
  auto intake = parse_events(body, context, strict);
  EXPECT_TRUE(intake) << (intake ? "" : intake.error().message);
  Kept kept;
  if (!intake) return kept;
  kept.intake = std::move(*intake);
  for (std::string_view rest = kept.intake.records; !rest.empty();) {
    Event e;
    const auto decoded = decode_event(rest, e);
    EXPECT_TRUE(decoded);
    if (!decoded) break;
    kept.events.push_back(e);
  }
  EXPECT_EQ(kept.events.size(), kept.intake.events);
  return kept;
}
std::uint32_t dropped(const Kept& kept, Drop why) {
  return kept.intake.dropped[static_cast<std::size_t>(why)];
}
std::uint32_t all_dropped(const Kept& kept) {
  std::uint32_t sum = 0;
  for (const auto n : kept.intake.dropped) sum += n;
  return sum;
}

// One visitor whose one snapshot has these decisions and events.
std::string body_of(std::string_view events, std::string_view decisions = "[]",
                    std::string_view attributes = "[]") {
  return fmt::format(R"({{"account_id":"12","visitors":[{{"visitor_id":"v","attributes":{},)"
                     R"("snapshots":[{{"decisions":{},"events":[{}]}}]}}]}})",
                     attributes, decisions, events);
}
constexpr std::string_view kClick = R"({"uuid":"u","timestamp":1,"key":"click"})";

TEST(Intake, BoundsWhatEventsRepeat) {
  IntakeLimits limits;
  limits.max_record_bytes = 10'000;
  const auto body = [](int visitors_bytes) {
    std::string events;
    for (int i = 0; i < 10; ++i) events += (i == 0 ? "" : ",") + std::string(kClick);
    return fmt::format(
        R"({{"account_id":"12","visitors":[{{"visitor_id":"{}","snapshots":[{{"events":[{}]}}]}}]}})",
        std::string(visitors_bytes, 'v'), events);
  };
  EXPECT_TRUE(parse_events(body(100), kContext, false, limits));
  const auto refused = parse_events(body(1000), kContext, false, limits);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, 413);
}

TEST(Intake, MapsEveryFieldToItsColumn) {
  const auto kept = keep(R"({
    "account_id": 596780373, "project_id": "9", "client_name": "python-sdk",
    "client_version": "4.1", "revision": 17, "anonymize_ip": false, "enrich_decisions": true,
    "visitors": [{
      "session_id": "AUTO", "visitor_id": 7,
      "attributes": [{"entity_id": 5, "key": "plan", "type": "custom", "value": true},
                     {"key": "n", "value": "\uE0001.5"}, {"key": "x", "value": null}],
      "snapshots": [{
        "events": [{"uuid": 1, "timestamp": 1600089688123, "entity_id": "77", "key": "purchase",
                    "type": "purchase", "value": 3, "quantity": 2, "revenue": 3995,
                    "tags": {"color": "red", "n": 1, "b": false, "z": null},
                    "properties": {"a": {"deep": []}}}],
        "decisions": [{"campaign_id": 1, "experiment_id": null, "variation_id": "3",
                       "is_campaign_holdback": false}]}]}]})");
  ASSERT_EQ(kept.events.size(), 1U);
  const auto& e = kept.events[0];
  EXPECT_EQ(e.kind, EventKind::conversion);
  EXPECT_EQ(e.account_id, "596780373");
  EXPECT_EQ(e.uuid, "1");
  EXPECT_EQ(e.received, kContext.now);
  EXPECT_EQ(epoch_ms(e.timestamp), 1600089688123);
  EXPECT_EQ(e.visitor_id, "7");
  EXPECT_EQ(e.session_id, "AUTO");
  EXPECT_EQ(e.user_ip, "203.0.113.77");
  EXPECT_EQ(e.user_agent, "agent");
  EXPECT_EQ(e.referer, std::nullopt);
  EXPECT_EQ(e.revision, "17");
  EXPECT_EQ(e.client_engine, "python-sdk");
  EXPECT_EQ(e.client_version, "4.1");
  EXPECT_EQ(e.entity_id, "77");
  EXPECT_EQ(e.event_type, "purchase");
  EXPECT_EQ(e.event_name, "purchase");
  EXPECT_EQ(e.revenue, 3995);
  EXPECT_EQ(e.value, 3.0);
  EXPECT_EQ(e.quantity, 2);
  ASSERT_EQ(e.attributes.size(), 3U);
  EXPECT_EQ(e.attributes[0].id, "5");
  EXPECT_EQ(e.attributes[0].value, "true");
  EXPECT_EQ(e.attributes[1].value, "1.5");
  EXPECT_EQ(e.attributes[2].value, std::nullopt);
  ASSERT_EQ(e.decisions.size(), 1U);
  EXPECT_EQ(e.decisions[0].campaign_id, "1");
  EXPECT_EQ(e.decisions[0].experiment_id, std::nullopt);
  EXPECT_EQ(e.decisions[0].is_holdback, false);
  ASSERT_EQ(e.tags.size(), 4U);
  EXPECT_EQ(e.tags[1].value, "1");
  EXPECT_EQ(e.tags[3].value, std::nullopt);
}

TEST(Intake, TurnsAnActivationIntoTheDecisionsOfItsCampaign) {
  const std::string decisions =
      R"([{"campaign_id":"1","experiment_id":"a"},{"campaign_id":"2","experiment_id":"b"},)"
      R"({"campaign_id":"1","experiment_id":"c"}])";
  const auto matched = keep(body_of(
      R"({"uuid":"u","timestamp":1,"entity_id":"1","type":"campaign_activated"})", decisions));
  ASSERT_EQ(matched.events.size(), 1U);
  EXPECT_EQ(matched.events[0].kind, EventKind::activation);
  ASSERT_EQ(matched.events[0].rows(), 2U);
  EXPECT_EQ(matched.events[0].decisions[1].experiment_id, "c");

  const auto all = keep(body_of(
      R"({"uuid":"u","timestamp":1,"entity_id":"9","type":"campaign_activated"})", decisions));
  ASSERT_EQ(all.events.size(), 1U);
  EXPECT_EQ(all.events[0].rows(), 3U);

  const auto none = keep(body_of(R"({"uuid":"u","timestamp":1,"type":"campaign_activated"})"));
  EXPECT_TRUE(none.events.empty());
  EXPECT_EQ(dropped(none, Drop::no_decision), 1U);
}

TEST(Intake, KnowsAnActivationThatHasAKeyAndNoType) {
  const auto sent = keep(body_of(
      R"({"uuid":"a","timestamp":1,"entity_id":"1","key":"campaign_activated"},
         {"uuid":"b","timestamp":1,"entity_id":"1","key":"campaign_activated","type":"custom"})",
      R"([{"campaign_id":"1","experiment_id":"a"}])"));
  ASSERT_EQ(sent.events.size(), 2U);
  EXPECT_EQ(sent.events[0].kind, EventKind::activation);
  EXPECT_EQ(sent.events[0].rows(), 1U);
  EXPECT_EQ(sent.events[1].kind, EventKind::conversion);

  const auto without = keep(body_of(R"({"uuid":"c","timestamp":1,"key":"campaign_activated"})"));
  ASSERT_EQ(without.events.size(), 1U);
  EXPECT_EQ(without.events[0].kind, EventKind::conversion);
}

TEST(Intake, NamesABlankConversionAfterItsEntityAndDropsAnIncompleteOne) {
  const auto kept = keep(body_of(R"({"uuid":"a","timestamp":1,"entity_id":5,"key":"  "},
                                    {"uuid":"b","timestamp":1,"key":""},
                                    {"uuid":"c","timestamp":1})"));
  ASSERT_EQ(kept.events.size(), 1U);
  EXPECT_EQ(kept.events[0].event_name, "5");
  EXPECT_EQ(dropped(kept, Drop::incomplete), 2U);
}

TEST(Intake, AnonymisesTheAddressUnlessToldOtherwise) {
  EXPECT_EQ(keep(body_of(kClick)).events.at(0).user_ip, "203.0.113.0");
  EXPECT_EQ(anonymize_address("2001:db8:1:2:3:4:5:6"), "2001:db8:1::");
  EXPECT_EQ(anonymize_address("10.1.2.3"), "10.1.2.0");
  EXPECT_EQ(anonymize_address("not an address"), "");
}

TEST(Intake, KeepsTheGoodEventsBesideEachKindOfBadOne) {
  const std::pair<std::string_view, Drop> bad[] = {
      {R"({"timestamp":1,"key":"k"})", Drop::uuid},
      {R"({"uuid":"","timestamp":1,"key":"k"})", Drop::uuid},
      {R"({"uuid":[],"timestamp":1,"key":"k"})", Drop::uuid},
      {R"({"uuid":"b","key":"k"})", Drop::timestamp},
      {R"({"uuid":"b","timestamp":"1","key":"k"})", Drop::timestamp},
      {R"({"uuid":"b","timestamp":1.5,"key":"k"})", Drop::timestamp},
      {R"({"uuid":"b","timestamp":253402300800000,"key":"k"})", Drop::timestamp},
      {R"({"uuid":"b","timestamp":-62135596800001,"key":"k"})", Drop::timestamp},
      {R"({"uuid":"b","timestamp":99999999999999999999,"key":"k"})", Drop::timestamp},
      {R"({"uuid":"b","timestamp":1,"key":{}})", Drop::event},
      {R"({"uuid":"b","timestamp":1,"key":"k","revenue":1.5})", Drop::event},
      {R"({"uuid":"b","timestamp":1,"key":"k","revenue":"7"})", Drop::event},
      {R"({"uuid":"b","timestamp":1,"key":"k","revenue":99999999999999999999})", Drop::event},
      {R"({"uuid":"b","timestamp":1,"key":"k","value":"7"})", Drop::event},
      {R"({"uuid":"b","timestamp":1,"key":"k","quantity":true})", Drop::event},
      {R"({"uuid":"b","timestamp":1,"key":"k","tags":[]})", Drop::event},
      {R"({"uuid":"b","timestamp":1,"key":"k","tags":{"a":{}}})", Drop::event},
      {R"({"uuid":"b","timestamp":1,"key":"\ud800"})", Drop::text},
      {"{\"uuid\":\"b\",\"timestamp\":1,\"key\":\"\xff\"}", Drop::text},
      {R"({"uuid":"b","timestamp":1,"key":"k","tags":{"\udc00":"x"}})", Drop::text},
      {R"("event")", Drop::event},
      {"17", Drop::event},
  };
  for (const auto& [event, why] : bad) {
    const auto body = body_of(fmt::format("{},{}", event, kClick));
    const auto kept = keep(body);
    EXPECT_EQ(kept.events.size(), 1U) << event;
    EXPECT_EQ(dropped(kept, why), 1U) << event;
    EXPECT_EQ(all_dropped(kept), 1U) << event;
    const auto refused = parse_events(body, kContext, true);
    ASSERT_FALSE(refused) << event;
    EXPECT_EQ(refused.error().status, 400);
  }
}

TEST(Intake, KeepsTimestampsOfAllYearsThatDatesHave) {
  for (const auto* ms : {"-62135596800000", "-1", "0", "32503680000000", "253402300799999"}) {
    const auto kept = keep(body_of(fmt::format(R"({{"uuid":"u","timestamp":{},"key":"k"}})", ms)));
    ASSERT_EQ(kept.events.size(), 1U) << ms;
    EXPECT_EQ(fmt::format("{}", epoch_ms(kept.events[0].timestamp)), ms);
  }
}

TEST(Intake, KeepsLongNumbersAsTheyWereWritten) {
  const auto kept = keep(body_of(R"({"uuid":12345678901234567890123,"timestamp":1,"key":"k"})"));
  ASSERT_EQ(kept.events.size(), 1U);
  EXPECT_EQ(kept.events[0].uuid, "12345678901234567890123");
}

TEST(Intake, KeepsSurrogatePairsWhileMendingLoneOnes) {
  const auto kept = keep(body_of(R"({"uuid":"a","timestamp":1,"key":"\ud83d\ude00"},)"
                                 R"({"uuid":"b","timestamp":1,"key":"\ud83d"})"));
  ASSERT_EQ(kept.events.size(), 1U);
  EXPECT_EQ(kept.events[0].event_name, "\xF0\x9F\x98\x80");
  EXPECT_EQ(dropped(kept, Drop::text), 1U);
}

TEST(Intake, DropsVisitorsSnapshotsAndRequestsThatItCannotUse) {
  const auto one = [](std::string_view visitors) {
    return fmt::format(R"({{"account_id":"12","visitors":{}}})", visitors);
  };
  EXPECT_EQ(dropped(keep(one(R"([7])")), Drop::visitor), 1U);
  EXPECT_EQ(dropped(keep(one(R"([{"snapshots":[]}])")), Drop::visitor), 1U);
  EXPECT_EQ(dropped(keep(one(R"([{"visitor_id":""}])")), Drop::visitor), 1U);
  EXPECT_EQ(dropped(keep(one(R"([{"visitor_id":"v","snapshots":{}}])")), Drop::visitor), 1U);
  EXPECT_EQ(dropped(keep(one(R"([{"visitor_id":"v","attributes":[1]}])")), Drop::visitor), 1U);
  EXPECT_EQ(dropped(keep(one(R"([{"visitor_id":"v","snapshots":[1]}])")), Drop::snapshot), 1U);
  EXPECT_EQ(dropped(keep(one("{}")), Drop::request), 1U);
  EXPECT_EQ(
      dropped(keep(R"({"account_id":"12","anonymize_ip":"no","visitors":[]})"), Drop::request), 1U);
  EXPECT_EQ(dropped(keep(R"({"account_id":"x1","visitors":[]})"), Drop::account_id), 1U);
  EXPECT_EQ(dropped(keep("{}"), Drop::account_id), 1U);
  EXPECT_EQ(dropped(keep(body_of(kClick, "[1]")), Drop::snapshot), 1U);
  EXPECT_EQ(all_dropped(keep(one("null"))), 0U);
}

TEST(Intake, RefusesWhatIsNoObjectInBothModes) {
  for (const auto* body : {"", "{", "[]", "7", "{\"a\":}", "nul", "{}{}", "\xff"})
    for (const bool strict : {false, true}) {
      const auto refused = parse_events(body, kContext, strict);
      ASSERT_FALSE(refused) << body;
      EXPECT_EQ(refused.error().status, 400) << body;
    }
}

TEST(Intake, SaysWhereAndInWhichFieldTheFirstFaultIs) {
  const auto said = [](const std::string& body) {
    const auto refused = parse_events(body, kContext, true);
    return refused ? std::string() : refused.error().message;
  };
  EXPECT_EQ(said("{}"), "account_id must be 1 to 20 digits.");
  EXPECT_TRUE(
      said(R"({"account_id":"12","revision":[]})").ends_with("wrong type. (field revision)"));
  EXPECT_TRUE(said(R"({"account_id":"12","visitors":[{"visitor_id":"a"},{"visitor_id":"a",)"
                   R"("attributes":7}]})")
                  .ends_with("(visitor 2, field attributes)"));
  const std::string good(kClick);
  EXPECT_TRUE(said(body_of(good, "[7]")).ends_with("(visitor 1, snapshot 1, field decisions)"));
  EXPECT_TRUE(said(body_of(good + R"(,{"uuid":"a","timestamp":1,"key":"k","revenue":1.5})"))
                  .ends_with("(visitor 1, snapshot 1, event 2, field revenue)"));
  EXPECT_TRUE(said(body_of(good + R"(,{"timestamp":1,"key":"k","revenue":1.5})"))
                  .ends_with("1 to 128 bytes. (visitor 1, snapshot 1, event 2)"));
}

TEST(Intake, LimitsDepthAndNestedValues) {
  const auto nested = [](std::size_t depth) {
    return R"({"account_id":"12","x":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_TRUE(parse_events(nested(20), kContext, false));
  EXPECT_EQ(parse_events(nested(40), kContext, false).error().status, 400);
  EXPECT_EQ(parse_events(nested(100'000), kContext, false).error().status, 400);

  std::string decisions = "[", events;
  for (int i = 0; i < 1000; ++i) decisions += R"({"campaign_id":"1"},)";
  decisions.back() = ']';
  for (int i = 0; i < 51; ++i) events += std::string(kClick) + ",";
  events.pop_back();
  EXPECT_EQ(parse_events(body_of(events, decisions), kContext, false).error().status, 413);
  decisions.back() = ',';
  EXPECT_EQ(dropped(keep(body_of(kClick, decisions + "{}]")), Drop::snapshot), 1U);
}

TEST(Intake, SurvivesAHundredThousandTags) {
  std::string tags = "{";
  for (int i = 0; i < 100'000; ++i) tags += fmt::format(R"("t{}":1,)", i);
  tags.back() = '}';
  const auto refused = parse_events(
      body_of(fmt::format(R"({{"uuid":"u","timestamp":1,"key":"k","tags":{}}})", tags)), kContext,
      false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, 413);
}

std::string zip(std::string_view text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  std::string in(text);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(Unzip, ReadsWhatGzipWrites) {
  EXPECT_EQ(unzip(zip("")).value(), "");
  EXPECT_EQ(unzip(zip("hello")).value(), "hello");
  EXPECT_EQ(unzip(zip("hello ") + zip("again")).value(), "hello again");
  std::string large;
  for (int i = 0; i < 200'000; ++i) large += fmt::format("{},", i * 7919 % 100'003);
  EXPECT_EQ(unzip(zip(large)).value(), large);
}

TEST(Unzip, TakesManyMembersInAMoment) {
  std::string many;
  const auto empty = zip("");
  for (int i = 0; i < 150'000; ++i) many += empty;  // 3 MB: quadratic work would take minutes
  EXPECT_EQ(unzip(many).value(), "");
}

TEST(Unzip, RefusesTruncationsAndBombs) {
  const auto zipped = zip("hello, hello, hello");
  for (std::size_t n = 0; n < zipped.size(); ++n)
    EXPECT_EQ(unzip(zipped.substr(0, n)).error().status, 400) << n;
  EXPECT_EQ(unzip("not gzip at all").error().status, 400);
  EXPECT_EQ(unzip(zipped + "trailing").error().status, 400);
  EXPECT_EQ(unzip(zip(std::string(50 << 20, 'a'))).error().status, 413);
  EXPECT_EQ(unzip(zip(std::string(9 << 20, 'a'))).error().status, 413) << "ratio above 100";
}

}  // namespace
}  // namespace valetkey::events
