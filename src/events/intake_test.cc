// SPDX-License-Identifier: Apache-2.0
#include "events/intake.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "events/event.h"
#include "events/internal/json_text.h"
#include "events/testing/intake_bodies.h"

namespace valetkey::events {
namespace {

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
      {R"({"uuid":"b","key":"k"})", Drop::timestamp},
      {R"({"uuid":"b","timestamp":null,"key":"k"})", Drop::timestamp},
      {R"({"uuid":"b","timestamp":"soon","key":"k"})", Drop::timestamp},
      {R"({"uuid":"b","timestamp":true,"key":"k"})", Drop::timestamp},
      {R"({"uuid":"b","timestamp":1e400,"key":"k"})", Drop::timestamp},
      {R"({"uuid":"b","timestamp":253402300800000,"key":"k"})", Drop::timestamp},
      {R"({"uuid":"b","timestamp":-62135596800001,"key":"k"})", Drop::timestamp},
      {R"({"uuid":"b","timestamp":99999999999999999999,"key":"k"})", Drop::timestamp},
      {R"("event")", Drop::event},
      {"17", Drop::event},
      {"null", Drop::event},
  };
  for (const auto& [event, why] : bad) {
    const auto body = body_of(fmt::format("{},{}", event, kClick));
    const auto kept = keep(body);
    EXPECT_EQ(kept.events.size(), 1U) << event;
    EXPECT_EQ(dropped(kept, why), 1U) << event;
    EXPECT_EQ(all_dropped(kept), 1U) << event;
    EXPECT_EQ(all_altered(kept), 0U) << event;
    const auto refused = parse_events(body, kContext, true);
    ASSERT_FALSE(refused) << event;
    EXPECT_EQ(refused.error().why, IntakeRefusal::Why::malformed);
  }
}

// Values of every shape that JSON has, and two that strict parsers refuse.
constexpr std::string_view kShapes[] = {"\"text\"",
                                        "\"\"",
                                        "17",
                                        "-1.5",
                                        "1e400",
                                        "-1e400",
                                        "12345678901234567890123",
                                        "true",
                                        "false",
                                        "null",
                                        "{}",
                                        "{\"a\":[1,{}]}",
                                        "[]",
                                        "[1,\"x\",null]",
                                        R"("\ud83d")",
                                        "\"a\xff\"",
                                        "\"\xe2\x82\"",
                                        "1e-400",
                                        "-0",
                                        R"("\u0000")",
                                        R"("\ue000x")"};

TEST(Intake, KeepsEventsWhateverTheShapeOfAnOptionalField) {
  constexpr std::string_view kDecisions = R"([{"campaign_id":"1","experiment_id":"2"}])";
  for (const auto shape : kShapes) {
    const auto keeps = [&](const std::string& body, std::string_view field) {
      const auto kept = keep(body);
      EXPECT_EQ(kept.events.size(), 2U) << field << ": " << shape;
      EXPECT_EQ(all_dropped(kept), 0U) << field << ": " << shape;
    };
    for (const char* field : {"entity_id", "type", "revenue", "value", "quantity", "tags", "other"})
      keeps(body_of(fmt::format(R"({},{{"uuid":"b","timestamp":2,"key":"k","{}":{}}})", kClick,
                                field, shape),
                    kDecisions),
            field);
    for (const char* field : {"client_name", "client_version", "revision", "anonymize_ip", "other"})
      keeps(fmt::format(R"({{"account_id":"12","{}":{},"visitors":[{{"visitor_id":"v",)"
                        R"("snapshots":[{{"events":[{},{}]}}]}}]}})",
                        field, shape, kClick, kClick),
            field);
    for (const char* field : {"session_id", "attributes", "other"})
      keeps(fmt::format(R"({{"account_id":"12","visitors":[{{"visitor_id":"v","{}":{},)"
                        R"("snapshots":[{{"events":[{},{}]}}]}}]}})",
                        field, shape, kClick, kClick),
            field);
    const std::string two = fmt::format("{},{}", kClick, kClick);
    keeps(body_of(two, shape), "decisions");
    keeps(body_of(two, fmt::format("[{}]", shape)), "a decision");
    keeps(body_of(two, "[]", fmt::format("[{}]", shape)), "an attribute");
    for (const char* field : {"campaign_id", "experiment_id", "is_campaign_holdback", "other"})
      keeps(body_of(two, fmt::format(R"([{{"{}":{}}}])", field, shape)), field);
    for (const char* field : {"entity_id", "key", "type", "value", "other"})
      keeps(body_of(two, "[]", fmt::format(R"([{{"{}":{}}}])", field, shape)), field);
    keeps(
        body_of(fmt::format(R"({},{{"uuid":"b","timestamp":2,"key":"k","tags":{{"a":{},"b":1}}}})",
                            kClick, shape)),
        "a tag");
  }
}

// The one event of `fields`, beside its uuid, timestamp and key.
Kept keep_event(std::string_view fields) {
  return keep(body_of(fmt::format(R"({{"uuid":"b","timestamp":2,"key":"k",{}}})", fields)));
}

TEST(Intake, KeepsObjectsAndListsInTagsAndAttributesAsJson) {
  const auto kept = keep_event(
      R"("tags":{"$opt_event_properties":{ "category" : "shoes" },"list":[1, 2.0, -0.5, "é\n\"",
      true, null, 12345678901234567890123, 1e400, {}],"empty":{}})");
  ASSERT_EQ(kept.events.size(), 1U);
  ASSERT_EQ(kept.events[0].tags.size(), 3U);
  EXPECT_EQ(kept.events[0].tags[0].value, R"({"category":"shoes"})");
  EXPECT_EQ(kept.events[0].tags[1].value,
            R"([1,2.0,-0.5,"é\n\"",true,null,12345678901234567890123,1e400,{}])");
  EXPECT_EQ(kept.events[0].tags[2].value, "{}");
  EXPECT_EQ(all_altered(kept), 0U);

  const auto attributed = keep(body_of(kClick, "[]", R"([{"key":"a","value":["x","\ud83d"]}])"));
  ASSERT_EQ(attributed.events.size(), 1U);
  EXPECT_EQ(attributed.events[0].attributes[0].value, "[\"x\",\"\xEF\xBF\xBD\"]");
  EXPECT_EQ(altered(attributed, Alteration::text), 1U);
}

TEST(Intake, TakesEventPropertiesInStrictModeToo) {
  const auto body = [](std::string_view tag, std::string_view value) {
    return body_of(
        fmt::format(R"({{"uuid":"b","timestamp":2,"key":"k","tags":{{"{}":{}}}}})", tag, value));
  };
  EXPECT_EQ(keep(body("$opt_event_properties", R"({"a":1})"), true).events.size(), 1U);
  EXPECT_FALSE(parse_events(body("other", R"({"a":1})"), kContext, true));
  EXPECT_FALSE(parse_events(body("$opt_event_properties", R"({"a":"\ud83d"})"), kContext, true));
}

TEST(Intake, ReadsNumbersThatAreWrittenAsText) {
  const auto kept = keep_event(R"("revenue":"4200","quantity":" 3.0 ","value":"1.5e1")");
  ASSERT_EQ(kept.events.size(), 1U);
  EXPECT_EQ(kept.events[0].revenue, 4200);
  EXPECT_EQ(kept.events[0].quantity, 3);
  EXPECT_EQ(kept.events[0].value, 15.0);
  EXPECT_EQ(all_altered(kept), 0U);
  for (const char* timestamp :
       {"\"1591022807394\"", "1591022807394.25", "\"1591022807394.9\"", "1.591022807394e12"}) {
    const auto read =
        keep(body_of(fmt::format(R"({{"uuid":"b","timestamp":{},"key":"k"}})", timestamp)));
    ASSERT_EQ(read.events.size(), 1U) << timestamp;
    EXPECT_EQ(epoch_ms(read.events[0].timestamp), 1591022807394) << timestamp;
  }
}

TEST(Intake, LeavesOutWhatIsNoNumberAndCountsIt) {
  for (const char* revenue : {"39.95", "\"39.95\"", "\"4200 EUR\"", "\"\"", "\"NaN\"", "\"inf\"",
                              "\"0x10\"", "{}", "[4200]", "true", "1e400", "\"1e400\"", "1e300",
                              "9223372036854775808", "99999999999999999999"}) {
    const auto kept = keep_event(fmt::format(R"("revenue":{},"value":2)", revenue));
    ASSERT_EQ(kept.events.size(), 1U) << revenue;
    EXPECT_EQ(kept.events[0].revenue, std::nullopt) << revenue;
    EXPECT_EQ(kept.events[0].value, 2.0) << revenue;
    EXPECT_EQ(altered(kept, Alteration::number), 1U) << revenue;
    EXPECT_EQ(all_altered(kept), 1U) << revenue;
  }
  EXPECT_EQ(keep_event(R"("revenue":9223372036854775807)").events.at(0).revenue, INT64_MAX);
  EXPECT_EQ(keep_event(R"("revenue":"9223372036854775807")").events.at(0).revenue, INT64_MAX);
  EXPECT_EQ(keep_event(R"("revenue":-9223372036854775808)").events.at(0).revenue, INT64_MIN);
}

TEST(Intake, CountsTimestampsThatReadAsSeconds) {
  const auto body = body_of(R"({"uuid":"b","timestamp":1591022807,"key":"k"})");
  const auto kept = keep(body);
  ASSERT_EQ(kept.events.size(), 1U);
  EXPECT_EQ(epoch_ms(kept.events[0].timestamp), 1591022807);
  EXPECT_EQ(altered(kept, Alteration::seconds), 1U);
  EXPECT_FALSE(parse_events(body, kContext, true));
}

TEST(Intake, LosesOneBadDecisionOrAttributeAlone) {
  const auto kept =
      keep(body_of(kClick, R"([{"campaign_id":"1"},{"campaign_id":{}},7,{"campaign_id":"4"}])",
                   R"([{"key":"a","value":"1"},"b",{"key":[],"value":"3"}])"));
  ASSERT_EQ(kept.events.size(), 1U);
  ASSERT_EQ(kept.events[0].decisions.size(), 2U);
  EXPECT_EQ(kept.events[0].decisions[1].campaign_id, "4");
  ASSERT_EQ(kept.events[0].attributes.size(), 2U);
  EXPECT_EQ(kept.events[0].attributes[1].name, std::nullopt);
  EXPECT_EQ(kept.events[0].attributes[1].value, "3");
  EXPECT_EQ(altered(kept, Alteration::decision), 2U);
  EXPECT_EQ(altered(kept, Alteration::attribute), 1U);
  EXPECT_EQ(altered(kept, Alteration::shape), 1U);
}

TEST(Intake, AnonymisesWhereItCannotTellWhetherToDoSo) {
  for (const char* asked : {"\"false\"", "0", "null", "{}", "1e400", "true"}) {
    const auto kept = keep(fmt::format(
        R"({{"account_id":"12","anonymize_ip":{},"visitors":[{{"visitor_id":"v","snapshots":[{{"events":[{}]}}]}}]}})",
        asked, kClick));
    ASSERT_EQ(kept.events.size(), 1U) << asked;
    EXPECT_EQ(kept.events[0].user_ip, "203.0.113.0") << asked;
  }
}

TEST(Intake, PassesOverAByteOrderMark) {
  EXPECT_EQ(keep("\xEF\xBB\xBF" + body_of(kClick)).events.size(), 1U);
  EXPECT_EQ(keep("\xEF\xBB\xBF" + body_of(kClick), true).events.size(), 1U);
  EXPECT_FALSE(parse_events("\xEF\xBB\xBF", kContext, false));
}

TEST(Intake, PutsOneReplacementForEachPartOfACharacter) {
  const auto kept =
      keep(body_of("{\"uuid\":\"b\",\"timestamp\":1,\"key\":\"a\xf0\x9f\x98"
                   "b\xff\xfe\xed\xa0\x80\xc3\"}"));
  ASSERT_EQ(kept.events.size(), 1U);
  const std::string r(kReplacement);
  EXPECT_EQ(kept.events[0].event_name, "a" + r + "b" + r + r + r + r + r + r);
  EXPECT_EQ(altered(kept, Alteration::text), 1U);
}

TEST(Intake, KeepsTheFirstOfARepeatedTag) {
  const auto kept = keep_event(R"("tags":{"a":1,"b":2,"a":3,"b":4,"c":5,"a":6})");
  ASSERT_EQ(kept.events.size(), 1U);
  const auto& tags = kept.events[0].tags;
  ASSERT_EQ(tags.size(), 3U);
  EXPECT_EQ(tags[0].value, "1");
  EXPECT_EQ(tags[1].value, "2");
  EXPECT_EQ(tags[2].value, "5");
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
                                 R"({"uuid":"b","timestamp":1,"key":"x\ud83d"})"));
  ASSERT_EQ(kept.events.size(), 2U);
  EXPECT_EQ(kept.events[0].event_name, "\xF0\x9F\x98\x80");
  EXPECT_EQ(kept.events[1].event_name, "x\xEF\xBF\xBD");
  EXPECT_EQ(altered(kept, Alteration::text), 1U);
}

TEST(Intake, CountsTheEventsThatAVisitorASnapshotOrARequestCosts) {
  const auto one = [](std::string_view visitors) {
    return fmt::format(R"({{"account_id":"12","visitors":{}}})", visitors);
  };
  std::string fifty(kClick);
  for (int i = 1; i < 50; ++i) fifty += fmt::format(",{}", kClick);
  const auto snapshots =
      fmt::format(R"("snapshots":[{{"events":[{}]}},{{"events":[{}]}}])", fifty, kClick);
  EXPECT_EQ(dropped(keep(one("[{" + snapshots + "}]")), Drop::visitor), 51U);
  EXPECT_EQ(dropped(keep(one(R"([{"visitor_id":{},)" + snapshots + "}]")), Drop::visitor), 51U);
  EXPECT_EQ(dropped(keep(one("{" + snapshots + "}")), Drop::request), 51U);
  EXPECT_EQ(dropped(keep(one("[7]")), Drop::visitor), 1U);
  EXPECT_EQ(dropped(keep(one(R"([{"snapshots":[]}])")), Drop::visitor), 0U);
  EXPECT_EQ(dropped(keep(one(R"([{"visitor_id":"v","snapshots":{}}])")), Drop::visitor), 0U);
  EXPECT_EQ(dropped(keep(one(R"([{"visitor_id":"v","snapshots":[1]}])")), Drop::snapshot), 1U);
  EXPECT_EQ(
      dropped(keep(one(R"([{"visitor_id":"v","snapshots":[{"events":{}}]}])")), Drop::snapshot),
      1U);
  EXPECT_EQ(dropped(keep(one("7")), Drop::request), 1U);
  const auto mistyped = keep(R"({"account":"12","visitors":[{)" + snapshots + "}]}");
  EXPECT_EQ(dropped(mistyped, Drop::account_id), 51U);
  EXPECT_EQ(mistyped.intake.named, "");
  EXPECT_EQ(keep(R"({"account_id":"x1"})").intake.named, "x1");
  EXPECT_EQ(dropped(keep(body_of(fifty, R"([{"campaign_id":[]}])")), Drop::snapshot), 0U);
  EXPECT_EQ(all_dropped(keep(one("null"))), 0U);
}

TEST(Intake, RefusesWhatIsNoObjectInBothModes) {
  for (const auto* body : {"", "{", "[]", "7", "{\"a\":}", "nul", "{}{}", "\xff"})
    for (const bool strict : {false, true}) {
      const auto refused = parse_events(body, kContext, strict);
      ASSERT_FALSE(refused) << body;
      EXPECT_EQ(refused.error().why, IntakeRefusal::Why::malformed) << body;
      const bool json = std::string_view(body) == "[]" || std::string_view(body) == "7";
      EXPECT_EQ(refused.error().message,
                json ? "The body is not a JSON object." : "The body is not valid JSON.");
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
                  .ends_with("(visitor 1, snapshot 1, event 2, field revenue)"));
  EXPECT_TRUE(said(body_of(good + R"(,{"timestamp":1,"key":"k"})"))
                  .ends_with("1 to 128 bytes. (visitor 1, snapshot 1, event 2)"));
}

}  // namespace
}  // namespace valetkey::events
