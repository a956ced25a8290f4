// SPDX-License-Identifier: Apache-2.0
// The part of conformance.h on tokens: what each may do, create and end.
#pragma once

#include <string>
#include <thread>

#include "control/testing/conformance.h"

namespace valetkey::control {

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
