// SPDX-License-Identifier: Apache-2.0
#include "console/sign_in.h"

#include <cstring>

#include "access/sightings.h"
#include "base/crypto.h"
#include "base/text.h"
#include "console/internal/fields.h"
#include "control/invitation.h"
#include "control/names.h"
#include "control/password.h"
#include "control/tokens.h"

namespace valetkey::console {
namespace {

namespace json = boost::json;
using control::User;
using control::WebSession;

constexpr std::chrono::minutes kTouchedEvery{1};
// Of one account from one block: people mistype a few times, and a guesser gets one try a minute.
constexpr limits::LimiterOptions kAccountLimits{.burst = 5, .interval = std::chrono::minutes(1)};

// The limiter counts by sixteen bytes, which an address has, and so has a digest.
http::Address place_of(std::string_view email, const http::Address& block) {
  std::string text(reinterpret_cast<const char*>(block.bytes.data()), block.bytes.size());
  const Digest256 digest = sha256(text.append(email));
  http::Address place;
  std::memcpy(place.bytes.data(), digest.data(), place.bytes.size());
  return place;
}

std::unexpected<Problem> signed_out() {
  return api::problem(ProblemCode::unauthenticated, "You are signed out: sign in again.");
}

std::unexpected<Problem> no_invitation() {
  return not_found(
      "This invitation is unknown, was used or has expired: ask who invited you for a new one.");
}

json::value account_of_user(const User& user, const std::string& name) {
  if (!user.account) return nullptr;
  return json::object{{"id", user.account->str()}, {"name", name}};
}

Answer<Secret> read_password(const Fields& fields, std::string_view name, std::string_view email) {
  VALETKEY_TRY(Secret password, fields.secret(name));
  if (const auto good = control::check_password(password.reveal(), email); !good)
    return bad_field(name, good.error().detail);
  return password;
}

}  // namespace

json::object session_document(const WebSession& session) {
  const User& user = session.user;
  return {{"user",
           {{"id", user.id.str()},
            {"email", user.email},
            {"role", control::name_of(user.role)},
            {"account", account_of_user(user, session.account_name)},
            {"has_password", user.has_password}}},
          {"session",
           {{"id", session.id.str()},
            {"created", format_iso8601(session.created)},
            {"expires", format_iso8601(session.expires)},
            {"absolute_expires", format_iso8601(session.absolute_expires)}}}};
}

SignIn::SignIn(Parts parts, const limits::LimiterOptions& limits, bool takes_passwords)
    : parts_(parts),
      takes_passwords_(takes_passwords),
      blocks_(limits),
      accounts_(kAccountLimits) {}

Answer<Who> SignIn::find(std::string_view cookie, const Call& call) {
  if (!is_well_formed_token(cookie)) return signed_out();
  const Digest256 digest = control::token_digest(cookie);
  VALETKEY_TRY(auto answer,
               or_hide(parts_.store.session(as_text(digest), call.now), "reading a session", call));
  if (!answer) return signed_out();
  WebSession& session = *answer;
  if (!session.last_used || call.now - *session.last_used >= kTouchedEvery) {
    session.expires = std::min(call.now + kSessionSlides, session.absolute_expires);
    VALETKEY_CHECK(or_hide(parts_.store.touch_session(session.id, session.expires,
                                                      access::block_text(call.address), call.now),
                           "moving a session's end", call));
  }
  const bool of_account = session.user.account.has_value();
  control::TokenScopes scopes{.export_ = of_account,
                              .tokens = of_account,
                              .users = of_account,
                              .audit = of_account,
                              .accounts = !of_account};
  return Who{session.id, session.user, scopes, session.absolute_expires, {}, session};
}

std::optional<Problem> SignIn::over_limit(const Call& call, std::string_view email) {
  const http::Address block = call.address.block();
  if (!blocks_.is_over(block, call.now) && !accounts_.is_over(place_of(email, block), call.now))
    return std::nullopt;
  return Problem{.code = ProblemCode::rate_limited,
                 .message = "Too many attempts from your network failed: wait a minute.",
                 .retry_after = std::chrono::minutes(1),
                 .allow = {}};
}

std::unexpected<Problem> SignIn::failed(const Call& call, std::string_view email,
                                        std::string_view why) {
  const http::Address block = call.address.block();
  static_cast<void>(blocks_.failed(block, call.now));
  static_cast<void>(accounts_.failed(place_of(email, block), call.now));
  parts_.audit.refused(why, access::block_text(call.address), call.now);
  return api::problem(ProblemCode::unauthenticated, "The address or the password is wrong.");
}

// An address that nobody has costs the same time as one with a wrong password.
Answer<Reply> SignIn::sign_in(const Call& call) {
  if (!takes_passwords_)
    return forbidden("Here people sign in at their identity provider, not with a password.");
  VALETKEY_TRY(const Fields fields, Fields::parse(call.body, {"email", "password"}));
  VALETKEY_TRY(const std::string given, fields.text("email"));
  VALETKEY_TRY(const Secret password, fields.secret("password"));
  const std::string email = lowered(given);
  if (auto problem = over_limit(call, email)) return std::unexpected(std::move(*problem));
  auto user = parts_.store.user_by_email(email);
  if (!user && user.error().code != ErrorCode::not_found && user.error().code != ErrorCode::invalid)
    return std::unexpected(api::hidden_failure(user.error(), "reading a user", call.request_id));
  std::string hash;
  if (user) {
    VALETKEY_TRY(hash, or_hide(parts_.store.password(user->id), "reading a password", call));
  }
  const bool fits = control::fits_password(hash, password);
  if (!user || !fits) return failed(call, email, "password");
  if (user->state != control::UserState::active) return failed(call, email, "user_disabled");
  return open_session(call, *user, "session.create");
}

Answer<Reply> SignIn::open_session(const Call& call, const User& user, std::string_view how,
                                   const std::optional<TokenId>& id) {
  Reply reply;
  VALETKEY_TRY(const WebSession session, create(call, user, id, reply));
  VALETKEY_CHECK(record(call, how, user, session.id.str()));
  reply.json = reply_with(session_document(session)).json;
  return reply;
}

Answer<WebSession> SignIn::create(const Call& call, const User& user,
                                  const std::optional<TokenId>& id, Reply& reply) {
  const Secret cookie = control::make_token();
  const Digest256 digest = control::token_digest(cookie.reveal());
  auto made = parts_.store.create_session({.user = user.id,
                                           .expires = call.now + kSessionSlides,
                                           .absolute_expires = call.now + kSessionLives,
                                           .from = access::block_text(call.address),
                                           .id = id},
                                          as_text(digest), call.now);
  if (!made && made.error().code == ErrorCode::already_exists)
    return api::problem(ProblemCode::conflict, "This sign-in was used before.");
  if (!made && made.error().code == ErrorCode::denied)
    return forbidden("Your account is not active: ask the operator.");
  reply.session = cookie;
  return or_hide(std::move(made), "opening a session", call);
}

Answer<Reply> SignIn::show_invitation(const Call& call) {
  VALETKEY_TRY(const Fields fields, Fields::parse(call.body, {"code"}));
  VALETKEY_TRY(const Secret code, fields.secret("code"));
  const auto invitation =
      parts_.store.invitation(as_text(control::invitation_digest(code.reveal())), call.now);
  if (!invitation && invitation.error().code == ErrorCode::not_found) return no_invitation();
  VALETKEY_TRY(const auto known, or_hide(invitation, "reading an invitation", call));
  std::string name;
  if (known.user.account) {
    VALETKEY_TRY(const auto account,
                 or_hide(parts_.store.account(*known.user.account), "reading an account", call));
    name = account.name;
  }
  return reply_with({{"email", known.user.email},
                     {"role", control::name_of(known.user.role)},
                     {"account", account_of_user(known.user, name)},
                     {"expires", format_iso8601(known.expires)}});
}

Answer<Reply> SignIn::accept_invitation(const Call& call) {
  VALETKEY_TRY(const Fields fields, Fields::parse(call.body, {"code", "password"}));
  VALETKEY_TRY(const Secret code, fields.secret("code"));
  const Digest256 digest = control::invitation_digest(code.reveal());
  const auto invitation = parts_.store.invitation(as_text(digest), call.now);
  if (!invitation && invitation.error().code == ErrorCode::not_found) return no_invitation();
  VALETKEY_TRY(const auto known, or_hide(invitation, "reading an invitation", call));
  VALETKEY_TRY(const Secret password, read_password(fields, "password", known.user.email));
  VALETKEY_TRY(const std::string hash,
               or_hide(control::hash_password(password), "hashing a password", call));
  auto accepted = parts_.store.accept_invitation(as_text(digest), hash, call.now);
  if (!accepted && accepted.error().code == ErrorCode::not_found) return no_invitation();
  VALETKEY_TRY(const User user, or_hide(std::move(accepted), "accepting an invitation", call));
  parts_.feed.poll();
  VALETKEY_CHECK(record(call, "user.set-password", user, user.id.str()));
  return open_session(call, user, "session.create");
}

Answer<Reply> SignIn::show(const Call& call) {
  return reply_with(session_document(*call.who->session));
}

Answer<Reply> SignIn::sign_out(const Call& call) {
  const User& user = call.who->user;
  VALETKEY_CHECK(or_hide(parts_.store.end_session(user.id, call.who->token, call.now),
                         "ending a session", call));
  parts_.feed.poll();  // what the session bought ends at once here, within the second elsewhere
  VALETKEY_CHECK(record(call, "session.end", user, call.who->token.str()));
  Reply reply = no_content();
  reply.session = Secret();
  return reply;
}

Answer<Reply> SignIn::list(const Call& call) {
  VALETKEY_TRY(const auto sessions, or_hide(parts_.store.sessions(call.who->user.id, call.now),
                                            "listing sessions", call));
  json::array listed;
  for (const WebSession& session : sessions)
    listed.push_back(json::object{
        {"id", session.id.str()},
        {"created", format_iso8601(session.created)},
        {"last_used", instant_or_null(session.last_used)},
        {"last_used_from", session.last_used ? json::value(session.last_used_from) : nullptr},
        {"expires", format_iso8601(session.expires)},
        {"current", session.id == call.who->token}});
  return reply_with({{"sessions", std::move(listed)}});
}

Answer<Reply> SignIn::end(const Call& call) {
  const auto id = TokenId::parse(call.ids.at(0));
  if (!id) return not_found("There is no such session.");
  if (*id == call.who->token) return sign_out(call);
  const User& user = call.who->user;
  VALETKEY_TRY(const auto ended,
               or_hide(parts_.store.end_session(user.id, *id, call.now), "ending a session", call));
  if (ended == 0) return not_found("There is no such session.");
  parts_.feed.poll();
  VALETKEY_CHECK(record(call, "session.end", user, id->str()));
  return no_content();
}

Answer<Reply> SignIn::end_all(const Call& call) {
  const User& user = call.who->user;
  VALETKEY_CHECK(
      or_hide(parts_.store.end_sessions(user.id, {}, call.now), "ending sessions", call));
  parts_.feed.poll();
  VALETKEY_CHECK(record(call, "session.end-all", user, user.id.str()));
  Reply reply = no_content();
  reply.session = Secret();
  return reply;
}

Answer<Reply> SignIn::change_password(const Call& call) {
  if (!takes_passwords_)
    return forbidden("Here people sign in at their identity provider, not with a password.");
  const User& user = call.who->user;
  VALETKEY_TRY(const Fields fields, Fields::parse(call.body, {"current", "new"}));
  VALETKEY_TRY(const Secret wanted, read_password(fields, "new", user.email));
  VALETKEY_TRY(const Secret current, fields.secret("current"));
  if (auto problem = over_limit(call, user.email)) return std::unexpected(std::move(*problem));
  VALETKEY_TRY(const std::string known,
               or_hide(parts_.store.password(user.id), "reading a password", call));
  if (!control::fits_password(known, current)) {
    static_cast<void>(failed(call, user.email, "password"));
    return bad_field("current", "This is not your password.");
  }
  VALETKEY_TRY(const std::string hash,
               or_hide(control::hash_password(wanted), "hashing a password", call));
  VALETKEY_CHECK(or_hide(parts_.store.set_password(user.id, hash), "setting a password", call));
  VALETKEY_CHECK(or_hide(parts_.store.end_sessions(user.id, call.who->token, call.now),
                         "ending sessions", call));
  parts_.feed.poll();
  VALETKEY_CHECK(record(call, "user.set-password", user, user.id.str()));
  return no_content();
}

Answer<void> SignIn::record(const Call& call, std::string_view action, const User& user,
                            std::string_view subject) {
  return or_hide(parts_.audit.append_durably({.at = call.now,
                                              .action = action,
                                              .outcome = "ok",
                                              .account = user.account ? &*user.account : nullptr,
                                              .actor = user.id.str(),
                                              .subject = subject,
                                              .client = call.client,
                                              .request_id = call.request_id}),
                 "auditing", call);
}

}  // namespace valetkey::console
