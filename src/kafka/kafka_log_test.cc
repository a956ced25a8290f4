// SPDX-License-Identifier: Apache-2.0
// On the brokers that the tier "engines" started; without them there is nothing here to run.
#include "kafka/kafka_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>

#include "base/testing/manual_clock.h"
#include "events/testing/event_log_conformance.h"
#include "kafka/internal/producer.h"
#include "kafka/testing/broker.h"

namespace valetkey::events {
namespace {

class InKafka final : public LogUnderTest {
 public:
  InKafka() { reopen(); }
  EventLog& log() override { return *log_; }
  void reopen() override {
    log_.reset();
    log_ = kafka::opened(options_, clock_);
  }

 private:
  kafka::LogOptions options_ = kafka::fresh_topic(kafka::running_brokers()->plain);
  SystemClock clock_;
  std::unique_ptr<EventLog> log_;
};
std::vector<MakeLogUnderTest> forms() {
  if (!kafka::running_brokers()) return {};
  return {[]() -> std::unique_ptr<LogUnderTest> { return std::make_unique<InKafka>(); }};
}
INSTANTIATE_TEST_SUITE_P(Kafka, EventLogConformance, testing::ValuesIn(forms()));

}  // namespace
}  // namespace valetkey::events

namespace valetkey::kafka {
namespace {

using events::append_events;
using events::read_events;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class KafkaLogTest : public testing::TestWithParam<Brokers> {
 protected:
  LogOptions options_ = fresh_topic(GetParam().plain);
  SystemClock clock_;
  unsigned of(std::string_view account) const {
    return events::partition_of({account, "v"}, options_.partitions, 1);
  }
  unsigned mine() const { return of("12"); }
  std::string refusal(const LogOptions& options) {
    const auto log = open_log(options, clock_);
    EXPECT_FALSE(log);
    return log ? "" : log.error().detail;
  }
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(KafkaLogTest);
INSTANTIATE_TEST_SUITE_P(Kafka, KafkaLogTest, testing::ValuesIn(brokers_to_test_on()));

std::string large_records(const std::vector<std::string>& uuids, std::size_t bytes) {
  std::string out;
  const std::string value(bytes, 'x');
  for (const auto& uuid : uuids) {
    events::Event event;
    event.account_id = "12";
    event.uuid = uuid;
    event.visitor_id = "v";
    event.tags.push_back({.key = "k", .value = value});
    encode_event(event, out);
  }
  return out;
}

TEST_P(KafkaLogTest, CutsARequestThatIsLargerThanAMessage) {
  const auto log = opened(options_, clock_);
  std::promise<Result<void>> done;
  const auto records = large_records({"a", "b", "c", "d"}, 5 << 20);
  log->append({"12", "v"}, records, 4, [&](Result<void> it) { done.set_value(std::move(it)); });
  const auto sent = done.get_future().get();
  ASSERT_TRUE(sent) << sent.error().detail;
  const auto read = read_events(*log, mine());
  EXPECT_EQ(read.uuids, (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_EQ(read.places.size(), 2U);
}

TEST_P(KafkaLogTest, RefusesAnEventThatNoMessageHolds) {
  const auto log = opened(options_, clock_);
  ErrorCode code{};
  log->append({"12", "v"}, large_records({"a"}, 20 << 20), 1,
              [&](const Result<void>& it) { code = it.error().code; });
  EXPECT_EQ(code, ErrorCode::too_large);
}

TEST_P(KafkaLogTest, RefusesATopicThatLosesEventsAndSaysTheCommandThatMendsIt) {
  make_topic(options_, {});  // a week, a megabyte
  EXPECT_THAT(refusal(options_), AllOf(HasSubstr("retention.ms is 604800000"), HasSubstr("--alter"),
                                       HasSubstr("--entity-name " + options_.topic),
                                       HasSubstr("max.message.bytes=12587008,retention.ms=-1")));
  const Settings good{{"retention.ms", "-1"}, {"max.message.bytes", "16777216"}};
  const auto with = [&](const char* name, const char* value) {
    options_.topic += "x";
    auto settings = good;
    settings.emplace_back(name, value);
    make_topic(options_, settings);
    return refusal(options_);
  };
  EXPECT_THAT(with("cleanup.policy", "compact"), HasSubstr("cleanup.policy is compact"));
  EXPECT_THAT(with("retention.bytes", "1000000"), HasSubstr("retention.bytes is 1000000"));
  EXPECT_THAT(with("unclean.leader.election.enable", "true"), HasSubstr("unclean"));
  options_.topic += "y";
  make_topic(options_, good);
  EXPECT_TRUE(open_log(options_, clock_)) << "made by an operator, as it must be";
}

TEST_P(KafkaLogTest, RefusesATopicOfAnotherShape) {
  ASSERT_TRUE(open_log(options_, clock_));
  auto other = options_;
  other.partitions = 4;
  EXPECT_THAT(refusal(other), HasSubstr("has 3 partitions and [events] partitions says 4"));
  other = options_;
  other.replicas = 3;
  EXPECT_THAT(refusal(other), HasSubstr("of 1 replicas and [events] replicas says 3"));
}

TEST_P(KafkaLogTest, SignsInOverTls) {
  const auto options = fresh_topic(GetParam().secure);
  const auto log = opened(options, clock_);
  EXPECT_TRUE(append_events(*log, {"a"}));
  EXPECT_EQ(read_events(*log, mine()).uuids, std::vector<std::string>{"a"});
}

TEST_P(KafkaLogTest, SaysWhatToDoWhereTheInstalledLibraryCannotSignInWithScram) {
  auto options = fresh_topic(GetParam().secure);
  options.connection.mechanism = "SCRAM-SHA-512";
  if (rd_kafka_version() < 0x020601ff)
    EXPECT_THAT(refusal(options), HasSubstr("set [events] mechanism = \"PLAIN\""));
  else
    EXPECT_TRUE(open_log(options, clock_));
}

TEST_P(KafkaLogTest, IsNotLetInWithAWrongPasswordOrByAStranger) {
  auto options = fresh_topic(GetParam().secure);
  options.connection.password = Secret("not-the-password");
  EXPECT_THAT(refusal(options), AllOf(HasSubstr("uthentication"), Not(HasSubstr("not-the"))));
  options = fresh_topic(GetParam().secure);
  options.connection.ca_file.clear();
  EXPECT_THAT(refusal(options), HasSubstr("certificate verify failed"));
}

TEST_P(KafkaLogTest, SaysWhereNobodyAnswers) {
  options_.connection.brokers = {"127.0.0.1:1"};
  EXPECT_THAT(refusal(options_), AllOf(HasSubstr("127.0.0.1:1"), HasSubstr("refused")));
}

TEST_P(KafkaLogTest, RefusesAtItsStartWhatIsNoMatterOfTimeThoughBrokersMayBeAway) {
  options_.may_wait = true;
  make_topic(options_, {});
  EXPECT_THAT(refusal(options_), HasSubstr("could lose events"));
  auto options = fresh_topic(GetParam().secure);
  options.may_wait = true;
  options.connection.password = Secret("not-the-password");
  EXPECT_THAT(refusal(options), HasSubstr("uthentication"));
  options = fresh_topic(GetParam().plain);
  options.may_wait = true;
  options.accept = [](const auto& ends) -> Result<void> {
    return fail(ErrorCode::invalid, fmt::format("{} ends", ends.size()));
  };
  EXPECT_EQ(refusal(options), "3 ends");
}

// Needs no broker.
TEST(KafkaLogWithoutBrokers, TakesAndGivesNothingAndSaysWhy) {
  LogOptions options;
  options.connection.brokers = {"127.0.0.1:1"};
  options.topic = "events";
  options.partitions = 3;
  options.may_wait = true;
  options.release_after = milliseconds(0);
  const SystemClock clock;
  const auto opened = open_log(options, clock);
  ASSERT_TRUE(opened) << opened.error().detail;
  auto& log = **opened;
  EXPECT_EQ(log.partitions(), 3U);
  EXPECT_THAT(log.stats(0).error().detail, AllOf(HasSubstr("127.0.0.1:1"), HasSubstr("refused")));
  EXPECT_EQ(log.stats(0).error().code, ErrorCode::unavailable);
  EXPECT_EQ(log.open(1, 0).error().code, ErrorCode::unavailable);
  EXPECT_TRUE(log.release(1, 7)) << "once it can";
  std::optional<ErrorCode> code;
  log.append({"12", "v"}, events::records_of({"a"}), 1,
             [&](const Result<void>& it) { code = it.error().code; });
  EXPECT_EQ(code, ErrorCode::unavailable) << "at once";
}

TEST_P(KafkaLogTest, ForgetsWhatWasReleasedAFenceLater) {
  ManualClock clock(clock_.now());
  options_.release_after = std::chrono::hours(1);
  const auto log = opened(options_, clock);
  const auto forgets = [&log](unsigned partition) {
    for (int left = 100; left > 0 && log->open(partition, 0); --left)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const auto reader = log->open(partition, 0);
    return !reader && reader.error().code == ErrorCode::not_found;
  };
  // Another partition's, released two minutes earlier: once it is forgotten, this one was looked at.
  std::string account = "13";
  while (of(account) == mine()) account += "3";
  ASSERT_TRUE(append_events(*log, {"earlier"}, account));
  const auto earlier = read_events(*log, of(account)).places.at(0);
  ASSERT_TRUE(log->release(of(account), earlier));
  clock.advance(std::chrono::minutes(2));
  ASSERT_TRUE(append_events(*log, {"a"}));
  ASSERT_TRUE(append_events(*log, {"b"}));
  const auto place = read_events(*log, mine()).places.at(0);
  ASSERT_TRUE(log->release(mine(), place));
  clock.advance(std::chrono::minutes(59));
  EXPECT_TRUE(forgets(of(account)));
  EXPECT_EQ(read_events(*log, mine()).uuids.size(), 2U) << "a ledger that fell back finds it";
  clock.advance(std::chrono::minutes(2));
  EXPECT_TRUE(forgets(mine()));
  EXPECT_EQ(read_events(*log, mine(), place).uuids, std::vector<std::string>{"b"});
}

TEST_P(KafkaLogTest, PassesOverAMessageThatHoldsNoEvents) {
  const auto log = opened(options_, clock_);
  ASSERT_TRUE(append_events(*log, {"a"}));
  write_message(options_, mine(), "not ours");
  write_message(options_, mine(), "");
  ASSERT_TRUE(append_events(*log, {"b"}));
  EXPECT_EQ(read_events(*log, mine()).uuids, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(log->stats(mine())->set_aside, 2U);
}

TEST_P(KafkaLogTest, RefusesMoreThanMayWait) {
  options_.max_queued_bytes = 4 << 20;
  const auto log = opened(options_, clock_);
  constexpr int kAppends = 200;
  const auto records = large_records({"a"}, 1 << 20);
  std::atomic<int> kept = 0, refused = 0;
  std::latch done(kAppends);
  for (int i = 0; i < kAppends; ++i)
    log->append({"12", "v"}, records, 1, [&](const Result<void>& it) {
      if (!it) EXPECT_EQ(it.error().code, ErrorCode::unavailable);
      ++(it ? kept : refused);
      done.count_down();
    });
  done.wait();
  EXPECT_GT(refused, 0);
  EXPECT_EQ(read_events(*log, mine()).uuids.size(), static_cast<std::size_t>(kept));
}

TEST_P(KafkaLogTest, ManyPartitionsCanBeReadInTurns) {
  options_.partitions = 6;
  const auto log = opened(options_, clock_);
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(append_events(*log, {"a", "b"}, std::to_string(i)));
  // Two readers of each, as an exporter that looks ahead has them, one step at a time.
  std::vector<std::unique_ptr<events::LogReader>> readers;
  for (unsigned i = 0; i < 12; ++i) readers.push_back(log->open(i / 2, 0).value());
  std::uint64_t events = 0;
  for (bool more = true; more;) {
    more = false;
    for (const auto& reader : readers) {
      std::string records;
      const auto piece = reader->next(records);
      ASSERT_TRUE(piece) << piece.error().detail;
      events += piece->count;
      more = more || piece->count > 0;
    }
  }
  EXPECT_EQ(events, 160U);
}

TEST_P(KafkaLogTest, AProducerThatCannotGoOnSaysSo) {
  ASSERT_TRUE(open_log(options_, clock_));
  const auto producer =
      Producer::open(options_, 8 << 20, [](unsigned, std::optional<events::Offset>) {}).value();
  rd_kafka_test_fatal_error(producer->client().get(),
                            RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "for a test");
  for (int left = 100; left > 0 && !producer->is_broken(); --left)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_TRUE(producer->is_broken());
  ErrorCode code{};
  producer->send(0, events::records_of({"a"}), 1,
                 [&](const Result<void>& it) { code = it.error().code; });
  EXPECT_EQ(code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace valetkey::kafka
