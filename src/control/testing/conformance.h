// SPDX-License-Identifier: Apache-2.0
// What every ControlStore does, as tests: include this once in a test of the implementation, with its other parts
// (token_conformance.h, revocation_conformance.h, usage_conformance.h, console_conformance.h), and instantiate
// ControlStoreConformance with a function that opens an empty store. Here: accounts, policies and users.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <thread>

#include "control/control_store.h"
#include "control/tokens.h"

namespace valetkey::control {

struct OpenedStore {
  std::shared_ptr<void> keeps_alive;  // whatever the store needs, a temporary folder say
  std::unique_ptr<ControlStore> store;
};
using StoreOpener = std::function<OpenedStore()>;

class ControlStoreConformance : public testing::TestWithParam<StoreOpener> {
 protected:
  static AccountId account_id(std::string_view text) { return *AccountId::parse(text); }
  static std::string digest(std::string_view token) {
    return std::string(valetkey::as_text(token_digest(token)));
  }

  // An account "123" with an active admin.
  void SetUp() override {
    ASSERT_TRUE(store().create_account(account_, "Acme", now_));
    user_.emplace(store().create_user("ann@example.com", account_, Role::admin, now_).value());
  }
  ControlStore& store() { return *opened_.store; }
  NewToken wanted(std::string name = "laptop") {
    return {account_, user_->id, std::move(name), {true, true}, std::nullopt, std::nullopt, {}};
  }
  Token make(const NewToken& request, std::string_view secret) {
    return store().create_token(request, digest(secret), now_).value();
  }
  TokenAnswer ask(std::string_view secret, Timestamp at) {
    return store().authenticate(digest(secret), at).value();
  }
  std::uint64_t counter() { return store().change_counter().value(); }

  OpenedStore opened_ = GetParam()();
  const Timestamp now_ = from_epoch_ms(1'700'000'000'000);
  const AccountId account_ = account_id("123");
  std::optional<User> user_;
};

// The store instantiates it; a program that only includes this header needs no instance.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ControlStoreConformance);

TEST_P(ControlStoreConformance, KeepsAccountsInNumericOrder) {
  for (const char* id : {"12", "9", "1000", "99999999999999999999", "013"})
    ASSERT_TRUE(store().create_account(account_id(id), "n", now_));
  std::vector<std::string> ids;
  for (const Account& account : store().accounts().value()) ids.push_back(account.id.str());
  EXPECT_THAT(ids, testing::ElementsAre("9", "12", "013", "123", "1000", "99999999999999999999"));
  EXPECT_EQ(store().account(account_)->name, "Acme");
  EXPECT_EQ(store().account(account_)->created, now_);
  EXPECT_EQ(store().account(account_id("4")).error().code, ErrorCode::not_found);
}

TEST_P(ControlStoreConformance, NeverGivesAnAccountIdTwice) {
  EXPECT_EQ(store().create_account(account_, "Other", now_).error().code,
            ErrorCode::already_exists);
  ASSERT_TRUE(store().set_account_state(account_, AccountState::deleted, now_));
  EXPECT_EQ(store().create_account(account_, "Other", now_).error().code,
            ErrorCode::already_exists);
  EXPECT_EQ(store().account(account_)->name, "Acme");
}

TEST_P(ControlStoreConformance, GivesNoIdThatDiffersFromAnotherOnlyByZerosAtItsFront) {
  ASSERT_TRUE(store().create_account(account_id("0"), "", now_));
  for (const char* twin : {"0123", "00000123", "00"})
    EXPECT_EQ(store().create_account(account_id(twin), "", now_).error().code,
              ErrorCode::already_exists)
        << twin;
  EXPECT_THAT(store().create_account(account_id("0123"), "", now_).error().detail,
              testing::HasSubstr("account 123 only by zeros"));
  for (const char* other : {"1230", "1023", "0321"})
    EXPECT_TRUE(store().create_account(account_id(other), "", now_)) << other;
}

TEST_P(ControlStoreConformance, RenamesAnAccountThatIsNotDeleted) {
  ASSERT_TRUE(store().set_account_name(account_, "Acme & Sons"));
  EXPECT_EQ(store().account(account_)->name, "Acme & Sons");
  EXPECT_EQ(store().set_account_name(account_, "a\nb").error().code, ErrorCode::invalid);
  EXPECT_EQ(store().set_account_name(account_id("404"), "x").error().code, ErrorCode::not_found);
  ASSERT_TRUE(store().set_account_state(account_, AccountState::deleted, now_));
  EXPECT_EQ(store().set_account_name(account_, "x").error().code, ErrorCode::denied);
}

TEST_P(ControlStoreConformance, LeavesOfAPurgedAccountItsIdAlone) {
  NewToken request = wanted("child");
  request.parent = make(wanted(), "secret").id;
  make(request, "child");
  ASSERT_TRUE(store().add_usage({{account_, date_of(now_), {1, 2, 3, 4, 5}}}, {}));
  AccountPolicy policy;
  policy.origins = {"https://a.example"};
  ASSERT_TRUE(store().set_policy(account_, policy, now_));
  EXPECT_EQ(store().purge_account(account_).error().code, ErrorCode::denied);
  EXPECT_EQ(store().purge_account(account_id("404")).error().code, ErrorCode::not_found);
  ASSERT_TRUE(store().set_account_state(account_, AccountState::deleted, now_));
  for (int time = 0; time < 2; ++time) {
    ASSERT_TRUE(store().purge_account(account_));
    EXPECT_TRUE(store().users(account_)->empty());
    EXPECT_TRUE(store().tokens(account_, std::nullopt)->empty());
    EXPECT_TRUE(store().usage(account_, date_of(now_), date_of(now_))->empty());
    EXPECT_TRUE(store().policy(account_)->origins.empty());
    EXPECT_EQ(store().account(account_)->name, "");
  }
  EXPECT_FALSE(ask("child", now_));
  EXPECT_EQ(store().create_account(account_, "Other", now_).error().code,
            ErrorCode::already_exists);
  EXPECT_TRUE(store().revocations(now_, 0).value().front().subject == account_.str());
}

TEST_P(ControlStoreConformance, HoldsDeletionToBeFinal) {
  make(wanted(), "secret");
  ASSERT_TRUE(store().set_account_state(account_, AccountState::deleted, now_));
  EXPECT_TRUE(store().set_account_state(account_, AccountState::deleted, now_));
  EXPECT_EQ(store().set_account_state(account_, AccountState::active, now_).error().code,
            ErrorCode::denied);
  EXPECT_EQ(store().set_account_state(account_, AccountState::suspended, now_).error().code,
            ErrorCode::denied);
  EXPECT_EQ(ask("secret", now_).error(), TokenRefusal::account_deleted);
  EXPECT_TRUE(store().tokens(account_, std::nullopt)->front().revoked);
  EXPECT_EQ(store().create_token(wanted(), digest("more"), now_).error().code, ErrorCode::denied);
  EXPECT_EQ(store().create_user("x@example.com", account_, Role::member, now_).error().code,
            ErrorCode::denied);
}

TEST_P(ControlStoreConformance, KeepsAPolicyForEachAccount) {
  EXPECT_EQ(store().policy(account_).value(), AccountPolicy{});
  AccountPolicy policy;
  policy.retention = std::chrono::days(30);
  policy.ingest_key_sha256 = std::string(31, '\0') + "x";
  policy.origins = {"https://a.example", "http://b.example:8080"};
  policy.events_per_s = 100;
  policy.bytes_per_day = 1'000'000'000'000;
  policy.bucket = "lake";
  policy.prefix = "tenant é/";
  const std::uint64_t before = counter();
  ASSERT_TRUE(store().set_policy(account_, policy, now_));
  EXPECT_GT(counter(), before);
  EXPECT_EQ(store().policy(account_).value(), policy);
  for (const auto& [account, of] : store().accounts_with_policies().value())
    EXPECT_EQ(of, account.id == account_ ? policy : AccountPolicy{}) << account.id.str();
  EXPECT_EQ(store().accounts_with_policies()->size(), store().accounts()->size());
  ASSERT_TRUE(store().set_policy(account_, {}, now_));
  EXPECT_EQ(store().policy(account_).value(), AccountPolicy{});
  const AccountId nobody = account_id("404");
  EXPECT_EQ(store().policy(nobody).error().code, ErrorCode::not_found);
  EXPECT_EQ(store().set_policy(nobody, policy, now_).error().code, ErrorCode::not_found);
  ASSERT_TRUE(store().set_account_state(account_, AccountState::deleted, now_));
  EXPECT_EQ(store().set_policy(account_, policy, now_).error().code, ErrorCode::denied);
}

TEST_P(ControlStoreConformance, KeepsCutOffsOfOneWriterAfterTheOther) {
  EXPECT_EQ(store().cut_offs("reader")->version, 0);
  EXPECT_TRUE(store().set_cut_offs("reader", 0, "first").value());
  EXPECT_FALSE(store().set_cut_offs("reader", 0, "of one that did not see it").value());
  EXPECT_TRUE(store().set_cut_offs("reader", 1, "second").value());
  const CutOffs kept = store().cut_offs("reader").value();
  EXPECT_EQ(kept.version, 2);
  EXPECT_EQ(kept.policy, "second");
  EXPECT_EQ(store().cut_offs("another")->version, 0);
}

TEST_P(ControlStoreConformance, KeepsNoPolicyThatMakesNoSense) {
  const auto refused = [&](const auto& change) {
    AccountPolicy policy;
    change(policy);
    const auto set = store().set_policy(account_, policy, now_);
    return !set && set.error().code == ErrorCode::invalid;
  };
  for (const int days : {0, -1, 36'501})
    EXPECT_TRUE(refused([&](AccountPolicy& p) { p.retention = std::chrono::days(days); })) << days;
  for (const std::size_t size : {0, 31, 33, 64})
    EXPECT_TRUE(refused([&](AccountPolicy& p) { p.ingest_key_sha256 = std::string(size, 'x'); }));
  for (const char* origin : {"", "a.example", "https://a.example/", "https://a b", "https://a\nb"})
    EXPECT_TRUE(refused([&](AccountPolicy& p) { p.origins = {origin}; })) << origin;
  EXPECT_TRUE(refused([](AccountPolicy& p) { p.origins.assign(101, "https://a.example"); }));
  EXPECT_FALSE(refused([](AccountPolicy& p) { p.events_per_s = ~std::uint64_t{0}; }));
  EXPECT_GT(store().policy(account_)->events_per_s, std::uint64_t{1} << 62);
}

TEST_P(ControlStoreConformance, SaysNotFoundForStrangers) {
  const AccountId nobody = account_id("404");
  EXPECT_EQ(store().set_account_state(nobody, AccountState::deleted, now_).error().code,
            ErrorCode::not_found);
  EXPECT_EQ(store().create_user("x@example.com", nobody, Role::member, now_).error().code,
            ErrorCode::not_found);
  EXPECT_EQ(store().user(make_user_id()).error().code, ErrorCode::not_found);
  EXPECT_EQ(store().user_by_email("x@example.com").error().code, ErrorCode::not_found);
  EXPECT_EQ(store().set_user_state(make_user_id(), UserState::disabled, now_).error().code,
            ErrorCode::not_found);
  EXPECT_EQ(store().set_user_role(make_user_id(), Role::admin, now_).error().code,
            ErrorCode::not_found);
  EXPECT_EQ(store().token(make_token_id()).error().code, ErrorCode::not_found);
  EXPECT_EQ(store().revoke_token(make_token_id(), now_).error().code, ErrorCode::not_found);
}

TEST_P(ControlStoreConformance, KeepsAnAddressUniqueInTheInstallation) {
  const AccountId other = account_id("124");
  ASSERT_TRUE(store().create_account(other, "", now_));
  EXPECT_EQ(store().create_user("ANN@Example.com", other, Role::member, now_).error().code,
            ErrorCode::already_exists);
  EXPECT_EQ(
      store().create_user("ann@example.com", std::nullopt, Role::operator_, now_).error().code,
      ErrorCode::already_exists);
  EXPECT_EQ(store().user_by_email("Ann@EXAMPLE.com")->id, user_->id);
  EXPECT_EQ(store().user(user_->id)->email, "ann@example.com");
}

TEST_P(ControlStoreConformance, RefusesAddressesThatAreNone) {
  for (const char* email : {"", "ann", "@example.com", "ann@", "a@b@c", "a b@example.com",
                            "ann@exa mple.com", "ann@-_-.com", "ann@example..com", ".a@example.com",
                            "ann@example.com\n", "\xc3\xa4@example.com", "<ann@example.com>"})
    EXPECT_EQ(store().create_user(email, account_, Role::member, now_).error().code,
              ErrorCode::invalid)
        << email;
}

TEST_P(ControlStoreConformance, GivesOperatorsNoAccountAndOthersOne) {
  EXPECT_EQ(store().create_user("o@example.com", account_, Role::operator_, now_).error().code,
            ErrorCode::invalid);
  EXPECT_EQ(store().create_user("o@example.com", std::nullopt, Role::admin, now_).error().code,
            ErrorCode::invalid);
  const User chief = store().create_user("o@example.com", {}, Role::operator_, now_).value();
  EXPECT_EQ(chief.account, std::nullopt);
  EXPECT_EQ(store().set_user_role(chief.id, Role::admin, now_).error().code, ErrorCode::invalid);
  EXPECT_EQ(store().set_user_role(user_->id, Role::operator_, now_).error().code,
            ErrorCode::invalid);
  EXPECT_EQ(store().users(std::nullopt)->size(), 2U);
  EXPECT_EQ(store().users(account_)->size(), 1U);
}

TEST_P(ControlStoreConformance, LeavesNothingBehindOfARefusedWrite) {
  const std::uint64_t before = counter();
  EXPECT_FALSE(store().create_user("ann@example.com", account_, Role::member, now_));
  EXPECT_EQ(store().create_token(wanted(""), digest("x"), now_).error().code, ErrorCode::invalid);
  EXPECT_EQ(counter(), before);
  EXPECT_EQ(store().users(account_)->size(), 1U);
  EXPECT_TRUE(store().create_account(account_id("5"), "", now_));  // the lock is free again
  EXPECT_GT(counter(), before);
}

TEST_P(ControlStoreConformance, LetsOneOfTwoRacingWritersWin) {
  std::atomic<int> created = 0;
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        const std::string email = "user" + std::to_string(i) + "@example.com";
        const auto user = store().create_user(email, account_, Role::member, now_);
        if (user) ++created;
        if (!user) EXPECT_EQ(user.error().code, ErrorCode::already_exists) << t;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(created, 10);
  EXPECT_EQ(store().users(account_)->size(), 11U);
}

}  // namespace valetkey::control
