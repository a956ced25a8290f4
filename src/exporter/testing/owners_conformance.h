// SPDX-License-Identifier: Apache-2.0
// For tests: what every Owners does. Each implementation's test gives an OwnersUnderTest and instantiates the suite.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "exporter/owners.h"

namespace valetkey::exporter {

// Holds owners, of nobody at first, and what they need.
class OwnersUnderTest {
 public:
  static constexpr std::size_t kNodes = 4;
  virtual ~OwnersUnderTest() = default;
  // As node number `node`, below kNodes, has opened them.
  virtual Owners& owners(std::size_t node) = 0;
  // The node renewed so much longer ago than it did.
  virtual void age(const std::string& node, milliseconds time) = 0;
};
// Null: that form cannot run here.
using MakeOwnersUnderTest = std::unique_ptr<OwnersUnderTest> (*)();

class OwnersConformance : public testing::TestWithParam<MakeOwnersUnderTest> {
 protected:
  using Works = std::vector<Work>;

  void SetUp() override {
    if (test_ == nullptr) GTEST_SKIP() << "what this form needs does not run here";
  }
  static std::string id(std::size_t node) { return "node " + std::to_string(node); }
  NodeState state(std::size_t node, bool fit = true) const {
    return {.id = id(node),
            .name = "host " + std::to_string(node),
            .version = "1.2",
            .started = started_,
            .seen = started_,
            .alive = true,
            .fit = fit};
  }
  Works renew(std::size_t node, const Works& given_up = {}, bool fit = true) {
    const auto share = test_->owners(node).renew(state(node, fit), all_, given_up);
    EXPECT_TRUE(share) << share.error().detail;
    return share ? share->works : Works();
  }
  std::vector<NodeState> nodes() { return test_->owners(0).nodes().value(); }

  const Timestamp started_ = from_epoch_ms(1'600'000'000'000);
  const Works all_ = {kDays, 0, 1, 2, 3};
  std::unique_ptr<OwnersUnderTest> test_ = GetParam()();
};

TEST_P(OwnersConformance, SharesTheWorkBetweenTheNodesThatLive) {
  EXPECT_EQ(renew(0), all_);
  EXPECT_TRUE(renew(1).empty()) << "nothing is free yet";
  EXPECT_EQ(test_->owners(0).renew(state(0), all_, {})->most, 3U) << "it has too much";
  EXPECT_EQ(renew(0, {2, 3}), (Works{kDays, 0, 1}));
  EXPECT_EQ(renew(1), (Works{2, 3}));
  EXPECT_EQ(renew(0), (Works{kDays, 0, 1}));
}

TEST_P(OwnersConformance, SaysWhoLivesAndWhoDoesWhat) {
  EXPECT_TRUE(nodes().empty());
  renew(0);
  renew(1);
  renew(0, {2, 3});
  renew(1, {}, false);
  const auto both = nodes();
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0].id, id(0));
  EXPECT_EQ(both[1].name, "host 1");
  EXPECT_EQ(both[1].version, "1.2");
  EXPECT_EQ(both[1].started, started_);
  EXPECT_TRUE(both[0].alive && both[1].alive);
  EXPECT_TRUE(both[0].fit);
  EXPECT_FALSE(both[1].fit);
  EXPECT_EQ(both[0].works, (Works{kDays, 0, 1}));
  EXPECT_TRUE(both[1].works.empty());
}

TEST_P(OwnersConformance, GivesAnotherTheWorkThatNobodyRenewed) {
  EXPECT_EQ(renew(0), all_);
  EXPECT_TRUE(renew(1).empty());
  test_->age(id(0), kOwnershipLasts - milliseconds(5000));
  EXPECT_TRUE(renew(1).empty()) << "it may renew yet";
  test_->age(id(0), milliseconds(5000));
  EXPECT_EQ(renew(1), all_);
  const auto both = nodes();
  ASSERT_EQ(both.size(), 2U);
  EXPECT_FALSE(both[0].alive);
  EXPECT_TRUE(both[0].works.empty());
  EXPECT_TRUE(renew(0).empty()) << "what it had is another's now";
}

TEST_P(OwnersConformance, LeavesANodeWhatRanOutAndNobodyTook) {
  EXPECT_EQ(renew(0), all_);
  test_->age(id(0), kOwnershipLasts * 2);
  EXPECT_EQ(renew(0), all_);
  EXPECT_TRUE(renew(1).empty());
}

TEST_P(OwnersConformance, ForgetsANodeThatWasNotSeenForADay) {
  renew(0);
  renew(1);
  test_->age(id(0), std::chrono::hours(24) + std::chrono::minutes(1));
  renew(1);
  const auto left = nodes();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].id, id(1));
}

TEST_P(OwnersConformance, FreesTheWorkOfANodeThatLeavesAtOnce) {
  EXPECT_EQ(renew(0), all_);
  EXPECT_TRUE(renew(1).empty());
  ASSERT_TRUE(test_->owners(0).leave(id(0)));
  EXPECT_EQ(nodes().size(), 1U);
  EXPECT_EQ(renew(1), all_);
  ASSERT_TRUE(test_->owners(0).leave(id(0))) << "again";
  EXPECT_EQ(renew(1), all_);
}

TEST_P(OwnersConformance, GivesNothingToANodeThatCannotWorkWhileAnotherCan) {
  EXPECT_EQ(renew(0), all_);
  EXPECT_TRUE(renew(1).empty());
  EXPECT_TRUE(renew(0, all_, false).empty());
  EXPECT_EQ(renew(1), all_);
  EXPECT_EQ(renew(1, {2, 3}, false), (Works{kDays, 0, 1}));
  EXPECT_EQ(renew(0, {}, false), (Works{2, 3})) << "where none can, each goes on trying";
}

TEST_P(OwnersConformance, KeepsWhatANodeOwnsThatDoesNotShareAnyMore) {
  EXPECT_EQ(renew(0), all_);
  const auto share = test_->owners(0).renew(state(0, false), {}, {1});
  ASSERT_TRUE(share) << share.error().detail;
  EXPECT_EQ(share->works, (Works{kDays, 0, 2, 3}));
  EXPECT_EQ(share->most, 0U);
}

TEST_P(OwnersConformance, GivesNothingToTwoNodesThatAskAtOnce) {
  std::vector<std::future<void>> asking;
  for (std::size_t node = 0; node < OwnersUnderTest::kNodes; ++node)
    asking.push_back(std::async(std::launch::async, [this, node] {
      for (int turn = 0; turn < 20; ++turn) renew(node);
    }));
  for (auto& each : asking) each.get();
  std::multiset<Work> owned;
  for (const auto& node : nodes()) owned.insert(node.works.begin(), node.works.end());
  EXPECT_EQ(owned, std::multiset<Work>(all_.begin(), all_.end()));
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OwnersConformance);

}  // namespace valetkey::exporter
