// SPDX-License-Identifier: Apache-2.0
// The part of conformance.h that the web console stands on: passwords, invitations, web sessions,
// tokens of operators, replacement.
#pragma once

#include "control/testing/conformance.h"

namespace valetkey::control {

class ConsoleConformance : public ControlStoreConformance {
 protected:
  WebSession sign_in(std::string_view secret, const UserId& user, Timestamp at) {
    return store()
        .create_session({user, at + std::chrono::hours(12), at + std::chrono::days(7), "192.0.2.1"},
                        digest(secret), at)
        .value();
  }
  WebSession sign_in(std::string_view secret) { return sign_in(secret, user_->id, now_); }
  SessionAnswer look(std::string_view secret, Timestamp at) {
    return store().session(digest(secret), at).value();
  }
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ConsoleConformance);

TEST_P(ConsoleConformance, KeepsAPasswordForWhomItWasSet) {
  EXPECT_EQ(store().password(user_->id).value(), "");
  EXPECT_FALSE(store().user(user_->id)->has_password);
  ASSERT_TRUE(store().set_password(user_->id, "$argon2id$hash"));
  EXPECT_EQ(store().password(user_->id).value(), "$argon2id$hash");
  EXPECT_TRUE(store().user(user_->id)->has_password);
  EXPECT_EQ(store().set_password(make_user_id(), "x").error().code, ErrorCode::not_found);
}

TEST_P(ConsoleConformance, TakesAnInvitationOnceAndUntilItExpires) {
  const Timestamp until = now_ + std::chrono::hours(72);
  ASSERT_TRUE(store().invite(user_->id, digest("code"), until));
  EXPECT_EQ(store().invitation(digest("code"), now_)->user.id, user_->id);
  EXPECT_EQ(store().invitation(digest("code"), now_)->expires, until);
  EXPECT_EQ(store().invitation(digest("code"), until).error().code, ErrorCode::not_found);
  EXPECT_EQ(store().invitation(digest("other"), now_).error().code, ErrorCode::not_found);
  EXPECT_EQ(store().accept_invitation(digest("code"), "hash", until).error().code,
            ErrorCode::not_found);
  EXPECT_EQ(store().password(user_->id).value(), "");
  EXPECT_TRUE(store().accept_invitation(digest("code"), "hash", now_)->has_password);
  EXPECT_EQ(store().password(user_->id).value(), "hash");
  EXPECT_EQ(store().accept_invitation(digest("code"), "again", now_).error().code,
            ErrorCode::not_found);
}

TEST_P(ConsoleConformance, EndsTheFormerInvitationAndTheSessionsOfWhoIsInvitedAgain) {
  const Timestamp until = now_ + std::chrono::hours(72);
  ASSERT_TRUE(store().invite(user_->id, digest("first"), until));
  ASSERT_TRUE(store().invite(user_->id, digest("second"), until));
  EXPECT_FALSE(store().invitation(digest("first"), now_));
  sign_in("stolen");
  ASSERT_TRUE(store().accept_invitation(digest("second"), "hash", now_));
  EXPECT_EQ(look("stolen", now_).error(), TokenRefusal::revoked);
}

TEST_P(ConsoleConformance, InvitesNobodyWhoIsDisabled) {
  ASSERT_TRUE(store().invite(user_->id, digest("code"), now_ + std::chrono::hours(72)));
  ASSERT_TRUE(store().set_user_state(user_->id, UserState::disabled, now_));
  EXPECT_FALSE(store().invitation(digest("code"), now_));
  EXPECT_EQ(store().invite(user_->id, digest("x"), now_).error().code, ErrorCode::denied);
  ASSERT_TRUE(store().set_user_state(user_->id, UserState::active, now_));
  EXPECT_FALSE(store().invitation(digest("code"), now_)) << "it ended for good";
}

TEST_P(ConsoleConformance, KnowsASessionUntilItSlidesAwayOrItsTimeIsOver) {
  const WebSession made = sign_in("cookie");
  EXPECT_EQ(made.account_name, "Acme");
  const SessionAnswer known = look("cookie", now_ + std::chrono::hours(11));
  ASSERT_TRUE(known);
  EXPECT_EQ(known->id, made.id);
  EXPECT_EQ(known->user.email, "ann@example.com");
  EXPECT_EQ(look("cookie", now_ + std::chrono::hours(12)).error(), TokenRefusal::expired);
  EXPECT_EQ(look("other", now_).error(), TokenRefusal::unknown);
  const Timestamp late = now_ + std::chrono::days(30);
  ASSERT_TRUE(store().touch_session(made.id, late, "192.0.2.9", now_ + std::chrono::hours(11)));
  EXPECT_EQ(look("cookie", now_ + std::chrono::days(6))->last_used_from, "192.0.2.9");
  EXPECT_EQ(look("cookie", now_ + std::chrono::days(7)).error(), TokenRefusal::expired);
}

TEST_P(ConsoleConformance, TakesASessionForNoToken) {
  const WebSession session = sign_in("cookie");
  EXPECT_EQ(ask("cookie", now_).error().why, TokenRefusal::unknown);
  EXPECT_EQ(store().token(session.id).error().code, ErrorCode::not_found);
  EXPECT_EQ(store().revoke_token(session.id, now_).error().code, ErrorCode::not_found);
  EXPECT_TRUE(store().tokens(account_, std::nullopt)->empty());
  EXPECT_TRUE(store().tokens_page({account_, {}, {}, 10})->empty());
}

TEST_P(ConsoleConformance, TakesATokenForNoSession) {
  const Token token = make(wanted(), "token");
  EXPECT_EQ(look("token", now_).error(), TokenRefusal::unknown);
  EXPECT_EQ(store().end_session(user_->id, token.id, now_).value(), 0U);
  EXPECT_TRUE(ask("token", now_));
}

TEST_P(ConsoleConformance, EndsOneSessionOrAllButOne) {
  const WebSession first = sign_in("first");
  const WebSession second = sign_in("second", user_->id, now_ + milliseconds(1));
  sign_in("third", user_->id, now_ + milliseconds(2));
  const Timestamp later = now_ + std::chrono::minutes(1);
  const std::uint64_t before = counter();
  EXPECT_EQ(store().end_session(user_->id, first.id, later).value(), 1U);
  EXPECT_GT(counter(), before) << "credentials that it bought end, too";
  EXPECT_EQ(store().revocations(now_, before)->front().subject, first.id.str());
  EXPECT_EQ(store().end_session(user_->id, first.id, later).value(), 0U);
  EXPECT_EQ(store().end_sessions(user_->id, second.id, later).value(), 1U);
  EXPECT_TRUE(look("second", later));
  EXPECT_EQ(look("third", later).error(), TokenRefusal::revoked);
  EXPECT_EQ(store().sessions(user_->id, later)->size(), 1U);
}

TEST_P(ConsoleConformance, EndsNobodyElsesSession) {
  const auto other = store().create_user("bob@example.com", account_, Role::member, now_).value();
  const WebSession session = sign_in("cookie");
  EXPECT_EQ(store().end_session(other.id, session.id, now_).value(), 0U);
  EXPECT_TRUE(look("cookie", now_));
}

TEST_P(ConsoleConformance, EndsTheOldestSessionOfWhoHasTooMany) {
  for (std::size_t i = 0; i <= kMaxSessionsOfUser; ++i)
    sign_in("s" + std::to_string(i), user_->id, now_ + milliseconds(i));
  const Timestamp later = now_ + std::chrono::seconds(1);
  EXPECT_EQ(look("s0", later).error(), TokenRefusal::revoked);
  EXPECT_TRUE(look("s1", later));
  EXPECT_EQ(store().sessions(user_->id, later)->size(), kMaxSessionsOfUser);
}

TEST_P(ConsoleConformance, KeepsOutWhoIsDisabledOrOfASuspendedAccount) {
  sign_in("cookie");
  ASSERT_TRUE(store().set_account_state(account_, AccountState::suspended, now_));
  EXPECT_EQ(look("cookie", now_).error(), TokenRefusal::account_suspended);
  EXPECT_EQ(store().create_session({user_->id, now_, now_, ""}, digest("x"), now_).error().code,
            ErrorCode::denied);
  ASSERT_TRUE(store().set_account_state(account_, AccountState::active, now_));
  EXPECT_TRUE(look("cookie", now_));
  ASSERT_TRUE(store().set_user_state(user_->id, UserState::disabled, now_));
  ASSERT_TRUE(store().set_user_state(user_->id, UserState::active, now_));
  EXPECT_EQ(look("cookie", now_).error(), TokenRefusal::revoked) << "it ended for good";
}

TEST_P(ConsoleConformance, OpensASessionOfAGivenIdOnce) {
  NewSession wanted{user_->id, now_ + std::chrono::hours(12), now_ + std::chrono::days(7), ""};
  wanted.id = make_token_id();
  EXPECT_EQ(store().create_session(wanted, digest("cookie"), now_)->id, *wanted.id);
  EXPECT_EQ(store().create_session(wanted, digest("another"), now_).error().code,
            ErrorCode::already_exists);
  ASSERT_EQ(store().end_session(user_->id, *wanted.id, now_).value(), 1u);
  EXPECT_EQ(store().create_session(wanted, digest("later"), now_).error().code,
            ErrorCode::already_exists)
      << "though it has ended";
}

TEST_P(ConsoleConformance, LetsWhatWasMadeInASessionOutliveIt) {
  const auto other = store().create_user("bob@example.com", account_, Role::member, now_).value();
  const WebSession session = sign_in("cookie");
  NewToken request = wanted("mine");
  request.parent = session.id;
  const Token mine = make(request, "mine");
  request.user = other.id;
  make(request, "his");
  EXPECT_FALSE(mine.parent) << "no reader learns of the session";
  EXPECT_EQ(mine.maker, user_->id);
  EXPECT_FALSE(store().token(mine.id)->parent);
  ASSERT_TRUE(store().end_session(user_->id, session.id, now_));
  EXPECT_TRUE(ask("mine", now_));
  EXPECT_TRUE(ask("his", now_));
  // But what an admin made for others ends with the admin's rights, wherever it was made.
  ASSERT_TRUE(store().set_user_role(user_->id, Role::member, now_));
  EXPECT_TRUE(ask("mine", now_));
  EXPECT_EQ(ask("his", now_).error().why, TokenRefusal::revoked);
}

TEST_P(ConsoleConformance, SaysOfPeopleWhatAnAdminWantsToKnow) {
  make(wanted(), "token");
  ASSERT_TRUE(store().revoke_token(make(wanted("old"), "old").id, now_));
  sign_in("cookie");
  const auto bob = store().create_user("bob@example.com", account_, Role::member, now_).value();
  ASSERT_TRUE(store().invite(bob.id, digest("code"), now_ + std::chrono::hours(1)));
  const auto people = store().people(account_, now_).value();
  ASSERT_EQ(people.size(), 2U);
  EXPECT_EQ(people[0].tokens, 1U);
  EXPECT_EQ(people[0].sessions, 1U);
  EXPECT_EQ(people[0].last_seen, now_);
  EXPECT_FALSE(people[0].invited_until);
  EXPECT_EQ(people[1].user.email, "bob@example.com");
  EXPECT_EQ(people[1].invited_until, now_ + std::chrono::hours(1));
  EXPECT_TRUE(store().people(account_id("404"), now_)->empty());
}

TEST_P(ConsoleConformance, KnowsTheTokenOfAnOperatorApartFromAllOthers) {
  const auto root = store().create_user("root@example.com", {}, Role::operator_, now_).value();
  NewToken request{{}, root.id, "automation", {.accounts = true}, {}, {}, {}};
  const Token token = make(request, "operator");
  EXPECT_FALSE(token.account);
  EXPECT_EQ(store().authenticate_operator(digest("operator"), now_)->value().user, root.id);
  EXPECT_EQ(ask("operator", now_).error().why, TokenRefusal::unknown);
  make(wanted(), "tenant");
  EXPECT_FALSE(*store().authenticate_operator(digest("tenant"), now_));
  request.scopes = {.export_ = true};
  EXPECT_EQ(store().create_token(request, digest("a"), now_).error().code, ErrorCode::invalid);
  request = wanted();
  request.scopes = {.accounts = true};
  EXPECT_EQ(store().create_token(request, digest("b"), now_).error().code, ErrorCode::invalid);
  ASSERT_TRUE(store().set_user_state(root.id, UserState::disabled, now_));
  EXPECT_EQ(store().authenticate_operator(digest("operator"), now_)->error(),
            TokenRefusal::user_disabled);
}

TEST_P(ConsoleConformance, ReplacesATokenAndKeepsWhatHangsOnIt) {
  const Token old = make(wanted(), "old");
  NewToken request = wanted("child");
  request.parent = old.id;
  const Token child = make(request, "child");
  const Timestamp ends = now_ + std::chrono::hours(1);
  const std::uint64_t before = counter();
  const auto made = store().replace_token(old.id, wanted(), digest("new"), ends, now_);
  ASSERT_TRUE(made);
  EXPECT_GT(counter(), before);
  EXPECT_TRUE(ask("old", ends - milliseconds(1)));
  EXPECT_EQ(ask("old", ends).error().why, TokenRefusal::expired);
  EXPECT_TRUE(ask("new", ends));
  EXPECT_TRUE(ask("child", ends));
  EXPECT_EQ(store().token(child.id)->parent, made->id);
}

TEST_P(ConsoleConformance, EndsAReplacedTokenAtOnceWhereNothingShallOverlap) {
  const Token old = make(wanted(), "old");
  ASSERT_TRUE(store().replace_token(old.id, wanted(), digest("new"), now_, now_));
  EXPECT_EQ(ask("old", now_).error().why, TokenRefusal::revoked);
  EXPECT_TRUE(ask("new", now_));
  EXPECT_EQ(store().replace_token(old.id, wanted(), digest("x"), now_, now_).error().code,
            ErrorCode::denied);
}

TEST_P(ConsoleConformance, NeverLengthensATokenByReplacingIt) {
  NewToken request = wanted();
  request.expires = now_ + std::chrono::hours(1);
  const Token old = make(request, "old");
  ASSERT_TRUE(
      store().replace_token(old.id, wanted(), digest("new"), now_ + std::chrono::days(7), now_));
  EXPECT_EQ(store().token(old.id)->expires, now_ + std::chrono::hours(1));
}

TEST_P(ConsoleConformance, ReplacesNoTokenByOneThatIsAnotherUsersOrCanMoreOrEndsTooEarly) {
  const auto bob = store().create_user("bob@example.com", account_, Role::member, now_).value();
  NewToken request = wanted();
  request.scopes = {.export_ = true};
  const Token old = make(request, "old");
  const auto attempt = [&](const NewToken& by) {
    return store().replace_token(old.id, by, digest("new"), now_, now_);
  };
  EXPECT_EQ(attempt(wanted()).error().code, ErrorCode::invalid);
  NewToken other = request;
  other.user = bob.id;
  EXPECT_EQ(attempt(other).error().code, ErrorCode::invalid);
  NewToken child = request;
  child.parent = old.id;
  make(child, "child");
  NewToken brief = request;
  brief.expires = now_ + std::chrono::hours(1);
  EXPECT_EQ(attempt(brief).error().code, ErrorCode::invalid);
  EXPECT_TRUE(ask("old", now_));
}

}  // namespace valetkey::control
