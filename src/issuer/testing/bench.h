// SPDX-License-Identifier: Apache-2.0
// For tests: an issuer over a control store on disk and a service that answers as STS does, and does
// what the test says.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>

#include "aws/testing/script_fetcher.h"
#include "base/encoding.h"
#include "base/testing/manual_clock.h"
#include "base/testing/temporary_folder.h"
#include "control/sqlite_store.h"
#include "issuer/sts_issuer.h"

namespace valetkey::issuer::testing {

// Answers AssumeRole and the role calls of IAM on its own thread of the caller; counts them.
class FakeEngine final : public http::testing::WholeFetcher {
 public:
  Result<http::ClientResponse> fetch(http::ClientRequest request) override {
    const auto form = http::parse_query(request.body).value();
    const auto value = [&form](std::string_view name) -> std::string {
      for (const auto& parameter : form)
        if (parameter.name == name) return parameter.value;
      return {};
    };
    if (value("Action") != "AssumeRole") return iam(value("Action"), value("PolicyDocument"));
    std::this_thread::sleep_for(takes);
    const int call = ++calls;
    {
      const std::lock_guard lock(mutex_);
      policy = value("Policy");
      role = value("RoleArn");
      body = request.body;
    }
    if (meanwhile) meanwhile();
    if (away) return fail(ErrorCode::unavailable, "https://sts: no answer in time");
    if (!fault.empty() && (fault_times < 0 || (fault_times > 0 && fault_times-- > 0)))
      return aws::testing::answer(status, "<ErrorResponse><Error><Code>" + fault +
                                              "</Code><Message>" + message +
                                              "</Message></Error></ErrorResponse>");
    const Timestamp ends = now + seconds(std::stoi(value("DurationSeconds"))) + skew;
    return aws::testing::answer(
        200, aws::testing::session_xml("AssumeRole", "ASIA" + std::to_string(call),
                                       format_iso8601(ends), "session-" + std::to_string(call)));
  }

  Timestamp now = parse_iso8601("2026-11-29T10:00:00Z").value();
  std::atomic<int> calls = 0, role_calls = 0;
  milliseconds takes{0}, skew{0};
  bool away = false;
  std::string fault, message;
  int status = 400, fault_times = -1;
  std::string policy, role, body, role_policy;
  std::function<void()> meanwhile;   // done while a session is asked for
  std::function<void()> before_put;  // of a role's policy
  std::string role_fault;            // of every call on roles

 private:
  Result<http::ClientResponse> iam(const std::string& action, const std::string& document) {
    ++role_calls;
    std::this_thread::sleep_for(takes);
    if (action == "PutRolePolicy" && before_put) before_put();
    if (!role_fault.empty())
      return aws::testing::answer(
          503, "<ErrorResponse><Error><Code>" + role_fault + "</Code></Error></ErrorResponse>");
    const std::lock_guard lock(mutex_);
    if (action == "PutRolePolicy") role_policy = document;
    if (action != "GetRolePolicy") return aws::testing::answer(200, "<ok/>");
    if (role_policy.empty())
      return aws::testing::answer(
          404, "<ErrorResponse><Error><Code>NoSuchEntity</Code></Error></ErrorResponse>");
    return aws::testing::answer(200,
                                "<GetRolePolicyResponse><GetRolePolicyResult><PolicyDocument>" +
                                    percent_encode(role_policy) +
                                    "</PolicyDocument></GetRolePolicyResult>"
                                    "</GetRolePolicyResponse>");
  }
  std::mutex mutex_;
};

class Bench {
 public:
  explicit Bench(Engine engine = Engine::aws, double calls_per_s = 300)
      : store_(control::open_sqlite_store(folder_.path() / "control.db").value()),
        clock_(engine_.now),
        feed_(*store_, clock_, kLongestSession) {
    if (!store_->create_account(account(), "Acme", engine_.now)) std::abort();
    feed_.poll();
    RolesParts parts{aws::Iam::at(engine_, "https://iam.example.org", "us-east-1").value(), keys_};
    roles_ = engine == Engine::ceph
                 ? make_ceph_roles(parts, "arn:aws:iam:::user/issuer", seconds(43'200))
             : engine == Engine::aws ? make_aws_roles(parts, *store_, seconds(43'200))
                                     : make_no_roles();
    StsOptions options{
        .engine = engine,
        .templates = {"lake", "v1/account_id={account}/",
                      engine == Engine::ceph ? "arn:aws:iam:::role/valetkey-{account}"
                                             : "arn:aws:iam::123456789012:role/reader"},
        .endpoint = "https://s3.example.org",
        .calls_per_s = calls_per_s};
    issuer_ = std::make_unique<StsIssuer>(std::move(options),
                                          StsParts{sts_, keys_, *store_, feed_, *roles_, steady_});
  }

  static AccountId account() { return AccountId::parse("123").value(); }
  static control::TokenGrant grant(const std::string& token = "tok_GHIJKLMNOPabcdef") {
    return {TokenId::parse(token).value(),
            UserId::parse("usr_0123456789ABCDEF").value(),
            account(),
            control::Role::member,
            {.export_ = true},
            std::nullopt};
  }
  // What a request gets: at once, or by waiting. The other clocks follow.
  Result<access::Credentials> ask(const control::TokenGrant& who, milliseconds duration,
                                  Timestamp now) {
    steady_.advance(std::max(now - engine_.now, milliseconds(0)));
    engine_.now = now;
    if (auto at_once = issuer_->issue_at_once(who, duration, now)) return *at_once;
    return issuer_->issue(who, duration, now);
  }

  FakeEngine& engine() { return engine_; }
  StsIssuer& issuer() { return *issuer_; }
  control::ControlStore& store() { return *store_; }
  control::ChangeFeed& feed() { return feed_; }
  Timestamp now() const { return engine_.now; }
  ManualSteadyClock& steady() { return steady_; }

 private:
  TemporaryFolder folder_;
  FakeEngine engine_;
  std::unique_ptr<control::ControlStore> store_;
  ManualClock clock_;
  ManualSteadyClock steady_;
  control::ChangeFeed feed_;
  aws::Sts sts_ = aws::Sts::at(engine_, "https://sts.example.org", "us-east-1").value();
  aws::KeptKeys keys_{[](Timestamp) -> Result<aws::OwnKeys> {
    return aws::OwnKeys{{"AKIAOWN", Secret("secret"), std::nullopt}, std::nullopt, "a test"};
  }};
  std::unique_ptr<Roles> roles_;
  std::unique_ptr<StsIssuer> issuer_;
};

}  // namespace valetkey::issuer::testing
