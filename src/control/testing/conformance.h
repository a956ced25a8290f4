// SPDX-License-Identifier: Apache-2.0
// What every ControlStore does, as tests: include this once in a test of the implementation and
// instantiate ControlStoreConformance with a function that opens an empty store.
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

TEST_P(ControlStoreConformance, GrantsWhatATokenMayDoNow) {
  NewToken request = wanted();
  request.scopes = {true, false};
  request.expires = now_ + std::chrono::days(90);
  const Token token = make(request, "secret");
  const TokenGrant grant = ask("secret", now_).value();
  EXPECT_EQ(grant.token, token.id);
  EXPECT_EQ(grant.user, user_->id);
  EXPECT_EQ(grant.account, account_);
  EXPECT_EQ(grant.role, Role::admin);
  EXPECT_EQ(grant.scopes, (TokenScopes{true, false}));
  EXPECT_EQ(grant.expires, request.expires);
  ASSERT_TRUE(store().set_user_role(user_->id, Role::member, now_));
  EXPECT_EQ(ask("secret", now_)->role, Role::member);
  EXPECT_EQ(ask("another", now_).error(), TokenRefusal::unknown);
}

TEST_P(ControlStoreConformance, RefusesATokenFromTheInstantOfItsExpiry) {
  NewToken request = wanted();
  request.expires = now_ + milliseconds(10);
  make(request, "secret");
  EXPECT_TRUE(ask("secret", now_ + milliseconds(9)));
  EXPECT_EQ(ask("secret", now_ + milliseconds(10)).error(), TokenRefusal::expired);
}

TEST_P(ControlStoreConformance, RefusesTokensOfDisabledUsersAndSuspendedAccountsUntilTheyReturn) {
  make(wanted(), "secret");
  ASSERT_TRUE(store().set_user_state(user_->id, UserState::disabled, now_));
  EXPECT_EQ(ask("secret", now_).error(), TokenRefusal::user_disabled);
  EXPECT_EQ(store().create_token(wanted(), digest("more"), now_).error().code, ErrorCode::denied);
  ASSERT_TRUE(store().set_user_state(user_->id, UserState::active, now_));
  EXPECT_TRUE(ask("secret", now_));
  ASSERT_TRUE(store().set_account_state(account_, AccountState::suspended, now_));
  EXPECT_EQ(ask("secret", now_).error(), TokenRefusal::account_suspended);
  EXPECT_EQ(store().create_token(wanted(), digest("more"), now_).error().code, ErrorCode::denied);
  ASSERT_TRUE(store().set_account_state(account_, AccountState::active, now_));
  EXPECT_TRUE(ask("secret", now_));
}

TEST_P(ControlStoreConformance, CreatesNoTokenThatMakesNoSense) {
  const auto refused = [&](const NewToken& request) {
    return store().create_token(request, digest("x"), now_).error().code;
  };
  EXPECT_EQ(refused(wanted("")), ErrorCode::invalid);
  EXPECT_EQ(refused(wanted(std::string(101, 'n'))), ErrorCode::invalid);
  EXPECT_EQ(refused(wanted("a\nb")), ErrorCode::invalid);
  EXPECT_EQ(refused(wanted("a\xff")), ErrorCode::invalid);
  NewToken request = wanted();
  request.scopes = {};
  EXPECT_EQ(refused(request), ErrorCode::invalid);
  request = wanted();
  request.expires = now_;
  EXPECT_EQ(refused(request), ErrorCode::invalid);
  request = wanted();
  request.parent = make_token_id();
  EXPECT_EQ(refused(request), ErrorCode::not_found);
  request = wanted();
  request.user = make_user_id();
  EXPECT_EQ(refused(request), ErrorCode::not_found);
  EXPECT_TRUE(store().tokens(account_, std::nullopt)->empty());
}

TEST_P(ControlStoreConformance, TakesNamesOfAHundredCharactersHoweverManyBytes) {
  std::string name;
  for (int i = 0; i < 100; ++i) name += "\xe2\x82\xac";
  EXPECT_EQ(make(wanted(name), "secret").name, name);
  EXPECT_EQ(store().create_token(wanted(name + "x"), digest("x"), now_).error().code,
            ErrorCode::invalid);
}

TEST_P(ControlStoreConformance, CreatesNoTokenForAUserOfAnotherAccount) {
  const AccountId other = account_id("12");
  ASSERT_TRUE(store().create_account(other, "", now_));
  NewToken request = wanted();
  request.account = other;
  EXPECT_EQ(store().create_token(request, digest("x"), now_).error().code, ErrorCode::invalid);
  const User chief = store().create_user("o@example.com", {}, Role::operator_, now_).value();
  request = wanted();
  request.user = chief.id;
  EXPECT_EQ(store().create_token(request, digest("x"), now_).error().code, ErrorCode::invalid);
}

TEST_P(ControlStoreConformance, LetsATokenCreateOnlySubsetsOfItself) {
  NewToken request = wanted("parent");
  request.scopes = {false, true};
  request.expires = now_ + std::chrono::hours(1);
  const Token parent = make(request, "parent");
  NewToken child = request;
  child.parent = parent.id;
  const auto refused = [&](const NewToken& r, Timestamp at) {
    return store().create_token(r, digest("x"), at).error().code;
  };
  child.scopes = {true, true};
  EXPECT_EQ(refused(child, now_), ErrorCode::denied);
  child.scopes = {false, true};
  child.expires = std::nullopt;
  EXPECT_EQ(refused(child, now_), ErrorCode::denied);
  child.expires = *request.expires + milliseconds(1);
  EXPECT_EQ(refused(child, now_), ErrorCode::denied);
  EXPECT_EQ(refused(child, *request.expires), ErrorCode::denied);  // the parent has expired
  child.expires = request.expires;
  EXPECT_EQ(make(child, "child").parent, parent.id);
  ASSERT_TRUE(store().revoke_token(parent.id, now_));
  EXPECT_EQ(refused(child, now_), ErrorCode::denied);
}

TEST_P(ControlStoreConformance, LetsATokenOnlyNarrowWhatItCreates) {
  const auto of = [](std::vector<std::string> prefixes, std::vector<std::string> sources) {
    return Narrowing::make({.prefixes = std::move(prefixes), .sources = std::move(sources)})
        .value();
  };
  NewToken request = wanted();
  request.scopes = {.export_ = true, .tokens = true};
  request.narrowing = of({"type=decisions/"}, {"10.0.0.0/8"});
  const Token parent = store().create_token(request, digest("p"), now_).value();
  EXPECT_EQ(parent.narrowing, request.narrowing);
  EXPECT_EQ(store().token(parent.id)->narrowing, request.narrowing);
  EXPECT_EQ(ask("p", now_)->narrowing, request.narrowing);
  request.parent = parent.id;
  for (const Narrowing& wider :
       {Narrowing(), of({"type=decisions/"}, {}), of({}, {"10.0.0.0/8"}),
        of({"type=decisions2/"}, {"10.0.0.0/8"}), of({"type=decisions/"}, {"11.0.0.0/8"})}) {
    request.narrowing = wider;
    EXPECT_EQ(store().create_token(request, digest("w"), now_).error().code, ErrorCode::denied)
        << wider.words();
  }
  request.narrowing = of({"type=decisions/date=2026-11-29/"}, {"10.1.0.0/16"});
  const Token child = store().create_token(request, digest("c"), now_).value();
  // In another's place comes one of the same limits, neither wider nor narrower.
  NewToken next = wanted();
  next.scopes = child.scopes;
  EXPECT_EQ(store().replace_token(child.id, next, digest("n"), now_, now_).error().code,
            ErrorCode::invalid);
  next.narrowing = child.narrowing;
  EXPECT_EQ(store().replace_token(child.id, next, digest("n"), now_, now_)->narrowing,
            child.narrowing);
}

TEST_P(ControlStoreConformance, LimitsToPrefixesNoTokenThatHandlesUsers) {
  NewToken request = wanted();
  request.scopes = {.export_ = true, .users = true};
  request.narrowing = Narrowing::make({.types = {"decisions"}}).value();
  EXPECT_EQ(store().create_token(request, digest("u"), now_).error().code, ErrorCode::invalid);
  request.narrowing = Narrowing::make({.sources = {"10.0.0.0/8"}}).value();
  EXPECT_TRUE(store().create_token(request, digest("u"), now_));
}

TEST_P(ControlStoreConformance, LetsNoTokenCreateOneOfAnotherAccount) {
  const AccountId other = account_id("12");
  ASSERT_TRUE(store().create_account(other, "", now_));
  const User bob = store().create_user("bob@example.com", other, Role::admin, now_).value();
  NewToken request = wanted();
  request.parent = make(wanted("parent"), "parent").id;
  request.account = other;
  request.user = bob.id;
  EXPECT_EQ(store().create_token(request, digest("x"), now_).error().code, ErrorCode::denied);
}

TEST_P(ControlStoreConformance, RevokesEveryDescendantOnce) {
  std::vector<Token> chain = {make(wanted("0"), "0")};
  for (int i = 1; i < 10; ++i) {
    NewToken request = wanted(std::to_string(i));
    request.parent = chain.back().id;
    chain.push_back(make(request, std::to_string(i)));
  }
  make(wanted("bystander"), "bystander");
  EXPECT_EQ(store().revoke_token(chain[7].id, now_)->size(), 3U);
  EXPECT_EQ(store().revoke_token(chain[1].id, now_ + milliseconds(5))->size(), 6U);
  EXPECT_EQ(store().revoke_token(chain[1].id, now_ + milliseconds(9))->size(), 0U);
  EXPECT_TRUE(ask("0", now_));
  EXPECT_TRUE(ask("bystander", now_));
  for (int i = 1; i < 10; ++i)
    EXPECT_EQ(ask(std::to_string(i), now_).error(), TokenRefusal::revoked) << i;
  EXPECT_EQ(store().token(chain[9].id)->revoked, now_);  // the first time counts
  EXPECT_EQ(store().token(chain[1].id)->revoked, now_ + milliseconds(5));
  EXPECT_EQ(store().revocations(now_, 0)->size(), 9U);
}

// Ann, an admin, makes a token for Mem, sees its value and goes: what she knows must end with her.
TEST_P(ControlStoreConformance, EndsWithAUserWhatTheUsersTokensCreatedForOthers) {
  const auto user = [&](const char* email) {
    return store().create_user(email, account_, Role::admin, now_).value();
  };
  const User mem = user("mem@example.com");
  const User eve = user("eve@example.com");
  const auto child = [&](const char* name, const UserId& owner, const TokenId& parent) {
    NewToken request = wanted(name);
    request.user = owner;
    request.parent = parent;
    return make(request, name).id;
  };
  const TokenId anns = make(wanted("ann's"), "ann's").id;
  const TokenId anns_second = child("ann's second", user_->id, anns);
  const TokenId mems = child("mem's", mem.id, anns_second);
  const TokenId eves = child("eve's", eve.id, mems);
  child("ann's third", user_->id, eves);  // hers again, and yet of a token that ends
  NewToken own = wanted("mem's own");
  own.user = mem.id;
  make(own, "mem's own");

  const auto ended = store().set_user_state(user_->id, UserState::disabled, now_).value();
  std::vector<std::string> names;
  for (const Token& token : ended) {
    names.push_back(token.name);
    EXPECT_EQ(token.revoked, now_);
  }
  EXPECT_THAT(names, testing::UnorderedElementsAre("mem's", "eve's", "ann's third"));
  for (const char* gone : {"mem's", "eve's"})
    EXPECT_EQ(ask(gone, now_).error(), TokenRefusal::revoked) << gone;
  for (const char* hers : {"ann's", "ann's second"})
    EXPECT_EQ(ask(hers, now_).error(), TokenRefusal::user_disabled) << hers;
  EXPECT_TRUE(ask("mem's own", now_));
  const auto refused = Revocations().with(store().revocations(now_, 0).value());
  EXPECT_TRUE(refused.refuse(account_, mem.id, mems, now_));  // the sessions that it bought
  EXPECT_TRUE(refused.refuse(account_, eve.id, eves, now_));
  EXPECT_TRUE(store().set_user_state(user_->id, UserState::disabled, now_)->empty());

  ASSERT_TRUE(store().set_user_state(user_->id, UserState::active, now_));
  EXPECT_TRUE(ask("ann's", now_));
  for (const char* gone : {"mem's", "eve's", "ann's third"})
    EXPECT_EQ(ask(gone, now_).error(), TokenRefusal::revoked) << gone;
}

TEST_P(ControlStoreConformance, EndsWithTheRoleOfAnAdminWhatItCreatedForOthers) {
  const User mem = store().create_user("mem@example.com", account_, Role::member, now_).value();
  const Token anns = make(wanted("ann's"), "ann's");
  NewToken request = wanted("mem's");
  request.parent = anns.id;
  request.user = mem.id;
  make(request, "mem's");
  const auto ended = store().set_user_role(user_->id, Role::member, now_).value();
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].name, "mem's");
  EXPECT_EQ(ask("mem's", now_).error(), TokenRefusal::revoked);
  EXPECT_TRUE(ask("ann's", now_));
  // A request that was let in before the change, and comes to the store after it.
  EXPECT_EQ(store().create_token(request, digest("late"), now_).error().code, ErrorCode::denied);
  ASSERT_TRUE(store().set_user_state(user_->id, UserState::disabled, now_));
  EXPECT_EQ(store().create_token(request, digest("late"), now_).error().code, ErrorCode::denied);
}

TEST_P(ControlStoreConformance, LimitsTheTokensOfAUserAndOfAnAccount) {
  const User mem = store().create_user("mem@example.com", account_, Role::member, now_).value();
  NewToken request = wanted();
  request.limits = {.per_user = 3, .per_account = 5};
  int made = 0;
  const auto create = [&](const UserId& user, Timestamp at) {
    request.user = user;
    return store().create_token(request, digest(std::to_string(++made)), at);
  };
  const Token first = create(user_->id, now_).value();
  request.expires = now_ + std::chrono::hours(1);
  ASSERT_TRUE(create(user_->id, now_));
  request.expires.reset();
  ASSERT_TRUE(create(user_->id, now_));
  const auto fourth = create(user_->id, now_);
  EXPECT_EQ(fourth.error().code, ErrorCode::too_large);
  EXPECT_THAT(fourth.error().detail, testing::HasSubstr("the user has 3 tokens"));
  ASSERT_TRUE(create(mem.id, now_));
  ASSERT_TRUE(create(mem.id, now_));
  EXPECT_THAT(create(mem.id, now_).error().detail, testing::HasSubstr("the account has 5 tokens"));
  // Making room lets nobody turn tokens over without end: as many may be made in a day.
  ASSERT_TRUE(store().revoke_token(first.id, now_));
  EXPECT_THAT(create(user_->id, now_).error().detail, testing::HasSubstr("within 24 hours"));
  const Timestamp tomorrow = now_ + std::chrono::hours(24);
  EXPECT_TRUE(create(user_->id, tomorrow));
  EXPECT_TRUE(create(user_->id, tomorrow));  // one of the former expired
  EXPECT_EQ(create(user_->id, tomorrow).error().code, ErrorCode::too_large);
  request.limits = {.per_user = 0, .per_account = 0};
  EXPECT_TRUE(create(user_->id, tomorrow));
}

TEST_P(ControlStoreConformance, ListsTokensPageByPage) {
  const User mem = store().create_user("mem@example.com", account_, Role::member, now_).value();
  for (int i = 0; i < 7; ++i) {
    NewToken request = wanted(std::to_string(i));
    if (i % 3 == 0) request.user = mem.id;
    ASSERT_TRUE(store().create_token(request, digest(request.name), now_ + milliseconds(i / 2)));
  }
  for (const auto& user : {std::optional<UserId>(), std::optional(mem.id)}) {
    std::vector<TokenId> all, paged;
    for (const Token& token : store().tokens(account_, user).value()) all.push_back(token.id);
    TokenPage page{.account = account_, .user = user, .after = {}, .limit = 2};
    while (true) {
      const auto tokens = store().tokens_page(page).value();
      for (const Token& token : tokens) paged.push_back(token.id);
      if (tokens.size() < 2) break;
      page.after = tokens.back().id;
    }
    EXPECT_EQ(paged, all);
  }
  const auto refused = [&](TokenPage page) { return store().tokens_page(page).error().code; };
  EXPECT_EQ(refused({account_, {}, make_token_id(), 2}), ErrorCode::not_found);
  const TokenId anns = store().tokens(account_, user_->id)->front().id;
  EXPECT_EQ(refused({account_, mem.id, anns, 2}), ErrorCode::not_found);
  EXPECT_EQ(refused({account_id("12"), {}, anns, 2}), ErrorCode::not_found);
}

TEST_P(ControlStoreConformance, TellsWhatChangedSinceACounter) {
  const Token first = make(wanted(), "a");
  const Token second = make(wanted(), "b");
  ASSERT_TRUE(store().revoke_token(first.id, now_));
  const std::uint64_t seen = counter();
  ASSERT_TRUE(store().revoke_token(second.id, now_));
  const auto changed = store().revocations(now_, seen).value();
  ASSERT_EQ(changed.size(), 1U);
  EXPECT_EQ(changed[0].subject, second.id.str());
  EXPECT_TRUE(store().revocations(now_, counter())->empty());
}

TEST_P(ControlStoreConformance, RefusesSessionsOfARevokedTokenWheneverTheyWereIssued) {
  const Token token = make(wanted(), "secret");
  const Token other = make(wanted("other"), "other");
  ASSERT_TRUE(store().revoke_token(token.id, now_));
  const auto revoked =
      Revocations().with(store().revocations(now_ - std::chrono::hours(1), 0).value());
  // A server that has not seen the revocation yet issues one a little later.
  EXPECT_TRUE(revoked.refuse(account_, user_->id, token.id, now_ - milliseconds(1)));
  EXPECT_TRUE(revoked.refuse(account_, user_->id, token.id, now_ + milliseconds(500)));
  EXPECT_FALSE(revoked.refuse(account_, user_->id, other.id, now_ - milliseconds(1)));
}

TEST_P(ControlStoreConformance, LetsOnlyNewSessionsThroughAfterAReturn) {
  const Token token = make(wanted(), "secret");
  const auto refused = [&](Timestamp issued) {
    const auto all = Revocations().with(store().revocations(now_, 0).value());
    return all.refuse(account_, user_->id, token.id, issued);
  };
  ASSERT_TRUE(store().set_account_state(account_, AccountState::suspended, now_));
  EXPECT_TRUE(refused(now_ + std::chrono::minutes(1)));
  ASSERT_TRUE(
      store().set_account_state(account_, AccountState::active, now_ + std::chrono::minutes(2)));
  EXPECT_TRUE(refused(now_ + std::chrono::minutes(1)));
  EXPECT_FALSE(refused(now_ + std::chrono::minutes(2)));
  ASSERT_TRUE(
      store().set_user_state(user_->id, UserState::disabled, now_ + std::chrono::minutes(3)));
  EXPECT_TRUE(refused(now_ + std::chrono::minutes(4)));
}

TEST_P(ControlStoreConformance, ForgetsRevocationsOlderThanAsked) {
  ASSERT_TRUE(store().revoke_token(make(wanted(), "secret").id, now_));
  EXPECT_EQ(store().revocations(now_, 0)->size(), 1U);
  EXPECT_TRUE(store().revocations(now_ + milliseconds(1), 0)->empty());
}

TEST_P(ControlStoreConformance, CountsEveryChangeThatMattersAndNoUsage) {
  std::uint64_t last = counter();
  const auto grew = [&] { return std::exchange(last, counter()) < last; };
  const auto changed = [&](const auto& result) {
    const std::uint64_t before = std::exchange(last, counter());
    return result.has_value() && last > before;
  };
  EXPECT_TRUE(changed(store().create_account(account_id("5"), "", now_)));
  EXPECT_TRUE(changed(store().create_user("b@example.com", account_, Role::member, now_)));
  const auto token = store().create_token(wanted(), digest("t"), now_);
  EXPECT_FALSE(changed(token));  // no cache knows a token that did not exist
  EXPECT_TRUE(changed(store().set_user_role(user_->id, Role::member, now_)));
  EXPECT_TRUE(changed(store().set_user_state(user_->id, UserState::disabled, now_)));
  EXPECT_TRUE(changed(store().set_user_state(user_->id, UserState::active, now_)));
  EXPECT_TRUE(changed(store().set_account_state(account_, AccountState::suspended, now_)));
  EXPECT_TRUE(changed(store().revoke_token(token->id, now_)));
  EXPECT_TRUE(changed(store().set_account_state(account_, AccountState::deleted, now_)));
  ASSERT_TRUE(store().add_usage({{account_, date_of(now_), {1, 2, 3, 4, 5}}}, {}));
  ASSERT_FALSE(store().create_account(account_id("5"), "", now_));
  EXPECT_FALSE(grew());
}

TEST_P(ControlStoreConformance, RevokesTheSessionsOfAnAccountAndNoToken) {
  const auto token = store().create_token(wanted(), digest("t"), now_).value();
  const std::uint64_t before = counter();
  ASSERT_TRUE(store().revoke_sessions(account_, now_));
  EXPECT_GT(counter(), before);
  const Revocations revoked = Revocations().with(store().revocations(now_, 0).value());
  EXPECT_TRUE(revoked.refuse(account_, user_->id, token.id, now_ - milliseconds(1)));
  EXPECT_FALSE(revoked.refuse(account_, user_->id, token.id, now_));
  EXPECT_TRUE(store().authenticate(digest("t"), now_).value());
  // What is refused for good stays so.
  ASSERT_TRUE(store().set_account_state(account_, AccountState::suspended, now_));
  ASSERT_TRUE(store().revoke_sessions(account_, now_));
  const Revocations all = Revocations().with(store().revocations(now_, 0).value());
  EXPECT_TRUE(all.refuse(account_, user_->id, token.id, now_ + std::chrono::hours(1)));
  EXPECT_EQ(store().revoke_sessions(account_id("999"), now_).error().code, ErrorCode::not_found);
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

TEST_P(ControlStoreConformance, ListsTokensByAccountAndUser) {
  const User bob = store().create_user("bob@example.com", account_, Role::member, now_).value();
  make(wanted("ann's"), "a");
  NewToken request = wanted("bob's");
  request.user = bob.id;
  make(request, "b");
  EXPECT_EQ(store().tokens(std::nullopt, std::nullopt)->size(), 2U);
  EXPECT_EQ(store().tokens(account_, std::nullopt)->size(), 2U);
  ASSERT_EQ(store().tokens(account_, bob.id)->size(), 1U);
  EXPECT_EQ(store().tokens(std::nullopt, bob.id)->front().name, "bob's");
  EXPECT_TRUE(store().tokens(account_id("12"), bob.id)->empty());
}

TEST_P(ControlStoreConformance, StoresATokensDigestOnce) {
  make(wanted(), "secret");
  EXPECT_FALSE(store().create_token(wanted("again"), digest("secret"), now_));
  EXPECT_EQ(store().tokens(account_, std::nullopt)->size(), 1U);
}

TEST_P(ControlStoreConformance, SumsUsagePerAccountAndDay) {
  const Date day = date_of(now_);
  const Date next = day + std::chrono::days(1);
  const DayOfUsage stranger{account_id("999"), day, {9, 9, 9, 9, 9}};
  ASSERT_TRUE(store().add_usage(
      {{account_, day, {1, 2, 3, 4, 5}}, stranger, {account_, day, {1, 0, 0, 0, 1}}}, {}));
  ASSERT_TRUE(store().add_usage({{account_, day, {0, 5, 1'000'000'000'000, 0, 0}}}, {}));
  ASSERT_TRUE(store().add_usage({{account_, next, {1, 1, 1, 1, 1}}}, {}));
  const auto usage = store().usage(account_, day, next).value();
  ASSERT_EQ(usage.size(), 2U);
  EXPECT_EQ(usage[0].counts, (UsageCounts{2, 7, 1'000'000'000'003U, 4, 6}));
  EXPECT_EQ(store().usage(std::nullopt, next, next)->size(), 1U);
  EXPECT_EQ(store().usage(std::nullopt, day, day)->size(), 1U);
  EXPECT_TRUE(store().usage(account_id("12"), day, next)->empty());
}

TEST_P(ControlStoreConformance, CapsUsageInsteadOfOverflowing) {
  const Date day = date_of(now_);
  constexpr std::uint64_t kHuge = ~std::uint64_t{0};
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(store().add_usage({{account_, day, {kHuge, kHuge, kHuge, kHuge, kHuge}}}, {}));
  EXPECT_GT(store().usage(account_, day, day)->front().counts.bytes, std::uint64_t{1} << 61);
}

TEST_P(ControlStoreConformance, KeepsTheNewestDaysOfUsageOfEachAccount) {
  const Date first = date_of(now_);
  std::vector<DayOfUsage> days;
  for (int i = 0; i < kDaysOfUsage + 5; ++i)
    days.push_back({account_, first + std::chrono::days(i), {.exchanges = 1}});
  ASSERT_TRUE(store().add_usage(days, {}));
  const auto kept = store().usage(account_, first, days.back().day).value();
  ASSERT_EQ(kept.size(), static_cast<std::size_t>(kDaysOfUsage));
  EXPECT_EQ(kept.front().day, first + std::chrono::days(5));
}

TEST_P(ControlStoreConformance, RemembersTheLastUseOfATokenAndNeverAnEarlierOne) {
  const Token token = make(wanted(), "secret");
  EXPECT_FALSE(store().token(token.id)->last_used);
  const Timestamp later = now_ + std::chrono::hours(1);
  ASSERT_TRUE(store().add_usage({}, {{token.id, later, "192.0.2.7"}, {make_token_id(), now_, ""}}));
  ASSERT_TRUE(store().add_usage({}, {{token.id, now_, "192.0.2.8"}}));
  EXPECT_EQ(store().token(token.id)->last_used, later);
  EXPECT_EQ(store().tokens(account_, std::nullopt)->front().last_used_from, "192.0.2.7");
}

TEST_P(ControlStoreConformance, PurgesUsageForGood) {
  const Token token = make(wanted(), "secret");
  const Date day = date_of(now_);
  const auto add = [&] {
    return store().add_usage({{account_, day, {1, 1, 1, 1, 1}}}, {{token.id, now_, "192.0.2.7"}});
  };
  ASSERT_TRUE(add());
  ASSERT_TRUE(store().purge_usage(account_));
  ASSERT_TRUE(add()) << "a server that had not heard of it yet";
  EXPECT_TRUE(store().usage(account_, day, day)->empty());
  EXPECT_FALSE(store().token(token.id)->last_used);
  EXPECT_EQ(store().purge_usage(account_id("999")).error().code, ErrorCode::not_found);
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

TEST_P(ControlStoreConformance, NeverLetsAChildSurviveItsParentInARace) {
  for (int round = 0; round < 5; ++round) {
    const std::string tag = std::to_string(round);
    const Token parent = make(wanted("parent"), "parent" + tag);
    std::thread creator([&] {
      for (int i = 0; i < 5; ++i) {
        NewToken request = wanted("child");
        request.parent = parent.id;
        static_cast<void>(
            store().create_token(request, digest(tag + "." + std::to_string(i)), now_));
      }
    });
    ASSERT_TRUE(store().revoke_token(parent.id, now_));
    creator.join();
  }
  for (const Token& token : store().tokens(account_, std::nullopt).value())
    EXPECT_TRUE(token.revoked) << token.name;
}

}  // namespace valetkey::control
