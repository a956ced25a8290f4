// SPDX-License-Identifier: Apache-2.0
// What the doors let through, and how they refuse; the wire itself is read by tests/e2e/test_tables.py.
#include "tables/doors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "access/testing/faulty_issuer.h"
#include "api/landing.h"
#include "api/testing/service_fixture.h"
#include "tables/testing/memory_catalog.h"

namespace valetkey::tables {
namespace {

using api::Ask;
using api::Reply;
using layout::RowType;
using testing::HasSubstr;
using testing::Not;

const std::string kTable = "/iceberg/v1/12/namespaces/export/tables/decisions";
const std::string kQuery = "/delta-sharing/shares/account-12/schemas/export/tables/decisions/query";

class DoorsTest : public testing::Test {
 protected:
  DoorsTest() { open(&catalog_, &snapshots_); }
  void open(storage::PartCatalog* catalog, Snapshots* snapshots,
            api::Options options = options_of()) {
    doors_.reset();
    fixture_.rebuild(options);
    doors_ = std::make_unique<Doors>(
        Parts{fixture_.service(), fixture_.authenticator(), fixture_.audit(), issuer_,
              fixture_.usage(), fixture_.keys(), catalog, snapshots},
        pool_, std::move(options));
  }
  static api::Options options_of() {
    api::Options options = api::ServiceFixture::make_options();
    options.bucket = "bucket";
    return options;
  }
  void publish(const std::string& day, const std::string& experiment,
               layout::TimestampUnit unit = layout::TimestampUnit::microseconds) {
    auto part = MemoryCatalog::make(
        MemoryCatalog::key_of("12", RowType::decisions, day, experiment, ++number_), experiment);
    part.statistics->timestamps = unit;
    catalog_.publish({std::move(part)});
  }
  Reply ask(Ask ask) {
    const http::Request request = fixture_.read(ask);
    Reply reply;
    loop_.restart();
    http::asio::co_spawn(loop_, doors_->handle(request),
                         [&](std::exception_ptr error, http::Response answer) {
                           if (error) std::rethrow_exception(error);
                           reply = api::ServiceFixture::write(answer);
                         });
    while (loop_.run_one() > 0)
      if (after_step_) after_step_();
    return reply;
  }
  Reply get(std::string target, std::string_view token) {
    return ask({.target = std::move(target), .headers = {api::ServiceFixture::bearer(token)}});
  }
  Reply get(std::string target) { return get(std::move(target), token_.reveal()); }
  Reply query(std::string body) {
    return ask({.method = http::Method::post,
                .target = kQuery,
                .headers = {api::ServiceFixture::bearer(token_.reveal())},
                .body = std::move(body)});
  }
  Reply buy(std::string form) {
    return ask({.method = http::Method::post,
                .target = "/iceberg/v1/oauth/tokens",
                .body = std::move(form)});
  }
  std::string form_with(std::string_view secret) {
    return "grant_type=client_credentials&client_secret=" + std::string(secret);
  }

  api::ServiceFixture fixture_;
  MemoryCatalog catalog_;
  Snapshots snapshots_{catalog_, "bucket"};
  access::SealedIssuer sealed_{fixture_.keys()};
  FaultyCalls calls_;
  access::FaultyIssuer issuer_{sealed_, calls_};
  http::asio::io_context loop_{1};
  http::asio::thread_pool pool_{2};
  std::unique_ptr<Doors> doors_;
  std::function<void()> after_step_;  // of the loop
  Secret token_ = fixture_.make_token(fixture_.user(0), api::kExport);
  int number_ = 0;
};

TEST_F(DoorsTest, PassOnWhatIsNotTheirs) {
  EXPECT_EQ(get("/v2/account").status, 200);
  EXPECT_EQ(get("/icebergs").code(), "not_found");
  EXPECT_EQ(get("/delta-sharing2/shares").code(), "not_found");
}

TEST_F(DoorsTest, SayInOneSentenceThatThereAreNoTables) {
  open(nullptr, nullptr);
  for (const std::string& path : {kTable, std::string("/delta-sharing/shares")}) {
    EXPECT_EQ(get(path).status, 501) << path;
    EXPECT_THAT(get(path).body, HasSubstr("read the parts by S3")) << path;
  }
  EXPECT_EQ(ask({.target = kTable}).status, 401) << "told to strangers";
}

TEST_F(DoorsTest, OfferNoIcebergWhilePartsHaveMilliseconds) {
  publish("2020-09-14", "42", layout::TimestampUnit::milliseconds);
  const Reply refused = get(kTable);
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, HasSubstr("valetkeyd export rewrite"));
  EXPECT_EQ(query("{}").status, 200) << "Delta Sharing reads both";
}

TEST_F(DoorsTest, AskForPatienceWhileAPartIsNotLookedThrough) {
  auto part = MemoryCatalog::make(
      MemoryCatalog::key_of("12", RowType::decisions, "2020-09-14", "42", 1), "42");
  part.statistics.reset();
  catalog_.publish({std::move(part)});
  const Reply refused = get(kTable);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("Retry-After"), "60");
  EXPECT_EQ(query("{}").status, 200);
}

TEST_F(DoorsTest, CloseOneTableForAPartThatNobodyCanRead) {
  auto part = MemoryCatalog::make(
      MemoryCatalog::key_of("12", RowType::decisions, "2020-09-14", "42", 1), "42");
  part.statistics.reset();
  catalog_.unreadable.insert(part.info.key);
  const std::string key = part.info.key;
  catalog_.publish({std::move(part)});
  const Reply refused = get(kTable);
  EXPECT_EQ(refused.status, 409) << "asking again does not help";
  EXPECT_THAT(refused.body, HasSubstr(key));
  const Reply other = get("/iceberg/v1/12/namespaces/export/tables/events");
  EXPECT_EQ(other.status, 200);
  EXPECT_THAT(other.body, Not(HasSubstr("part-0")));
}

TEST_F(DoorsTest, VendCredentialsThatTheAuditKnowsTheDoorOf) {
  publish("2020-09-14", "42");
  const Reply loaded = get(kTable);
  ASSERT_EQ(loaded.status, 200) << loaded.body;
  const auto table = loaded.json();
  const auto& config = table.at("config").as_object();
  EXPECT_TRUE(table.at("storage-credentials").at(0).at("config").as_object() == config);
  ASSERT_EQ(query("{}").status, 200);
  std::vector<std::string> actions;
  for (const auto& event : fixture_.audit().events()) {
    actions.push_back(event.action);
    EXPECT_EQ(event.account->str(), "12");
    EXPECT_THAT(event.subject, testing::StartsWith("ASIA"));
  }
  EXPECT_THAT(actions, testing::ElementsAre("iceberg.load", "sharing.query"));
  EXPECT_EQ(fixture_.audit().events()[0].subject, config.at("s3.access-key-id").as_string());
}

TEST_F(DoorsTest, HideWhyTheIssuerFailedAndAuditThatItDid) {
  publish("2020-09-14", "42");
  const std::pair<ErrorCode, int> kFaults[] = {
      {ErrorCode::io, 500}, {ErrorCode::unavailable, 503}, {ErrorCode::denied, 403}};
  for (const auto& [code, status] : kFaults)
    for (const bool iceberg : {true, false}) {
      calls_.fail_call(1, {code, "sts.internal refused AKIA-secret"});
      const Reply refused = iceberg ? get(kTable) : query("{}");
      EXPECT_EQ(refused.status, status) << iceberg;
      EXPECT_THAT(refused.body, Not(HasSubstr("AKIA")));
      EXPECT_EQ(fixture_.audit().events().back().outcome, name_of(code));
      EXPECT_EQ((iceberg ? get(kTable) : query("{}")).status, 200);
    }
}

TEST_F(DoorsTest, SignAddressesThatEndWithTheSession) {
  publish("2020-09-14", "4%2");
  api::Options options = options_of();
  options.max_duration = std::chrono::minutes(20);
  open(&catalog_, &snapshots_, options);
  const Reply answer = query("{}");
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Delta-Table-Version"), "2");
  EXPECT_THAT(answer.body, HasSubstr("X-Amz-Expires=1200&"));
  // The signature's second is the one before now's fraction.
  EXPECT_THAT(answer.body,
              HasSubstr("\"expirationTimestamp\":" +
                        std::to_string(epoch_ms(std::chrono::floor<seconds>(fixture_.now())) +
                                       20 * 60'000)));
  EXPECT_THAT(answer.body, HasSubstr("/experiment%3D4%25252/"))
      << "the key's own %25, encoded once";
}

TEST_F(DoorsTest, SellAnEngineTokenThatEndsWithTheToken) {
  TokenId id = *TokenId::parse("tok_0123456789ABCDEF");
  const Secret token = fixture_.make_token(fixture_.user(0), api::kExport, {}, &id);
  const Reply sold = buy(form_with(token.reveal()));
  ASSERT_EQ(sold.status, 200) << sold.body;
  const std::string engine = sold.text("access_token");
  EXPECT_EQ(get("/iceberg/v1/config", engine).status, 200);
  EXPECT_EQ(get("/v2/account", engine).status, 401) << "it opens the doors and nothing else";
  fixture_.clock().advance(std::chrono::minutes(59));
  EXPECT_EQ(get("/iceberg/v1/config", engine).status, 200);
  ASSERT_TRUE(fixture_.sqlite().revoke_token(id, fixture_.now()));
  fixture_.feed().poll();
  EXPECT_EQ(get("/iceberg/v1/config", engine).status, 401);
  EXPECT_EQ(buy(form_with(token.reveal())).status, 401);
}

TEST_F(DoorsTest, LetAnEngineTokenLiveAnHourAndRenewItForHalfADay) {
  std::string engine = buy(form_with(token_.reveal())).text("access_token");
  const auto renew = [&] {
    return buy(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=" +
        engine);
  };
  for (int i = 0; i < 13; ++i) {
    fixture_.clock().advance(std::chrono::minutes(55));
    const Reply renewed = renew();
    ASSERT_EQ(renewed.status, 200) << i << renewed.body;
    engine = renewed.text("access_token");
  }
  fixture_.clock().advance(std::chrono::minutes(55));
  EXPECT_EQ(renew().status, 401) << "12 hours after the personal access token was shown";
  EXPECT_EQ(get("/iceberg/v1/config", engine).status, 401);
  EXPECT_EQ(get("/iceberg/v1/config").status, 200);
}

TEST_F(DoorsTest, LimitWhatOneTokenAsks) {
  api::Options options = options_of();
  options.token_requests_per_s = 1;
  open(&catalog_, &snapshots_, options);
  Reply last;
  for (int i = 0; i < 30; ++i) last = get("/delta-sharing/shares");
  EXPECT_EQ(last.status, 429);
  EXPECT_NE(last.header("Retry-After"), "");
}

TEST_F(DoorsTest, ShareTheLimitOfATokenWithTheApi) {
  api::Options options = options_of();
  options.token_requests_per_s = 1;  // so that 20 seconds' worth is twenty
  open(&catalog_, &snapshots_, options);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(get("/delta-sharing/shares").status, 200);
    EXPECT_EQ(get("/v2/account").status, 200);
  }
  EXPECT_EQ(get("/v2/account").status, 429);
  EXPECT_EQ(get("/delta-sharing/shares").status, 429);
}

TEST_F(DoorsTest, ShareTheLimitOfFailuresWithTheApi) {
  api::Options options = options_of();
  options.limiter = {.burst = 4, .interval = std::chrono::hours(1)};
  open(&catalog_, &snapshots_, options);
  for (const char* path : {"/iceberg/v1/config", "/v2/account"})
    for (int i = 0; i < 2; ++i) EXPECT_EQ(get(path, "wrong").status, 401) << path;
  EXPECT_EQ(get("/v2/account", "wrong").status, 429);
  EXPECT_EQ(get("/iceberg/v1/config", "wrong").status, 429);
}

TEST_F(DoorsTest, LimitWhoBuysEngineTokensAsWell) {
  api::Options options = options_of();
  options.token_requests_per_s = 1;
  open(&catalog_, &snapshots_, options);
  EXPECT_EQ(buy(form_with(token_.reveal())).status, 200);
  Reply last;
  for (int i = 0; i < 30; ++i) last = buy(form_with(token_.reveal()));
  EXPECT_EQ(last.status, 429);
  EXPECT_NE(last.header("Retry-After"), "");
  EXPECT_EQ(last.text("error"), "temporarily_unavailable");
}

TEST_F(DoorsTest, SellNothingWhereThereAreNoTables) {
  open(nullptr, nullptr);
  const Reply refused = buy(form_with(token_.reveal()));
  EXPECT_EQ(refused.status, 501);
  EXPECT_THAT(refused.text("error_description"), HasSubstr("read the parts by S3"));
}

TEST_F(DoorsTest, SayWhyTheySellNothing) {
  const Secret other = fixture_.make_token(fixture_.user(0), api::kTokens);
  EXPECT_EQ(buy(form_with(other.reveal())).text("error"), "invalid_scope");
  const Reply unknown = buy(form_with("vkpat_x"));
  EXPECT_EQ(unknown.status, 401);
  EXPECT_EQ(unknown.text("error"), "invalid_client");
  EXPECT_THAT(unknown.header("WWW-Authenticate"), testing::StartsWith("Basic"));
}

TEST_F(DoorsTest, RefuseWhatIsTooLargeInTheirOwnForm) {
  Ask large{.method = http::Method::post,
            .target = kQuery,
            .headers = {api::ServiceFixture::bearer(token_.reveal())},
            .body_complete = false};
  EXPECT_EQ(ask(large).status, 413);
  EXPECT_EQ(ask(large).text("errorCode"), "REQUEST_LIMIT_EXCEEDED");
  http::Request head;
  head.path = "/iceberg/v1/config";
  EXPECT_EQ(doors_->max_body_bytes(head), 64U * 1024);
  EXPECT_THAT(doors_->refuse(431, head).body_bytes(), HasSubstr("\"error\""));
  head.path = "/v2/tokens";
  EXPECT_THAT(doors_->refuse(431, head).body_bytes(), HasSubstr("\"code\""));
}

TEST_F(DoorsTest, WaitForAPlaceToWalkThroughPartsIn) {
  publish("2020-09-14", "42");
  const auto in_line = [this] {
    return std::make_unique<Places::Place>(snapshots_.places(), *AccountId::parse("12"));
  };
  std::vector<std::unique_ptr<Places::Place>> line;
  line.push_back(in_line());
  ASSERT_TRUE(line.front()->take());
  EXPECT_EQ(get(kTable).status, 200) << "that walks through nothing";
  while (in_line()->in_line()) line.push_back(in_line());
  line.pop_back();  // with the query it is full again
  after_step_ = [&] {
    if (!in_line()->in_line()) line.clear();
  };
  EXPECT_EQ(query("{}").status, 200);
  EXPECT_TRUE(line.empty()) << "it did not wait";
  const auto again = in_line();
  ASSERT_TRUE(again->take());
  const Reply refused = query("{}");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("Retry-After"), "1");
}

// Each route of openapi.json is there, and each that the catalog names is in openapi.json.
TEST_F(DoorsTest, AreDescribed) {
  publish("2020-09-14", "42");
  const auto document = boost::json::parse(api::openapi_document());
  std::set<std::string> described;
  for (const auto& [path, methods] : document.at("paths").as_object())
    for (const auto& [method, operation] : methods.as_object()) {
      if (operation.at("tags").at(0) != "tables") continue;
      std::string target(path);
      described.insert(target);
      for (const auto& [name, value] :
           std::initializer_list<std::pair<std::string, std::string>>{{"{prefix}", "12"},
                                                                      {"{namespace}", "export"},
                                                                      {"{table}", "decisions"},
                                                                      {"{share}", "account-12"},
                                                                      {"{schema}", "export"}})
        if (const auto at = target.find(name); at != std::string::npos)
          target.replace(at, name.size(), value);
      const bool posts = method == "post";
      const bool sells = target.ends_with("/oauth/tokens");
      const Reply reply = ask({.method = posts ? http::Method::post : http::Method::get,
                               .target = target,
                               .headers = {api::ServiceFixture::bearer(token_.reveal())},
                               .body = sells ? form_with(token_.reveal()) : ""});
      EXPECT_EQ(reply.status, 200) << target << reply.body;
    }
  const auto config = get("/iceberg/v1/config").json();
  for (const auto& endpoint : config.at("endpoints").as_array()) {
    const std::string_view text = endpoint.as_string();
    EXPECT_TRUE(described.contains("/iceberg" + std::string(text.substr(text.find(' ') + 1))))
        << text;
  }
  EXPECT_EQ(described.size(), 15U);
}

TEST_F(DoorsTest, GoPastDaysThatHoldNothingOfWhatIsAskedFor) {
  std::vector<storage::CatalogPart> parts;
  for (int i = 0; i < 5'000; ++i)
    parts.push_back(MemoryCatalog::make(
        MemoryCatalog::key_of("12", RowType::decisions, "2020-09-14", "42", i), "42"));
  catalog_.publish(std::move(parts));
  publish("2020-09-15", "42");
  const Reply answer = query(R"({"predicateHints":["date = '2020-09-15'"]})");
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(std::ranges::count(answer.body, '\n'), 3);
  EXPECT_EQ(catalog_.parts, 2U) << "one part of the day that is not asked for";
}

TEST_F(DoorsTest, AnswerAsMuchAsOneAnswerMayHold) {
  std::vector<storage::CatalogPart> parts;
  for (int i = 0; i < 10'001; ++i)
    parts.push_back(MemoryCatalog::make(
        MemoryCatalog::key_of("12", RowType::decisions, "2020-09-14", "42", i), "42"));
  catalog_.publish(std::move(parts));
  const Reply page = query(R"({"maxFiles":1000000})");
  ASSERT_EQ(page.status, 200);
  EXPECT_EQ(std::ranges::count(page.body, '\n'), 2 + 1'000 + 1);
  EXPECT_THAT(page.body, HasSubstr("nextPageToken"));
  const Reply refused = query("{}");  // signs 10,000 addresses: seconds, under a sanitizer
  EXPECT_EQ(refused.status, 413);
  EXPECT_THAT(refused.body, HasSubstr("maxFiles"));
}

}  // namespace
}  // namespace valetkey::tables
