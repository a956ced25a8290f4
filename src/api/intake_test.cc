// SPDX-License-Identifier: Apache-2.0
#include "api/intake.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <atomic>
#include <map>
#include <set>

#include "api/testing/service_fixture.h"
#include "events/event.h"
#include "events/file_log.h"

namespace valetkey::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

class Counts final : public IntakeHooks {
 public:
  void received(const AccountId& account, std::uint64_t events, std::uint64_t bytes) override {
    const std::lock_guard lock(mutex_);
    received_[account.str()] += events;
    bytes_ += bytes;
  }
  void dropped(std::string_view account, std::string_view reason, std::uint64_t count) override {
    const std::lock_guard lock(mutex_);
    dropped_[fmt::format("{}:{}", account, reason)] += count;
  }
  void altered(const AccountId& account, std::string_view reason, std::uint64_t count) override {
    const std::lock_guard lock(mutex_);
    altered_[fmt::format("{}:{}", account.str(), reason)] += count;
  }
  void unknown(std::string_view named, std::uint64_t events) override {
    const std::lock_guard lock(mutex_);
    unknown_[std::string(named)] += events;
  }
  const std::map<std::string, std::uint64_t>& all_altered() const { return altered_; }
  const std::map<std::string, std::uint64_t>& all_unknown() const { return unknown_; }
  const std::map<std::string, std::uint64_t>& all_received() const { return received_; }
  const std::map<std::string, std::uint64_t>& all_dropped() const { return dropped_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::mutex mutex_;
  std::map<std::string, std::uint64_t> received_, dropped_, altered_, unknown_;
  std::uint64_t bytes_ = 0;
};

// The faulty form of the log: refuses with `error`, or keeps silent.
class FaultyLog final : public events::EventLog {
 public:
  explicit FaultyLog(EventLog& inner) : inner_(inner) {}
  std::optional<Error> error;
  bool silent = false;
  int appends = 0;
  std::vector<std::pair<std::string, std::string>> routes;  // account and visitor
  void append(const events::Route& route, std::string records, std::size_t count,
              Done done) override {
    ++appends;
    routes.emplace_back(route.account, route.visitor);
    if (silent) return;
    if (error) return done(std::unexpected(*error));
    inner_.append(route, std::move(records), count, std::move(done));
  }
  unsigned partitions() const override { return inner_.partitions(); }
  Result<std::unique_ptr<events::LogReader>> open(unsigned p, events::Offset from) override {
    return inner_.open(p, from);
  }
  Result<void> release(unsigned p, events::Offset before) override {
    return inner_.release(p, before);
  }
  Result<events::LogStats> stats(unsigned p) const override { return inner_.stats(p); }

 private:
  EventLog& inner_;
};

std::string gzip(std::string_view text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 32, '\0');
  std::string in(text);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string click(std::string_view uuid) {
  return fmt::format(R"({{"uuid":"{}","timestamp":1,"key":"click"}})", uuid);
}
std::string body_of(std::string_view events, std::string_view account = "12") {
  return fmt::format(
      R"({{"account_id":"{}","visitors":[{{"visitor_id":"v","snapshots":[{{"events":[{}]}}]}}]}})",
      account, events);
}

class IntakeTest : public testing::Test {
 protected:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  IntakeTest() { fixture_.use_log(&log_, &counts_); }
  Ask ask(std::string body, Headers headers = {}) const {
    return {.method = http::Method::post,
            .target = "/v1/events",
            .headers = std::move(headers),
            .body = std::move(body)};
  }
  Reply send(std::string body, Headers headers = {}) {
    return fixture_.call(ask(std::move(body), std::move(headers)));
  }
  void set_policy(const control::AccountPolicy& policy) {
    ASSERT_TRUE(fixture_.sqlite().set_policy(account_, policy, fixture_.now()));
    fixture_.feed().poll();
  }
  // What the log holds, of each account in order.
  std::vector<events::Event> kept() {
    held_.clear();
    std::uint64_t count = 0;
    for (unsigned partition = 0; partition < log_.partitions(); ++partition) {
      const auto reader = log_.open(partition, 0).value();
      while (const auto more = reader->next(held_)->count) count += more;
    }
    std::vector<events::Event> all;
    for (std::size_t at = 0; at < held_.size();) {
      events::Event event;
      if (!events::decode_event(held_, at, event)) break;
      all.push_back(event);
    }
    EXPECT_EQ(all.size(), count);
    return all;
  }

  TemporaryFolder folder_;
  const AccountId account_ = AccountId::parse("12").value();
  ServiceFixture fixture_;
  Counts counts_;
  std::unique_ptr<events::EventLog> file_ =
      events::open_file_log({.folder = folder_.path() / "events"}, fixture_.keys(),
                            fixture_.clock())
          .value();
  FaultyLog log_{*file_};
  std::string held_;
};

TEST_F(IntakeTest, BillsTheAccountForWhatWasTakenIn) {
  ASSERT_EQ(send(body_of(click("a") + "," + click("b"))).status, 204);
  ASSERT_EQ(send(body_of(click("c"), "999")).status, 204) << "of no account: nobody pays";
  ASSERT_TRUE(fixture_.usage().flush());
  const Date today = date_of(fixture_.now());
  const auto usage = fixture_.sqlite().usage(std::nullopt, today, today).value();
  ASSERT_EQ(usage.size(), 1U);
  EXPECT_EQ(usage[0].account, account_);
  EXPECT_EQ(usage[0].counts.events, 2U);
  EXPECT_EQ(usage[0].counts.event_bytes, body_of(click("a") + "," + click("b")).size());
}

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
  EXPECT_EQ(log_.appends, 1);
}

TEST_F(IntakeTest, RefusesAllOfAStrictRequest) {
  const Headers strict{{"x-optimizely-strict", "TRUE"}};
  const Reply reply = send(body_of(click("good") + "," + click("")), strict);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.code(), "invalid_request");
  EXPECT_THAT(reply.text("message"), HasSubstr("uuid"));
  EXPECT_EQ(send(R"({"account_id":"x"})", strict).status, 400);
  EXPECT_EQ(log_.appends, 0);
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

TEST_F(IntakeTest, DropsEventsOfAccountsThatTakeNone) {
  ASSERT_TRUE(fixture_.sqlite().set_account_state(account_, control::AccountState::suspended,
                                                  fixture_.now()));
  fixture_.feed().poll();
  for (const char* account : {"12", "999"}) {
    EXPECT_EQ(send(body_of(click("a") + "," + click("b"), account)).status, 204);
    const Reply strict = send(body_of(click("a"), account), {{"X-Optimizely-Strict", "true"}});
    EXPECT_EQ(strict.status, 400);
    EXPECT_EQ(strict.text("message"), "This account_id takes no events.");
  }
  EXPECT_EQ(log_.appends, 0);
  EXPECT_THAT(counts_.all_dropped(),
              UnorderedElementsAre(Pair("12:suspended_account", 3), Pair(":unknown_account", 3)));
}

TEST_F(IntakeTest, TellsOfEventsWhoseAccountDoesNotExist) {
  for (
      const std::string& body :
      {body_of(click("a") + "," + click("b"), "999"), body_of(click("a"), "x\\u001b[2J\xc3\xa9"),
       std::string(
           R"({"account":"12","visitors":[{"visitor_id":"v","snapshots":[{"events":[{},{},{}]}]}]})"),
       std::string("{}"), std::string(R"({"account":"123","visitors":{}})")})
    EXPECT_EQ(send(body).status, 204);
  EXPECT_THAT(counts_.all_unknown(),
              UnorderedElementsAre(Pair("999", 2), Pair("x?[2J??", 1), Pair("", 5)));
  EXPECT_THAT(counts_.all_dropped(),
              UnorderedElementsAre(Pair(":unknown_account", 2), Pair(":account_id", 6)));
}

TEST_F(IntakeTest, TellsOfStrictRequestsWithoutAUsableAccount) {
  for (const char* account : {"12x", ""}) {
    const Reply reply =
        send(body_of(click("a") + "," + click("b"), account), {{"X-Optimizely-Strict", "true"}});
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.text("message"), "account_id must be 1 to 20 digits.");
  }
  EXPECT_THAT(counts_.all_unknown(), UnorderedElementsAre(Pair("12x", 2), Pair("", 2)));
  EXPECT_THAT(counts_.all_dropped(), UnorderedElementsAre(Pair(":account_id", 4)));
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
  const std::string body = gzip(fmt::format(
      R"({{"account_id":"12","visitors":[{{"visitor_id":"v","attributes":[{}],"snapshots":[{{"decisions":[{}],"events":[{}]}}]}}]}})",
      attributes, decisions, events));
  EXPECT_LT(body.size(), 400U);
  EXPECT_EQ(send(body, {{"Content-Encoding", "gzip"}}).status, 413);
  EXPECT_EQ(log_.appends, 0);
}

// 2,300 events of one visitor with a long id and a long User-Agent: 1.4 KB each with gzip.
TEST_F(IntakeTest, StoresLittleOfRequestsThatShareLongFields) {
  std::string events;
  for (int i = 0; i < 2300; ++i) events += (i == 0 ? "" : ",") + click(fmt::format("u{}", i));
  const std::string body = gzip(fmt::format(
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

TEST_F(IntakeTest, FollowsTheStateOfAnAccount) {
  EXPECT_EQ(send(body_of(click("a"))).status, 204);
  ASSERT_TRUE(fixture_.sqlite().set_account_state(account_, control::AccountState::deleted,
                                                  fixture_.now()));
  fixture_.feed().poll();
  send(body_of(click("b")));
  EXPECT_EQ(log_.appends, 1);
  send(body_of(click("c"), "5"));
  ASSERT_TRUE(fixture_.sqlite().create_account(AccountId::parse("5").value(), "", fixture_.now()));
  fixture_.feed().poll();
  send(body_of(click("d"), "5"));
  EXPECT_EQ(log_.appends, 2);
}

TEST_F(IntakeTest, AsksTheStoreOncePerAccountKnownOrNot) {
  for (const char* account : {"12", "999"}) {
    send(body_of(click("a"), account));
    const std::int64_t before = fixture_.store().calls();
    for (int i = 0; i < 5; ++i) send(body_of(click("b"), account));
    EXPECT_EQ(fixture_.store().calls(), before) << account;
  }
}

TEST_F(IntakeTest, SaysUnavailableWhileTheStoreFails) {
  for (const int call : {1, 2}) {  // the account, its policy
    fixture_.store().fail_call(call, {ErrorCode::io, "/secret/control.db: broken"});
    const Reply reply = send(body_of(click("a")));
    EXPECT_EQ(reply.status, 503) << call;
    EXPECT_EQ(reply.header("Retry-After"), "1");
    EXPECT_EQ(reply.body.find("secret"), std::string::npos);
  }
  EXPECT_EQ(send(body_of(click("a"))).status, 204);
}

TEST_F(IntakeTest, UnzipsBodies) {
  for (const char* encoding : {"gzip", "GZIP", "x-gzip"})
    EXPECT_EQ(send(gzip(body_of(click(encoding))), {{"Content-Encoding", encoding}}).status, 204);
  EXPECT_EQ(kept().size(), 3U);
  const std::string whole = gzip(body_of(click("a")));
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
    const Reply reply = send(gzip(*text), {{"Content-Encoding", "gzip"}});
    EXPECT_EQ(reply.status, 413);
    EXPECT_EQ(reply.code(), "too_large");
  }
  EXPECT_EQ(log_.appends, 0);
}

TEST_F(IntakeTest, TakesLargeBodiesOnThePool) {
  std::string events;
  for (int i = 0; i < 10'000; ++i) events += (i == 0 ? "" : ",") + click(fmt::format("u{}", i));
  const std::string body = body_of(events);
  ASSERT_GT(body.size(), 256U * 1024);
  EXPECT_EQ(send(body).status, 204);
  EXPECT_EQ(send(gzip(body), {{"Content-Encoding", "gzip"}}).status, 204);
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
  EXPECT_EQ(log_.appends, 0);
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
    log_.error = Error{code, "/secret/events: no space left"};
    const Reply reply = send(body_of(click("a")));
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.code(), "unavailable");
    EXPECT_NE(reply.header("Retry-After"), "");
    EXPECT_EQ(reply.body.find("secret"), std::string::npos);
  }
  EXPECT_THAT(counts_.all_received(), ElementsAre());
  EXPECT_THAT(counts_.all_dropped(), ElementsAre(Pair("12:unavailable", 3)));
  log_.error.reset();
  EXPECT_EQ(send(body_of(click("a"))).status, 204);
}

TEST_F(IntakeTest, WaitsForALogNoLongerThanItsLimit) {
  Options options = ServiceFixture::make_options();
  options.intake_wait = milliseconds(20);
  fixture_.rebuild(options);
  log_.silent = true;
  EXPECT_EQ(send(body_of(click("a"))).status, 503);
}

TEST_F(IntakeTest, AsksForAnIngestKeyWhereTheAccountHasOne) {
  control::AccountPolicy policy;
  policy.ingest_key_sha256 = as_text(sha256("open sesame"));
  set_policy(policy);
  const Reply without = send(body_of(click("a")));
  EXPECT_EQ(without.status, 403);
  EXPECT_EQ(without.code(), "forbidden");
  EXPECT_EQ(send(body_of(click("a")), {{"X-Valetkey-Ingest-Key", "open sesam"}}).status, 403);
  EXPECT_EQ(send(body_of(click("a")), {{"X-Valetkey-Ingest-Key", ""}}).status, 403);
  EXPECT_EQ(send(body_of(click("a")), {{"Origin", "https://shop.example"}}).status, 403);
  EXPECT_EQ(log_.appends, 0);
  EXPECT_EQ(send(body_of(click("a")), {{"x-valetkey-ingest-key", "open sesame"}}).status, 204);
  EXPECT_EQ(counts_.all_dropped().at("12:forbidden"), 4U);
  EXPECT_EQ(send(body_of(click("a"), "123")).status, 204);  // another account's matter
}

TEST_F(IntakeTest, TakesOnlyTheOriginsThatAnAccountLists) {
  control::AccountPolicy policy;
  policy.origins = {"https://shop.example", "https://www.shop.example"};
  set_policy(policy);
  const Reply reply = send(body_of(click("a")), {{"Origin", "https://www.shop.example"}});
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.header("Access-Control-Allow-Origin"), "https://www.shop.example");
  EXPECT_EQ(reply.header("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(reply.header("Vary"), "Origin");
  for (const char* origin : {"https://shop.example.evil", "http://shop.example", "null"}) {
    const Reply refused = send(body_of(click("a")), {{"Origin", origin}});
    EXPECT_EQ(refused.status, 403) << origin;
    EXPECT_EQ(refused.header("Access-Control-Allow-Origin"), "");
    EXPECT_EQ(refused.header("Vary"), "Origin");
  }
  EXPECT_EQ(send(body_of(click("a"))).status, 403);
  policy.ingest_key_sha256 = as_text(sha256("key"));
  policy.origins = {"https://shop.example"};
  set_policy(policy);
  EXPECT_EQ(send(body_of(click("a")), {{"X-Valetkey-Ingest-Key", "key"}}).status, 204);
  EXPECT_EQ(send(body_of(click("a")), {{"Origin", "https://shop.example"}}).status, 204);
  EXPECT_EQ(send(body_of(click("a"))).status, 403);
  // Whoever makes up an Origin cannot be first with a server's uuid.
  const auto events = kept();
  ASSERT_GE(events.size(), 2U);
  EXPECT_FALSE(events[events.size() - 2].keyless);
  EXPECT_TRUE(events.back().keyless);
}

TEST_F(IntakeTest, HoldsAnAccountToItsEventsASecond) {
  control::AccountPolicy policy;
  policy.events_per_s = 2;
  set_policy(policy);
  const std::string four = click("a") + "," + click("b") + "," + click("c") + "," + click("d");
  EXPECT_EQ(send(body_of(four)).status, 204);  // 2 s are owed
  const Reply reply = send(body_of(click("e")));
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.code(), "rate_limited");
  EXPECT_EQ(reply.header("Retry-After"), "2");
  EXPECT_EQ(send(body_of(click("e"), "123")).status, 204);
  fixture_.clock().advance(std::chrono::milliseconds(1500));
  EXPECT_EQ(send(body_of(click("e"))).status, 204);
  EXPECT_EQ(counts_.all_dropped().at("12:rate_limit"), 1U);
}

TEST_F(IntakeTest, HoldsAnAccountToItsBytesADay) {
  const std::string body = body_of(click("a"));
  control::AccountPolicy policy;
  policy.bytes_per_day = body.size() * 2 + 1;
  set_policy(policy);
  EXPECT_EQ(send(body).status, 204);
  EXPECT_EQ(send(body).status, 204);
  const Reply reply = send(body);
  EXPECT_EQ(reply.status, 429);
  const auto wait = std::stoi(reply.header("Retry-After"));
  EXPECT_GT(wait, 0);
  EXPECT_LE(wait, 86'400);
  fixture_.clock().advance(std::chrono::seconds(wait));
  fixture_.feed().poll();
  EXPECT_EQ(send(body).status, 204);
}

}  // namespace
}  // namespace valetkey::api
