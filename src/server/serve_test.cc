// SPDX-License-Identifier: Apache-2.0
// The whole program in one process: commands prepare, the server serves, a client signs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <fstream>
#include <functional>
#include <thread>

#include "admin/testing/test_machine.h"
#include "base/encoding.h"
#include "base/keyring.h"
#include "base/log.h"
#include "control/tokens.h"
#include "http/client.h"
#include "server/serve.h"
#include "server/testing/caller.h"
#include "server/wire.h"
#include "sigv4/sign.h"

namespace valetkey::server {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string kKey = "v1/account_id=12/type=events/date=2026-01-31/note of the day.txt";

class Serving : public testing::Test {
 protected:
  void SetUp() override {
    machine_.prepare();
    token_ = machine_.make_token();
    const auto file = machine_.folder() / "export" / kKey;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << content_;
    machine_.must({"import", (machine_.folder() / "export").string()});
    start();
  }
  void start() {
    config::Config config;
    config.listen = {
        .api = "127.0.0.1:0", .s3 = "127.0.0.1:0", .admin = "127.0.0.1:0", .intake = {}};
    auto started = Server::start(session(), config);
    ASSERT_TRUE(started) << started.error().detail;
    server_ = std::move(*started);
  }
  admin::CommandContext session() {
    return {out_, err_, clock_, machine_.env(), false, false, machine_.data(), {}, {}};
  }
  http::ClientResponse exchange(const std::string& parameters = "") {
    return caller_.get(server_->urls().api + "/v2/export/credentials" + parameters,
                       {{"Authorization", "Bearer " + token_}});
  }
  sigv4::SigningCredentials credentials() {
    const auto answer = exchange();
    EXPECT_EQ(answer.status, 200) << answer.body;
    if (answer.status != 200) return {};
    const auto document = boost::json::parse(answer.body).at("credentials");
    const auto text = [&](const char* name) { return std::string(document.at(name).as_string()); };
    return {text("accessKeyId"), Secret(text("secretAccessKey")), Secret(text("sessionToken"))};
  }
  http::ClientResponse signed_get(const sigv4::SigningCredentials& with, const std::string& path,
                                  const std::string& query = "") {
    const auto url = http::Url::parse(server_->urls().s3);
    sigv4::ToSign request{.path = path, .query = query, .headers = {{"Host", url->authority()}}};
    auto headers = sigv4::sign_headers(request, with, clock_.now());
    return caller_.get(server_->urls().s3 + path + (query.empty() ? "" : "?" + query), headers);
  }
  http::ClientResponse list(const sigv4::SigningCredentials& with,
                            const std::string& account = "12") {
    return signed_get(with, "/optimizely-events-data",
                      "list-type=2&prefix=" + percent_encode("v1/account_id=" + account + "/"));
  }

  // Whether it comes true within a limit that is far beyond what the server promises.
  static bool comes(const std::function<bool()>& condition) {
    for (int left = 1'000; left > 0; --left) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }
  std::string of_admin(const std::string& path) {
    return caller_.get(server_->urls().admin + path).body;
  }

  admin::TestMachine machine_;
  const SystemClock clock_;
  std::ostringstream out_, err_;
  std::string token_;
  std::string content_ = "what the account exported";
  std::unique_ptr<Server> server_;
  Caller caller_;
};

TEST_F(Serving, ATokenOpensItsAccountsExportAndNothingElse) {
  const auto with = credentials();
  const auto page = list(with);
  EXPECT_EQ(page.status, 200) << page.body;
  EXPECT_THAT(page.body, HasSubstr("<Key>" + kKey + "</Key>"));
  const auto object = signed_get(with, "/optimizely-events-data/" + percent_encode(kKey, true));
  EXPECT_EQ(object.status, 200);
  EXPECT_EQ(object.body, content_);
  EXPECT_EQ(list(with, "123").status, 403);
}

TEST_F(Serving, TheAnswerNamesTheEndpointThatWasBound) {
  const auto document = boost::json::parse(exchange().body);
  EXPECT_EQ(document.at("endpoint").as_string(), server_->urls().s3);
  EXPECT_EQ(document.at("s3Path"), "s3://optimizely-events-data/v1/account_id=12/");
}

TEST_F(Serving, ARevocationByCommandCountsWithinASecond) {
  const auto with = credentials();
  ASSERT_EQ(list(with).status, 200);
  const auto tokens = machine_.must({"token", "list", "--json"}).json();
  machine_.must({"token", "revoke", std::string(tokens.at("tokens").at(0).at("id").as_string())});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (list(with).status == 200 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const auto refused = list(with);
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("revoked"));
  EXPECT_EQ(exchange().status, 401);
}

TEST_F(Serving, ASuspendedAccountIsRefusedAndComesBack) {
  const auto with = credentials();
  machine_.must({"account", "suspend", "12"});
  EXPECT_TRUE(comes([&] { return list(with).status == 403; }));
  EXPECT_EQ(exchange().status, 401);
  machine_.must({"account", "resume", "12"});
  EXPECT_TRUE(comes([&] { return exchange().status == 200; }));
  const auto after = credentials();  // the exchange asks the store; what checks them polls it
  EXPECT_TRUE(comes([&] { return list(after).status == 200; }));
}

TEST_F(Serving, KeysRotateWithoutBreakingSessions) {
  const auto former = credentials();
  machine_.must({"keys", "rotate", "--activate-in", "0s"});
  EXPECT_TRUE(comes([&] {
    return of_admin("/metrics").contains("purpose=\"session\",id=\"1\",state=\"verify");
  }));
  EXPECT_EQ(list(former).status, 200);
  EXPECT_EQ(list(credentials()).status, 200);
}

TEST_F(Serving, MetricsCountWhatHappened) {
  (void)exchange();
  (void)caller_.get(server_->urls().api + "/v2/export/credentials",
                    {{"Authorization", "Bearer vkpat_nonsense"}});
  const auto metrics = of_admin("/metrics");
  EXPECT_THAT(metrics, HasSubstr("valetkey_api_exchanges_total{outcome=\"ok\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("valetkey_api_exchanges_total{outcome=\"refused\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("valetkey_refusals_total{listener=\"api\""));
  EXPECT_THAT(metrics, HasSubstr("valetkey_disk_free_bytes "));
  EXPECT_THAT(metrics, Not(HasSubstr("account")));
}

// Every request's line of a server in a folder of its own, as JSON.
class LoggedRequests : public Serving {
 protected:
  void SetUp() override {
    Serving::SetUp();
    log::configure(log::Level::info, log::Format::json);
    testing::internal::CaptureStderr();
  }
  void TearDown() override { log::configure(log::Level::info, log::Format::text); }
  // Stops the server: then every line is there.
  std::vector<boost::json::object> lines() {
    server_.reset();
    std::istringstream log(testing::internal::GetCapturedStderr());
    std::vector<boost::json::object> found;
    for (std::string line; std::getline(log, line);) {
      EXPECT_THAT(line, Not(HasSubstr(token_))) << "a secret in the log";
      auto object = boost::json::parse(line).as_object();
      if (object.contains("path")) found.push_back(std::move(object));
    }
    return found;
  }
  std::string token_id() {
    const auto tokens = machine_.must({"token", "list", "--json"}).json();
    return std::string(tokens.at("tokens").at(0).at("id").as_string());
  }
  static std::string text(const boost::json::object& line, const char* name) {
    return line.contains(name) ? std::string(line.at(name).as_string()) : "";
  }
};

TEST_F(LoggedRequests, NameAccountTokenAndReasonAndWriteNumbersAsNumbers) {
  const std::string id = token_id();
  (void)exchange("?duration=3h");
  (void)list(credentials(), "123");
  const auto logged = lines();
  ASSERT_EQ(logged.size(), 2U);
  for (const auto& line : logged) {
    EXPECT_EQ(text(line, "account"), "12");
    EXPECT_EQ(text(line, "token"), id);
    EXPECT_TRUE(line.at("bytes").is_int64());
    EXPECT_TRUE(line.at("ms").is_number());
  }
  EXPECT_EQ(logged[0].at("status"), 400);
  EXPECT_EQ(text(logged[0], "reason"), "invalid_parameter");
  EXPECT_THAT(text(logged[0], "detail"), HasSubstr("duration must be"));
  EXPECT_EQ(logged[1].at("status"), 403);
  EXPECT_EQ(text(logged[1], "reason"), "outside_scope");
  EXPECT_THAT(text(logged[1], "detail"), HasSubstr("v1/account_id=12/"));
}

TEST_F(LoggedRequests, TellTheRealReasonOfA401WhichTheClientIsNotTold) {
  const std::string id = token_id();
  const auto stranger = caller_.get(server_->urls().api + "/v2/account",
                                    {{"Authorization", "Bearer vkpat_nonsense"}});
  EXPECT_THAT(stranger.body, HasSubstr("mistyped"));
  const std::string good = token_;
  token_ = control::make_token().reveal();
  EXPECT_THAT(exchange().body, Not(HasSubstr("mistyped")));
  token_ = good;
  machine_.must({"token", "revoke", id});
  http::ClientResponse revoked;
  EXPECT_TRUE(comes([&] { return (revoked = exchange()).status == 401; }));
  EXPECT_THAT(revoked.body, Not(HasSubstr("revoked")));
  auto logged = lines();
  std::erase_if(logged, [](const auto& line) { return line.at("status") != 401; });
  ASSERT_EQ(logged.size(), 3U);
  EXPECT_EQ(text(logged[0], "reason"), "mistyped");
  EXPECT_EQ(text(logged[1], "reason"), "unknown");
  EXPECT_FALSE(logged[1].contains("token"));
  EXPECT_EQ(text(logged[2], "reason"), "revoked");
  EXPECT_EQ(text(logged[2], "token"), id);
  EXPECT_EQ(text(logged[2], "account"), "12");
}

TEST_F(LoggedRequests, TellWhoseSessionSignedARequestThatIsRefused) {
  const std::string id = token_id();
  auto with = credentials();
  with.secret_access_key = Secret("wrong");
  EXPECT_EQ(list(with).status, 403);
  const auto logged = lines();
  ASSERT_EQ(logged.size(), 1U);
  EXPECT_EQ(text(logged[0], "reason"), "signature_mismatch");
  EXPECT_EQ(text(logged[0], "token"), id);
}

TEST_F(Serving, ReadinessEndsBeforeTheServerDoes) {
  EXPECT_EQ(of_admin("/healthz"), "alive\n");
  const auto ready = caller_.get(server_->urls().admin + "/readyz");
  EXPECT_EQ(ready.status, 200) << ready.body;
  EXPECT_THAT(ready.body, StartsWith("ready\n"));
  server_->set_stopping();
  EXPECT_EQ(exchange().status, 200);
  server_->drain();
  const auto leaving = caller_.get(server_->urls().admin + "/readyz");
  EXPECT_EQ(leaving.status, 503);
  EXPECT_THAT(leaving.body, HasSubstr("shutting down"));
  EXPECT_EQ(caller_.get(server_->urls().admin + "/healthz").status, 200);
}

TEST_F(Serving, AKeyringThatTurnsUnreadableIsAWarningWhileTheFormerOneServes) {
  ASSERT_EQ(::chmod(machine_.keyring().c_str(), 0644), 0);
  http::ClientResponse ready;
  EXPECT_TRUE(comes([&] {
    ready = caller_.get(server_->urls().admin + "/readyz");
    return ready.body.contains("warning: the keyring cannot be read again");
  }));
  EXPECT_EQ(ready.status, 200);
  EXPECT_EQ(list(credentials()).status, 200);
}

TEST_F(Serving, AnsweredRequestsAreCountedAsTheirStatusClass) {
  EXPECT_EQ(caller_.get(server_->urls().admin + "/nothing").status, 404);
  EXPECT_THAT(of_admin("/metrics"),
              HasSubstr("valetkey_http_requests_total{listener=\"admin\",method=\"GET\","
                        "status=\"4xx\"} 1\n"));
}

TEST_F(Serving, ABusyPortIsNamed) {
  config::Config config;
  config.listen = {.api = "127.0.0.1:0",
                   .s3 = server_->urls().s3.substr(std::string("http://").size()),
                   .admin = "127.0.0.1:0",
                   .intake = {}};
  config.intake.enabled = false;  // the first one has the event log
  const auto second = Server::start(session(), config);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::busy);
  EXPECT_THAT(second.error().detail, HasSubstr(config.listen.s3));
}

TEST_F(Serving, UsageIsExactWhenTheServerStops) {
  const auto with = credentials();
  (void)list(with);
  const auto object = signed_get(with, "/optimizely-events-data/" + percent_encode(kKey, true));
  EXPECT_EQ(object.body, content_);
  const auto before = machine_.must({"account", "usage", "12", "--json"}).json();
  EXPECT_EQ(before.at("accounts").at(0).at("stored").at("objects"), 1);
  server_.reset();
  const auto usage =
      machine_.must({"account", "usage", "12", "--json"}).json().at("accounts").at(0);
  EXPECT_EQ(usage.at("stored").at("bytes"), content_.size());
  EXPECT_EQ(usage.at("total").at("exchanges"), 1);
  EXPECT_EQ(usage.at("total").at("requests"), 2);
  EXPECT_GT(usage.at("total").at("bytes_sent").as_int64(),
            static_cast<std::int64_t>(content_.size()));
  EXPECT_EQ(usage.at("days").at(0).at("day").as_string(), format_date(date_of(clock_.now())));
  const auto token = machine_.must({"token", "list", "--json"}).json().at("tokens").at(0);
  EXPECT_TRUE(token.at("last_used").is_string());
  EXPECT_EQ(token.at("last_used_from").as_string(), "127.0.0.1");
  EXPECT_THAT(machine_.must({"token", "list"}).out, HasSubstr("127.0.0.1"));
  EXPECT_THAT(machine_.must({"account", "usage", "12"}).out, HasSubstr("stores 1 object,"));
}

}  // namespace
}  // namespace valetkey::server
