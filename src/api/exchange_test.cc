// SPDX-License-Identifier: Apache-2.0
// The exchange of a token for credentials, row by row of the published behaviour.
#include "api/exchange.h"

#include <gtest/gtest.h>

#include "access/testing/faulty_issuer.h"
#include "api/testing/service_fixture.h"

namespace valetkey::api {
namespace {

using namespace std::chrono_literals;

constexpr auto kPath = "/v2/export/credentials";
constexpr auto kContainer = "/v2/export/credentials/container";

class ExchangeTest : public testing::Test {
 protected:
  const control::User& ada() { return desk_.user(0); }
  Reply ask(const std::string& query) { return desk_.get(kPath + query, token_.reveal()); }
  Timestamp expiration(const Reply& reply) {
    return from_epoch_ms(reply.json().at("credentials").at("expiration").as_int64());
  }

  ServiceFixture desk_;
  Secret token_ = desk_.make_token(ada(), kExport);
};

TEST_F(ExchangeTest, AnswersThePublishedDocument) {
  const Reply reply = ask("?duration=1h");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.header("Content-Type"), "application/json");
  EXPECT_EQ(reply.header("Cache-Control"), "no-store");
  const auto document = reply.json();
  EXPECT_EQ(document.size(), 4U);
  EXPECT_EQ(document.at("s3Path"), "s3://optimizely-events-data/v1/account_id=12/");
  EXPECT_EQ(document.at("endpoint"), "https://s3.example.com");
  EXPECT_EQ(document.at("region"), "us-east-1");
  const auto& credentials = document.at("credentials").as_object();
  EXPECT_EQ(credentials.size(), 4U);
  EXPECT_TRUE(std::string_view(credentials.at("accessKeyId").as_string()).starts_with("ASIA"));
  EXPECT_EQ(credentials.at("expiration").as_int64(), epoch_ms(desk_.now() + 1h));
}

TEST_F(ExchangeTest, SaysWhenTheTokenExpires) {
  EXPECT_EQ(ask("").header("X-Valetkey-Token-Expires"), "");
  token_ = desk_.make_token(ada(), kExport, desk_.now() + 48h);
  EXPECT_EQ(ask("").header("X-Valetkey-Token-Expires"), format_iso8601(desk_.now() + 48h));
  EXPECT_EQ(desk_.get(kContainer, token_.reveal()).header("X-Valetkey-Token-Expires"),
            format_iso8601(desk_.now() + 48h));
}

TEST_F(ExchangeTest, GivesCredentialsThatOpen) {
  const auto credentials = ask("").json().at("credentials").as_object();
  const auto scope = access::open_session(
      *desk_.keys().get(), std::string_view(credentials.at("sessionToken").as_string()),
      std::string_view(credentials.at("accessKeyId").as_string()), desk_.now());
  ASSERT_TRUE(scope);
  EXPECT_EQ(scope->prefix(), "v1/account_id=12/");
  EXPECT_EQ(scope->secret_access_key().reveal(),
            std::string_view(credentials.at("secretAccessKey").as_string()));
}

TEST_F(ExchangeTest, ReadsEveryGoodDuration) {
  const std::pair<const char*, milliseconds> kRows[] = {{"", 1h},
                                                        {"?duration=1h", 1h},
                                                        {"?duration=1H", 1h},
                                                        {"?duration=60m", 1h},
                                                        {"?duration=60M", 1h},
                                                        {"?duration=15m", 15min},
                                                        {"?duration=15M", 15min},
                                                        {"?duration=37m", 37min},
                                                        {"?color=red", 1h},
                                                        {"?color=red&duration=20m", 20min},
                                                        {"?duration=%31h", 1h},
                                                        {"?Duration=2h", 1h}};
  for (const auto& [query, duration] : kRows) {
    const Reply reply = ask(query);
    ASSERT_EQ(reply.status, 200) << query << reply.body;
    EXPECT_EQ(expiration(reply), desk_.now() + duration) << query;
  }
}

TEST_F(ExchangeTest, RefusesEveryOtherDurationAndNamesTheRule) {
  for (const char* query :
       {"?duration=60", "?duration=0h", "?duration=14m", "?duration=61m", "?duration=2h",
        "?duration=1.5h", "?duration=-15m", "?duration=1h30m", "?duration=", "?duration",
        "?duration=1h&duration=1h", "?duration=99999999999999999999h", "?duration=4294967297h",
        "?duration=1d", "?duration=3600s", "?duration=+1h", "?duration=1h%00", "?duration=%ff"}) {
    const Reply reply = ask(query);
    EXPECT_EQ(reply.status, 400) << query;
    EXPECT_EQ(reply.code(), "invalid_parameter") << query;
    EXPECT_EQ(reply.text("message"),
              "duration must be a whole number followed by h (hours) or m (minutes), given once, "
              "from 15m to 1h.");
  }
  EXPECT_EQ(ask("?duration=%zz").status, 400);
}

TEST_F(ExchangeTest, AuthenticatesBeforeItReadsParameters) {
  EXPECT_EQ(desk_.call({.target = "/v2/export/credentials?duration=bad"}).status, 401);
  const Secret narrow = desk_.make_token(ada(), kTokens);
  EXPECT_EQ(desk_.get("/v2/export/credentials?duration=bad", narrow.reveal()).status, 403);
}

TEST_F(ExchangeTest, HasTheOperatorsLimits) {
  Options options = ServiceFixture::make_options();
  options.min_duration = 30min;
  options.default_duration = 2h;
  options.max_duration = 12h;
  desk_.rebuild(options);
  EXPECT_EQ(ask("?duration=15m").status, 400);
  EXPECT_EQ(ask("?duration=13h").status, 400);
  EXPECT_EQ(expiration(ask("?duration=12h")), desk_.now() + 12h);
  EXPECT_EQ(expiration(ask("")), desk_.now() + 2h);
  EXPECT_TRUE(ask("?duration=1m").text("message").ends_with("from 30m to 12h."));
}

TEST_F(ExchangeTest, EndsWithTheTokenAtTheLatest) {
  const Secret brief = desk_.make_token(ada(), kExport, desk_.now() + 20min);
  EXPECT_EQ(expiration(desk_.get(kPath, brief.reveal())), desk_.now() + 20min);
  desk_.clock().advance(20min);
  EXPECT_EQ(desk_.get(kPath, brief.reveal()).status, 401);
}

TEST_F(ExchangeTest, NamesNoEndpointWhereClientsUseAws) {
  Options options = ServiceFixture::make_options();
  options.public_endpoint.clear();
  options.bucket = "a\"b";
  desk_.rebuild(options);
  const auto document = ask("").json();
  EXPECT_FALSE(document.contains("endpoint"));
  EXPECT_EQ(document.at("s3Path"), "s3://a\"b/v1/account_id=12/");
}

TEST_F(ExchangeTest, AnswersContainersInTheFormOfTheSdks) {
  for (const std::string prefix : {"Bearer ", ""}) {
    const Reply reply =
        desk_.call({.target = std::string(kContainer) + "?duration=15m",
                    .headers = {{"Authorization", prefix + std::string(token_.reveal())}}});
    ASSERT_EQ(reply.status, 200) << prefix;
    EXPECT_EQ(reply.header("Cache-Control"), "no-store");
    const auto document = reply.json();
    EXPECT_EQ(document.size(), 4U);
    EXPECT_TRUE(document.contains("SecretAccessKey"));
    EXPECT_EQ(reply.text("Expiration"), format_iso8601(desk_.now() + 1h));
    EXPECT_TRUE(access::open_session(*desk_.keys().get(), reply.text("Token"),
                                     reply.text("AccessKeyId"), desk_.now()));
  }
}

TEST_F(ExchangeTest, AcceptsABareTokenForContainersOnly) {
  const Ask bare{.target = kPath, .headers = {{"Authorization", std::string(token_.reveal())}}};
  EXPECT_EQ(desk_.call(bare).status, 401);
}

TEST_F(ExchangeTest, TellsContainersWhatIsWrong) {
  const Reply reply = desk_.get(kContainer, desk_.make_token(ada(), kTokens).reveal());
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(reply.code(), "forbidden");
  EXPECT_FALSE(reply.text("message").empty());
}

TEST_F(ExchangeTest, RefusesATokenWithoutTheScope) {
  const Secret narrow = desk_.make_token(ada(), kTokens);
  for (const char* path : {kPath, kContainer}) {
    const Reply reply = desk_.get(path, narrow.reveal());
    EXPECT_EQ(reply.status, 403);
    EXPECT_EQ(reply.code(), "forbidden");
  }
  EXPECT_EQ(desk_.audit().events().back().outcome, "forbidden");
}

TEST_F(ExchangeTest, AuditsAndCountsEachExchange) {
  const Reply reply = ask("");
  ASSERT_EQ(desk_.audit().events().size(), 1U);
  const auto& event = desk_.audit().events().front();
  EXPECT_EQ(event.action, "credentials.issue");
  EXPECT_EQ(event.outcome, "ok");
  EXPECT_EQ(event.account->str(), "12");
  EXPECT_EQ(event.actor, ada().id.str());
  EXPECT_EQ(event.client, "192.0.2.1");
  EXPECT_EQ(event.subject,
            std::string_view(reply.json().at("credentials").at("accessKeyId").as_string()));
  ASSERT_TRUE(desk_.usage().flush());
  const Date today = date_of(desk_.now());
  const auto usage = desk_.sqlite().usage(std::nullopt, today, today).value();
  ASSERT_EQ(usage.size(), 1U);
  EXPECT_EQ(usage.front().counts.exchanges, 1U);
}

TEST_F(ExchangeTest, SaysThatGoogleCloudStorageIsNotImplemented) {
  const Reply reply = desk_.get("/v2/export/credentials/gcp", token_.reveal());
  EXPECT_EQ(reply.status, 501);
  EXPECT_EQ(reply.code(), "not_implemented");
  EXPECT_EQ(desk_.call({.target = "/v2/export/credentials/gcp"}).status, 401);
}

// An issuer that asks another service.
class SlowIssuer final : public access::CredentialIssuer {
 public:
  explicit SlowIssuer(access::CredentialIssuer& inner) : inner_(inner) {}
  unsigned calls_at_once() const override { return 2; }
  bool follows_revocation() const override { return true; }
  Result<void> check_narrowing(const AccountId&, const control::Narrowing&) override { return {}; }
  milliseconds min_life() const override { return std::chrono::minutes(15); }
  std::optional<Result<access::Credentials>> issue_at_once(const control::TokenGrant&, milliseconds,
                                                           Timestamp) override {
    return std::nullopt;
  }
  Result<access::Credentials> issue(const control::TokenGrant& grant, milliseconds duration,
                                    Timestamp now) override {
    on_loop = std::this_thread::get_id() == loop;
    auto credentials = inner_.issue(grant, duration, now);
    if (credentials) credentials->place = place;
    return credentials;
  }
  Result<void> open_account(const AccountId&, Timestamp) override { return {}; }
  Result<access::CutOff> cut_off(const access::Cut&, Timestamp) override {
    return access::CutOff{};
  }
  std::shared_ptr<const access::Place> place;
  bool on_loop = false;
  std::thread::id loop = std::this_thread::get_id();

 private:
  access::CredentialIssuer& inner_;
};

TEST_F(ExchangeTest, AsksABlockingIssuerFromThePool) {
  access::SealedIssuer sealed(desk_.keys());
  SlowIssuer slow(sealed);
  desk_.use_issuer(slow);
  for (const char* path : {kPath, kContainer}) {
    EXPECT_EQ(desk_.get(path, token_.reveal()).status, 200);
    EXPECT_FALSE(slow.on_loop);
  }
}

TEST_F(ExchangeTest, NamesTheBucketOfSomebodyElse) {
  access::SealedIssuer sealed(desk_.keys());
  SlowIssuer slow(sealed);
  slow.place = std::make_shared<const access::Place>(
      access::Place{"lake", "tenant-12/", "https://rgw.example.org", "eu-1"});
  desk_.use_issuer(slow);
  const auto answer = ask("");
  EXPECT_NE(answer.body.find(R"(},"s3Path":"s3://lake/tenant-12/",)"
                             R"("endpoint":"https://rgw.example.org","region":"eu-1"})"),
            std::string::npos)
      << answer.body;
}

TEST_F(ExchangeTest, RefusesATokenThatEndsBeforeTheShortestSession) {
  access::SealedIssuer sealed(desk_.keys());
  SlowIssuer slow(sealed);
  desk_.use_issuer(slow);
  const Secret brief = desk_.make_token(ada(), kExport, desk_.now() + 14min);
  const Reply refused = desk_.get(kPath, brief.reveal());
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.body.find("This token ends in less than 15m, and no credentials are that "
                              "short-lived: use one that lasts longer."),
            std::string::npos)
      << refused.body;
}

TEST_F(ExchangeTest, HidesWhyAnIssuerFailedWhereverItIsAsked) {
  access::SealedIssuer sealed(desk_.keys());
  SlowIssuer slow(sealed);
  FaultyCalls calls;
  access::FaultyIssuer faulty(slow, calls);
  desk_.use_issuer(faulty);
  for (const char* path : {kPath, kContainer})
    for (const int call : {1, 2}) {  // on the loop, on the pool
      const auto ask_failing = [&](ErrorCode code, std::string why) {
        calls.fail_call(static_cast<std::uint64_t>(call), {code, std::move(why)});
        return desk_.get(path, token_.reveal());
      };
      const Reply later = ask_failing(ErrorCode::unavailable, "the engine does not answer");
      EXPECT_EQ(later.status, 503) << call;
      EXPECT_EQ(later.header("Retry-After"), "1");
      EXPECT_EQ(later.text("message"), "No credentials can be issued: the engine does not answer.");
      const Reply busy = ask_failing(ErrorCode::busy, "sts.internal refused AKIA-secret");
      EXPECT_EQ(busy.status, 503) << call;
      EXPECT_GE(std::stoi(busy.header("Retry-After")), 2);
      EXPECT_LE(std::stoi(busy.header("Retry-After")), 10);
      const Reply failed = ask_failing(ErrorCode::io, "sts.internal refused AKIA-secret");
      EXPECT_EQ(failed.status, 500) << call;
      for (const Reply* reply : {&busy, &failed}) {
        EXPECT_EQ(reply->body.find("sts.internal"), std::string::npos);
        EXPECT_EQ(reply->body.find("AKIA"), std::string::npos);
      }
      EXPECT_EQ(desk_.get(path, token_.reveal()).status, 200);
    }
  for (const auto& event : desk_.audit().events()) EXPECT_EQ(event.outcome, "ok");
  EXPECT_EQ(desk_.audit().events().size(), 4U) << "what failed gave nothing out";
}

}  // namespace
}  // namespace valetkey::api
