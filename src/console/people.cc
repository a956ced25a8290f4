// SPDX-License-Identifier: Apache-2.0
#include "console/people.h"

#include <algorithm>

#include "console/internal/fields.h"
#include "console/internal/token_list.h"
#include "control/invitation.h"

namespace valetkey::console {
namespace {

namespace json = boost::json;
using control::Person;
using control::Role;
using control::User;
using control::UserState;

std::unexpected<Problem> no_such_person() { return not_found("There is no such person."); }

Answer<Role> read_role(const Fields& fields) {
  VALETKEY_TRY(const std::string text, fields.text("role"));
  if (text == "member") return Role::member;
  if (text == "admin") return Role::admin;
  return bad_field("role", "\"role\" must be member or admin.");
}

}  // namespace

json::object person_document(const Person& person, const UserId& reader) {
  const User& user = person.user;
  json::value invitation = nullptr;
  if (person.invited_until)
    invitation = json::object{{"expires", format_iso8601(*person.invited_until)}};
  return {{"id", user.id.str()},
          {"email", user.email},
          {"role", control::name_of(user.role)},
          {"state", control::name_of(user.state)},
          {"created", format_iso8601(user.created)},
          {"has_password", user.has_password},
          {"tokens", person.tokens},
          {"sessions", person.sessions},
          {"last_seen", instant_or_null(person.last_seen)},
          {"invitation", std::move(invitation)},
          {"you", user.id == reader}};
}

Answer<Reply> People::list(const Call& call) {
  VALETKEY_TRY(const auto people,
               or_hide(parts_.store.people(account_of(call), call.now), "listing people", call));
  json::array listed;
  for (const Person& person : people) listed.push_back(person_document(person, call.who->user.id));
  return reply_with({{"people", std::move(listed)}});
}

Answer<User> People::find(const Call& call) {
  const auto id = UserId::parse(call.ids.at(0));
  if (!id) return no_such_person();
  auto user = parts_.store.user(*id);
  if (!user && user.error().code != ErrorCode::not_found)
    return std::unexpected(api::hidden_failure(user.error(), "reading a user", call.request_id));
  if (!user || user->account != account_of(call)) return no_such_person();
  return std::move(*user);
}

Answer<Person> People::person(const Call& call, const UserId& id) {
  VALETKEY_TRY(const auto people,
               or_hide(parts_.store.people(account_of(call), call.now), "listing people", call));
  const auto found =
      std::ranges::find_if(people, [&](const Person& each) { return each.user.id == id; });
  if (found == people.end()) return no_such_person();
  return *found;
}

Answer<Reply> People::invite(const Call& call) {
  VALETKEY_TRY(const Fields fields, Fields::parse(call.body, {"email", "role"}));
  VALETKEY_TRY(const std::string email, fields.text("email"));
  VALETKEY_TRY(const Role role, read_role(fields));
  auto made = parts_.store.create_user(email, account_of(call), role, call.now);
  if (!made && made.error().code == ErrorCode::already_exists)
    return conflict("email", "There is a person of that address already.");
  if (!made && made.error().code == ErrorCode::invalid)
    return bad_field("email", "\"email\" must be an address such as ada@example.com.");
  VALETKEY_TRY(const User user, or_hide(std::move(made), "making a user", call));
  VALETKEY_CHECK(record(call, "user.create", user.id.str()));
  return with_invitation(call, user);
}

Answer<Reply> People::invite_again(const Call& call) {
  VALETKEY_TRY(const User user, find(call));
  return with_invitation(call, user);
}

Answer<Reply> People::with_invitation(const Call& call, const User& user) {
  VALETKEY_TRY(json::object invitation, invitation_of(call, user));
  VALETKEY_TRY(const Person of, person(call, user.id));
  return reply_with(
      {{"person", person_document(of, call.who->user.id)}, {"invitation", std::move(invitation)}},
      201);
}

Answer<json::object> People::invitation_of(const Call& call, const User& user) {
  if (user.state != UserState::active)
    return conflict("", "This person is disabled: enable them first.");
  const auto wait = rates_.take(user.account ? user.account->str() : "operators",
                                std::chrono::steady_clock::now());
  if (wait > milliseconds(0))
    return std::unexpected(Problem{.code = ProblemCode::rate_limited,
                                   .message = "Too many invitations at once: wait a moment.",
                                   .retry_after = std::chrono::ceil<std::chrono::seconds>(wait),
                                   .allow = {}});
  VALETKEY_TRY(const Secret code, or_hide(control::make_invitation(parts_.store, user.id, call.now),
                                          "making an invitation", call));
  VALETKEY_CHECK(record(call, "user.invite", user.id.str()));
  const std::string url = console_url_.empty()
                              ? std::string(call.secure ? "https://" : "http://") + call.host
                              : console_url_;
  return json::object{{"url", control::welcome_url(url, code)},
                      {"expires", format_iso8601(call.now + control::kInvitationLives)}};
}

Answer<Reply> People::ends(const Call& call) {
  VALETKEY_TRY(const User user, find(call));
  const std::string change = call.query.starts_with("change=") ? call.query.substr(7) : "";
  if (change != "disable" && change != "member" && change != "sign-out")
    return api::problem(ProblemCode::invalid_parameter,
                        "change must be disable, member or sign-out.");
  VALETKEY_TRY(const auto tokens,
               or_hide(parts_.store.tokens(account_of(call), {}), "listing tokens", call));
  VALETKEY_TRY(const Person of, person(call, user.id));
  json::array revoked, refused;
  if (change != "sign-out")
    revoked = documents_of(parts_.store, made_for_others(tokens, user.id, call.now), call.now);
  if (change == "disable")
    refused = documents_of(parts_.store, own_of(tokens, user.id, call.now), call.now);
  return reply_with({{"revoked", std::move(revoked)},
                     {"refused", std::move(refused)},
                     {"sessions", change == "member" ? 0 : of.sessions}});
}

Answer<Reply> People::change(const Call& call) {
  VALETKEY_TRY(const User user, find(call));
  VALETKEY_TRY(const Fields fields, Fields::parse(call.body, {"role", "state"}));
  if (fields.has("role") == fields.has("state"))
    return api::problem(ProblemCode::invalid_parameter, "Give \"role\" or \"state\", one of them.");
  if (user.id == call.who->user.id)
    return conflict("", "Another admin has to change your own role and state.");
  if (fields.has("role")) {
    VALETKEY_TRY(const Role role, read_role(fields));
    return set_role(call, user, std::string(control::name_of(role)));
  }
  VALETKEY_TRY(const std::string state, fields.text("state"));
  return set_state(call, user, state);
}

// An account without an admin could not be helped from here any more.
Answer<void> People::keep_an_admin(const Call& call, const User& user) {
  if (user.role != Role::admin) return {};
  VALETKEY_TRY(const auto users,
               or_hide(parts_.store.users(account_of(call)), "listing users", call));
  const bool another = std::ranges::any_of(users, [&](const User& each) {
    return each.role == Role::admin && each.state == UserState::active && each.id != user.id;
  });
  if (another) return {};
  return conflict("", "This is the account's last admin: make another one first.");
}

Answer<Reply> People::set_role(const Call& call, const User& user, const std::string& text) {
  const Role role = text == "admin" ? Role::admin : Role::member;
  if (role == Role::member) VALETKEY_CHECK(keep_an_admin(call, user));
  VALETKEY_TRY(const auto ended, or_hide(parts_.store.set_user_role(user.id, role, call.now),
                                         "changing a role", call));
  return changed(call, user, "user.role." + text, ended);
}

Answer<Reply> People::set_state(const Call& call, const User& user, const std::string& text) {
  if (text != "active" && text != "disabled")
    return bad_field("state", "\"state\" must be active or disabled.");
  const bool disable = text == "disabled";
  if (disable) VALETKEY_CHECK(keep_an_admin(call, user));
  const UserState state = disable ? UserState::disabled : UserState::active;
  VALETKEY_TRY(const auto ended, or_hide(parts_.store.set_user_state(user.id, state, call.now),
                                         "changing a user's state", call));
  return changed(call, user, disable ? "user.disable" : "user.enable", ended);
}

Answer<Reply> People::changed(const Call& call, const User& user, std::string_view action,
                              const std::vector<control::Token>& ended) {
  parts_.feed.poll();
  VALETKEY_CHECK(record(call, action, user.id.str()));
  for (const auto& token : ended) VALETKEY_CHECK(record(call, "token.revoke", token.id.str()));
  VALETKEY_TRY(const Person of, person(call, user.id));
  return reply_with({{"person", person_document(of, call.who->user.id)},
                     {"revoked", documents_of(parts_.store, ended, call.now)}});
}

Answer<Reply> People::sign_out(const Call& call) {
  VALETKEY_TRY(const User user, find(call));
  VALETKEY_TRY(const auto ended,
               or_hide(parts_.store.end_sessions(user.id, {}, call.now), "ending sessions", call));
  parts_.feed.poll();
  VALETKEY_CHECK(record(call, "session.end-all", user.id.str()));
  return reply_with({{"sessions", ended}});
}

Answer<void> People::record(const Call& call, std::string_view action, const std::string& subject) {
  const auto& account = call.who->user.account;
  return or_hide(parts_.audit.append_durably({.at = call.now,
                                              .action = action,
                                              .outcome = "ok",
                                              .account = account ? &*account : nullptr,
                                              .actor = call.who->user.id.str(),
                                              .subject = subject,
                                              .client = call.client,
                                              .request_id = call.request_id}),
                 "auditing", call);
}

}  // namespace valetkey::console
