// SPDX-License-Identifier: Apache-2.0
// What the console answers where the issuer, or the store beneath a cut-off, fails: each call site once.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <string>

#include "access/testing/faulty_issuer.h"
#include "access/testing/foreign_issuer.h"
#include "api/testing/service_fixture.h"
#include "console/accounts.h"
#include "console/exports.h"
#include "console/start.h"
#include "storage/testing/memory_store.h"

namespace valetkey::console {
namespace {

constexpr const char* kWhy = "sts.internal refused AKIA-secret";

class IssuerFailures : public testing::Test {
 protected:
  Call call(const control::User& by, std::string body = "") {
    return {.ids = {"12"},
            .query = {},
            .body = std::move(body),
            .now = desk_.now(),
            .client = "192.0.2.1",
            .address = {},
            .request_id = "6f1c7d0e-3b0a-4f57-9f1c-2f7f3b1f9f0a",
            .host = {},
            .cookie = {},
            .who = Who{.token = make_token_id(),
                       .user = by,
                       .scopes = {.export_ = true},
                       .expires = std::nullopt,
                       .session = std::nullopt}};
  }
  Answer<Reply> suspend() { return accounts_.change(call(operator_, R"({"state":"suspended"})")); }
  static bool ended(const Answer<Reply>& answer) {
    return answer && boost::json::parse(answer->json).at("sessions_ended").as_bool();
  }
  control::AccountState state() {
    return desk_.sqlite().account(AccountId::parse("12").value()).value().state;
  }

  api::ServiceFixture desk_;
  const control::User operator_ =
      desk_.sqlite()
          .create_user("root@example.com", std::nullopt, control::Role::operator_, desk_.now())
          .value();
  access::ForeignIssuer foreign_{desk_.keys()};
  FaultyCalls calls_;
  access::FaultyIssuer issuer_{foreign_, calls_};
  storage::MemoryStore objects_;
  People people_{{desk_.store(), desk_.feed(), desk_.audit()}, ""};
  Accounts accounts_{{desk_.store(), desk_.feed(), desk_.audit(), people_,
                      [](const AccountId&) -> Result<std::optional<api::Stored>> {
                        return std::optional<api::Stored>();
                      },
                      [](Timestamp) { return boost::json::object(); }, issuer_,
                      std::chrono::hours(1)}};
  Start start_{{desk_.store(), desk_.audit(), desk_.usage(), nullptr,
                [](Timestamp) -> Result<ExportTimes> { return ExportTimes{}; }, nullptr, issuer_},
               api::ServiceFixture::make_options()};
  Exports exports_{{desk_.store(), desk_.audit(), objects_, nullptr, false, issuer_,
                    [](Timestamp) -> Result<ExportTimes> { return ExportTimes{}; }},
                   api::ServiceFixture::make_options()};
};

TEST_F(IssuerFailures, AnAccountIsSuspendedWhateverTheEngineDoes) {
  calls_.fail_call(1, {ErrorCode::unavailable, kWhy});
  const auto away = suspend();
  ASSERT_TRUE(away);
  EXPECT_FALSE(ended(away));
  EXPECT_TRUE(away->json.contains("could not be ended, and live until")) << away->json;
  EXPECT_EQ(away->json.find("AKIA"), std::string::npos);
  EXPECT_EQ(state(), control::AccountState::suspended);
  EXPECT_EQ(desk_.audit().events().back().action, "sessions.not-cut-off!");
  EXPECT_EQ(desk_.audit().events().back().detail.find("AKIA"), std::string::npos);
  EXPECT_TRUE(ended(suspend())) << "a repetition";
  EXPECT_EQ(foreign_.cut, std::vector<std::string>{"12"});
  EXPECT_EQ(desk_.audit().events().back().action, "sessions.cut-off!");
}

TEST_F(IssuerFailures, ASuspensionIsDoneByARepetitionWhereverTheStoreFails) {
  const AccountId account = AccountId::parse("12").value();
  int faults = 0;
  for (int n = 1;; ++n) {
    ASSERT_TRUE(
        desk_.sqlite().set_account_state(account, control::AccountState::active, desk_.now()));
    foreign_.cut.clear();
    const auto before = desk_.store().calls();
    desk_.store().fail_call(n, Error{ErrorCode::io, "/srv/control.db: row 7"});
    const auto answer = suspend();
    const bool failed = desk_.store().calls() - before >= n;
    desk_.store().heal();
    if (answer) {
      EXPECT_EQ(state(), control::AccountState::suspended) << n;
      EXPECT_EQ(answer->json.find("row 7"), std::string::npos) << answer->json;
      if (ended(answer)) EXPECT_EQ(foreign_.cut, std::vector<std::string>{"12"}) << n;
    } else {
      EXPECT_EQ(answer.error().code, ProblemCode::internal) << n;
      EXPECT_EQ(answer.error().message.find("row 7"), std::string::npos);
    }
    EXPECT_TRUE(ended(suspend())) << n;
    EXPECT_EQ(state(), control::AccountState::suspended);
    if (!failed) break;
    ++faults;
  }
  EXPECT_GE(faults, 5);
}

TEST_F(IssuerFailures, TheFirstPageHidesWhyItCannotSayWhereTheDataLies) {
  calls_.fail_call(1, {ErrorCode::io, kWhy});
  const auto failed = start_.arrivals(call(desk_.user(0)));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ProblemCode::internal);
  EXPECT_EQ(failed.error().message.find("AKIA"), std::string::npos);
  EXPECT_TRUE(start_.arrivals(call(desk_.user(0))));
}

TEST_F(IssuerFailures, ThePageForSqlSaysWhatClientsMayReadAndHidesTheRest) {
  calls_.fail_call(1, {ErrorCode::io, kWhy});
  const auto failed = exports_.credentials(call(desk_.user(0)));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ProblemCode::internal);
  EXPECT_EQ(failed.error().message.find("AKIA"), std::string::npos);
  calls_.fail_call(1, {ErrorCode::unavailable, "the engine does not answer"});
  const auto away = exports_.credentials(call(desk_.user(0)));
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().code, ProblemCode::unavailable);
  EXPECT_EQ(away.error().message, "No credentials can be issued: the engine does not answer.");
  EXPECT_TRUE(desk_.audit().events().empty()) << "nothing was given out";
  EXPECT_TRUE(exports_.credentials(call(desk_.user(0))));
  EXPECT_EQ(desk_.audit().events().back().action, "credentials.issue");
}

}  // namespace
}  // namespace valetkey::console
