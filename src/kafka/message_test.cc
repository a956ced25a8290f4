// SPDX-License-Identifier: Apache-2.0
#include "kafka/internal/message.h"

#include <gtest/gtest.h>

#include "events/event.h"
#include "events/testing/log_events.h"

namespace valetkey::kafka {
namespace {

using events::Event;
using events::records_of;

std::vector<std::string> uuids_of(const std::vector<std::string>& messages) {
  std::vector<std::string> out;
  for (const auto& each : messages) {
    const auto read = unpack(each);
    EXPECT_TRUE(read) << read.error().detail;
    Event event;
    for (std::size_t at = 0; at < read->records.size();) {
      EXPECT_TRUE(events::decode_event(read->records, at, event));
      out.emplace_back(event.uuid);
    }
  }
  return out;
}

// Ten events that share their visitor and its attributes, as a request brings them.
std::string shared_records() {
  std::string out;
  events::EventWriter writer(out);
  const std::string long_value(300, 'x');
  Event event;
  event.account_id = "12";
  event.visitor_id = "v";
  event.attributes.push_back({.id = "1", .name = "a", .type = "custom", .value = long_value});
  writer.begin_visitor();
  for (const auto* uuid : {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}) {
    event.uuid = uuid;
    writer.add(event, {}, {});
  }
  return out;
}

TEST(Message, IsOneWhereTheEventsFit) {
  const auto records = records_of({"a", "b"});
  const auto packed = pack(records, 2, records.size() + kHeaderBytes).value();
  ASSERT_EQ(packed.size(), 1U);
  EXPECT_EQ(packed[0].substr(0, kHeaderBytes), std::string("\1\2\0\0\0", 5)) << "docs/formats.md";
  EXPECT_EQ(unpack(packed[0])->records, records);
  EXPECT_EQ(unpack(packed[0])->count, 2U);
}

TEST(Message, IsCutBetweenEventsWhichTakeAlongWhatTheyShare) {
  const auto records = shared_records();
  for (const std::size_t most : {records.size() - 1, std::size_t{450}}) {
    const auto packed = pack(records, 10, most).value();
    EXPECT_GT(packed.size(), 1U);
    for (const auto& each : packed) {
      EXPECT_LE(each.size(), most);
      Event event;
      std::size_t at = 0;
      ASSERT_TRUE(events::decode_event(unpack(each)->records, at, event));
      EXPECT_EQ(event.attributes.size(), 1U) << "the rest has what was written before it";
    }
    EXPECT_EQ(uuids_of(packed),
              (std::vector<std::string>{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}));
  }
}

TEST(Message, RefusesAnEventThatIsLargerThanAMessage) {
  EXPECT_EQ(pack(shared_records(), 10, 300).error().code, ErrorCode::too_large);
}

TEST(Message, RefusesWhatWasNotPacked) {
  const auto good = pack(records_of({"a", "b"}), 2, 1000).value()[0];
  auto other_version = good, more = good, fewer = good, none = good;
  other_version[0] = 2;
  more[1] = 3;
  fewer[1] = 1;
  none = good.substr(0, kHeaderBytes);
  none[1] = 0;
  for (const auto& bad : {std::string(), good.substr(0, 4), good.substr(0, good.size() - 1),
                          good + "x", other_version, more, fewer, none})
    EXPECT_EQ(unpack(bad).error().code, ErrorCode::corrupt) << bad.size();
}

}  // namespace
}  // namespace valetkey::kafka
