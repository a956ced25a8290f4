// SPDX-License-Identifier: Apache-2.0
#include "control/postgres_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "postgres/testing/test_server.h"

namespace valetkey::control {
namespace {

using testing::HasSubstr;

std::unique_ptr<ControlStore> open(const postgres::TestSchema& schema) {
  auto store = open_postgres_store(std::make_shared<postgres::Server>(schema.settings()));
  EXPECT_TRUE(store) << store.error().detail;
  return std::move(*store);
}
class PostgresStore : public testing::Test {
 protected:
  void SetUp() override { VALETKEY_NEEDS_POSTGRES(); }
  static AccountId account_id(std::string_view text) { return *AccountId::parse(text); }
  std::unique_ptr<postgres::Database> connect() {
    return postgres::Server(schema_.settings()).connect().value();
  }
  postgres::TestSchema schema_;
  Timestamp now_ = from_epoch_ms(1'700'000'000'000);
};

TEST_F(PostgresStore, IsMadeByManyNodesAtOnceAndSharedByThem) {
  std::vector<std::thread> nodes;
  for (int i = 0; i < 4; ++i)
    nodes.emplace_back([&, i] {
      const auto store = open(schema_);
      ASSERT_TRUE(store->create_account(account_id(std::to_string(i + 1)), "", now_));
    });
  for (auto& node : nodes) node.join();
  EXPECT_EQ(open(schema_)->accounts()->size(), 4U);
}

// On SQLite there is one writer at a time, so that a token's parent cannot be revoked while the token is made.
TEST_F(PostgresStore, MakesNoTokenBelowOneThatIsBeingRevoked) {
  const auto one = open(schema_), other = open(schema_);
  const auto account = account_id("1");
  ASSERT_TRUE(one->create_account(account, "", now_));
  const auto user = one->create_user("ann@example.com", account, Role::admin, now_).value();
  NewToken wanted{account, user.id, "laptop", {true, true}, std::nullopt, std::nullopt, {}};
  const auto digest = [](int n) { return std::string(31, 'x') + static_cast<char>(n); };
  for (int round = 0; round < 40; ++round) {
    wanted.parent.reset();
    const auto parent = one->create_token(wanted, digest(2 * round), now_).value();
    wanted.parent = parent.id;
    std::thread revoking([&] { EXPECT_TRUE(other->revoke_token(parent.id, now_)); });
    const auto child = one->create_token(wanted, digest(2 * round + 1), now_);
    revoking.join();
    if (!child) {
      EXPECT_EQ(child.error().code, ErrorCode::denied);
      continue;
    }
    EXPECT_TRUE(one->token(child->id)->revoked) << "it was made before, and ended with its parent";
  }
}

// Two nodes that add usage of the same accounts lock the same rows, in whatever order.
TEST_F(PostgresStore, AddsUsageOfManyNodesWithoutLosingAny) {
  constexpr int kNodes = 4, kRounds = 20, kAccounts = 10;
  const auto store = open(schema_);
  std::vector<DayOfUsage> days;
  for (int i = 1; i <= kAccounts; ++i) {
    ASSERT_TRUE(store->create_account(account_id(std::to_string(i)), "", now_));
    days.push_back({account_id(std::to_string(i)), date_of(now_), {.exchanges = 1, .bytes = 7}});
  }
  std::vector<std::thread> nodes;
  for (int n = 0; n < kNodes; ++n)
    nodes.emplace_back([&, n] {
      const auto mine = open(schema_);
      auto order = days;
      if (n % 2 == 1) std::ranges::reverse(order);
      for (int i = 0; i < kRounds; ++i) EXPECT_TRUE(mine->add_usage(order, {}));
    });
  for (auto& node : nodes) node.join();
  const auto used = store->usage(std::nullopt, date_of(now_), date_of(now_)).value();
  ASSERT_EQ(used.size(), static_cast<std::size_t>(kAccounts));
  for (const auto& day : used)
    EXPECT_EQ(day.counts.exchanges, static_cast<std::uint64_t>(kNodes * kRounds));
}

TEST_F(PostgresStore, RefusesADatabaseThatLostChanges) {
  const auto store = open(schema_);
  ASSERT_TRUE(store->create_account(account_id("1"), "", now_));
  const auto seen = store->change_counter().value();
  ASSERT_TRUE(connect()->execute("UPDATE changes SET counter = counter - 1"));
  const auto behind = store->change_counter();
  ASSERT_FALSE(behind);
  EXPECT_EQ(behind.error().code, ErrorCode::unavailable);
  EXPECT_THAT(behind.error().detail, HasSubstr("lost changes"));
  ASSERT_TRUE(connect()->execute("UPDATE changes SET counter = counter + 1"));
  EXPECT_FALSE(store->change_counter()) << "another change has taken the number";
  EXPECT_EQ(open(schema_)->change_counter().value(), seen) << "who starts anew reads everything";
}

TEST_F(PostgresStore, TellsABadStoredValueFromAGoodOne) {
  const auto store = open(schema_);
  ASSERT_TRUE(store->create_account(account_id("1"), "", now_));
  ASSERT_TRUE(
      connect()->execute("ALTER TABLE accounts DROP CONSTRAINT accounts_state_check;"
                         "UPDATE accounts SET state = 'odd'"));
  EXPECT_EQ(store->account(account_id("1")).error().code, ErrorCode::corrupt);
}

TEST_F(PostgresStore, GoesOnAfterItsConnectionsWereEnded) {
  schema_.settings().url += "&application_name=" + schema_.settings().schema;
  const auto store = open(schema_);
  ASSERT_TRUE(store->create_account(account_id("1"), "", now_));
  const auto end_all = [&] {
    return connect()->read_integer(
        "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = '" +
        schema_.settings().schema + "' AND pid <> pg_backend_pid()) AS ended");
  };
  ASSERT_TRUE(end_all());
  EXPECT_TRUE(store->account(account_id("1"))) << "the caller notices nothing";
  ASSERT_TRUE(end_all());
  EXPECT_TRUE(store->set_account_name(account_id("1"), "Acme"));
}

}  // namespace
}  // namespace valetkey::control
