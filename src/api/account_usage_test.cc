// SPDX-License-Identifier: Apache-2.0
#include "api/account_usage.h"

#include <gtest/gtest.h>

#include "api/testing/service_fixture.h"

namespace valetkey::api {
namespace {

class AccountUsageTest : public testing::Test {
 protected:
  Reply ask(const Secret& token, const std::string& query = "") {
    return desk_.get("/v2/account/usage" + query, token.reveal());
  }

  ServiceFixture desk_;
  Secret admin_ = desk_.make_token(desk_.user(0), kTokens);
  Date today_ = date_of(desk_.now());
  AccountId near_ = AccountId::parse("12").value();
  AccountId far_ = AccountId::parse("123").value();
};

TEST_F(AccountUsageTest, TellsAnAdminWhatTheAccountStoresAndUsedOnEachDay) {
  const Date before = today_ - std::chrono::days(1);
  ASSERT_TRUE(desk_.sqlite().add_usage({{near_, before, {1, 2, 3, 4, 5}},
                                        {near_, today_, {10, 20, 30, 40, 50}},
                                        {far_, today_, {7, 7, 7, 7, 7}}},
                                       {}));
  const auto all = ask(admin_).json();
  EXPECT_EQ(all.at("account_id").as_string(), "12");
  EXPECT_EQ(all.at("stored").at("objects"), 3);
  EXPECT_EQ(all.at("stored").at("bytes"), 4096);
  ASSERT_EQ(all.at("days").as_array().size(), 2U);
  EXPECT_EQ(all.at("days").at(0).at("day").as_string(), format_date(before));
  EXPECT_EQ(all.at("total").at("exchanges"), 11);
  EXPECT_EQ(all.at("total").at("requests"), 22);
  EXPECT_EQ(all.at("total").at("bytes_sent"), 33);
  EXPECT_EQ(all.at("total").at("events"), 44);
  EXPECT_EQ(all.at("total").at("event_bytes"), 55);
  const auto one = ask(admin_, "?since=" + format_date(today_)).json();
  EXPECT_EQ(one.at("days").as_array().size(), 1U);
  EXPECT_EQ(one.at("total").at("events"), 40);
  EXPECT_EQ(ask(admin_, "?until=" + format_date(before)).json().at("total").at("events"), 4);
}

TEST_F(AccountUsageTest, IsForAnAdminsTokenWithTheScopeTokens) {
  EXPECT_EQ(ask(admin_).status, 200);
  EXPECT_EQ(ask(desk_.make_token(desk_.user(0), kExport)).status, 403);
  EXPECT_EQ(ask(desk_.make_token(desk_.user(1), kBoth)).status, 403);
  EXPECT_EQ(ask(control::make_token()).status, 401);
}

TEST_F(AccountUsageTest, RefusesDaysThatAreNone) {
  for (const char* query :
       {"?since=2026-13-01", "?since=yesterday", "?since=", "?until=%zz",
        "?since=2026-01-01&since=2026-01-02", "?since=2026-01-02&until=2026-01-01"})
    EXPECT_EQ(ask(admin_, query).status, 400) << query;
}

}  // namespace
}  // namespace valetkey::api
