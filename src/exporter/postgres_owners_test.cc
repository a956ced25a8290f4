// SPDX-License-Identifier: Apache-2.0
// Owners on a real PostgreSQL, whose clock a test cannot move: what ran out is made so.
#include "exporter/postgres_owners.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <set>

#include "exporter/testing/library.h"
#include "postgres/testing/test_server.h"

namespace valetkey::exporter {
namespace {

const std::vector<Work> kAll = {kDays, 0, 1, 2, 3};

class PostgresOwnersTest : public testing::Test {
 protected:
  void SetUp() override {
    VALETKEY_NEEDS_POSTGRES();
    server_ = std::make_shared<postgres::Server>(schema_.settings());
    owners_ = open_postgres_owners(server_).value();
    others_ = open_postgres_owners(server_).value();
  }
  static std::vector<Work> renew(Owners& owners, const std::string& id,
                                 const std::vector<Work>& given_up = {}, bool fit = true) {
    const auto share = owners.renew({id, id, "test", kNoon, kNoon, true, fit}, kAll, given_up);
    EXPECT_TRUE(share) << share.error().detail;
    return share ? share->works : std::vector<Work>();
  }
  void let_run_out(const std::string& id) {
    const auto database = server_->connect().value();
    ASSERT_TRUE(database->execute("UPDATE export_owner SET until = 0 WHERE node = '" + id +
                                  "'; UPDATE export_node SET seen = 1 WHERE id = '" + id + "'"));
  }
  postgres::TestSchema schema_;
  std::shared_ptr<postgres::Server> server_;
  std::unique_ptr<Owners> owners_, others_;
};

TEST_F(PostgresOwnersTest, GivesNothingToANodeThatCannotWorkWhileAnotherCan) {
  EXPECT_EQ(renew(*owners_, "first"), kAll);
  EXPECT_TRUE(renew(*others_, "second").empty());
  EXPECT_TRUE(renew(*owners_, "first", kAll, false).empty());
  EXPECT_FALSE(owners_->nodes().value()[0].fit);
  EXPECT_EQ(renew(*others_, "second"), kAll);
  EXPECT_EQ(renew(*others_, "second", {2, 3}, false), (std::vector<Work>{kDays, 0, 1}));
  EXPECT_EQ(renew(*owners_, "first", {}, false), (std::vector<Work>{2, 3}))
      << "where none can, each goes on trying";
}

TEST_F(PostgresOwnersTest, SharesTheWorkAndTakesUpWhatNobodyRenews) {
  EXPECT_EQ(renew(*owners_, "first"), kAll);
  EXPECT_TRUE(renew(*others_, "second").empty());
  EXPECT_EQ(renew(*owners_, "first", {2, 3}), (std::vector<Work>{kDays, 0, 1}));
  EXPECT_EQ(renew(*others_, "second"), (std::vector<Work>{2, 3}));
  const auto both = owners_->nodes().value();
  ASSERT_EQ(both.size(), 2U);
  EXPECT_TRUE(both[0].alive);
  EXPECT_EQ(both[0].works, (std::vector<Work>{kDays, 0, 1}));
  EXPECT_EQ(both[1].name, "second");
  let_run_out("first");
  EXPECT_EQ(renew(*others_, "second"), kAll);
  const auto dead = owners_->nodes().value();
  ASSERT_EQ(dead.size(), 1U) << "one that was seen in 1970 is forgotten";
  EXPECT_TRUE(renew(*owners_, "first").empty()) << "what it had is another's now";
  ASSERT_TRUE(others_->leave("second"));
  EXPECT_EQ(renew(*owners_, "first"), kAll);
}

TEST_F(PostgresOwnersTest, GivesNothingToTwoNodesThatAskAtOnce) {
  std::vector<std::future<std::size_t>> asking;
  for (int i = 0; i < 4; ++i)
    asking.push_back(std::async(std::launch::async, [this, i] {
      const auto owners = open_postgres_owners(server_).value();
      std::size_t most = 0;
      for (int turn = 0; turn < 20; ++turn)
        most = std::max(most, renew(*owners, fmt::format("node {}", i)).size());
      return most;
    }));
  for (auto& each : asking) each.get();
  std::multiset<Work> owned;
  for (const auto& node : owners_->nodes().value())
    owned.insert(node.works.begin(), node.works.end());
  EXPECT_EQ(owned, std::multiset<Work>(kAll.begin(), kAll.end()));
}

}  // namespace
}  // namespace valetkey::exporter
