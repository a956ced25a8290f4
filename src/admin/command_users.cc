// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "admin/internal/commands.h"
#include "admin/internal/ended_tokens.h"
#include "terminal/size.h"
#include "terminal/table.h"

namespace valetkey::admin {
namespace {

namespace json = boost::json;
using control::Role;
using control::UserState;

json::object document_of(const control::User& u) {
  return {{"id", u.id.str()},
          {"email", u.email},
          {"account", u.account ? json::value(u.account->str()) : json::value()},
          {"role", control::name_of(u.role)},
          {"state", control::name_of(u.state)},
          {"created", format_iso8601(u.created)}};
}

Result<std::optional<AccountId>> optional_account(const std::string& text) {
  if (text.empty()) return std::optional<AccountId>();
  VALETKEY_TRY(AccountId account, AccountId::parse(text));
  return std::optional(std::move(account));
}

Result<void> check_role(Role role, bool has_account) {
  if (role == Role::operator_ && has_account)
    return fail(ErrorCode::invalid, "an operator belongs to no account; leave --account out");
  if (role != Role::operator_ && !has_account)
    return fail(ErrorCode::invalid,
                fmt::format("the role {} needs --account ID", control::name_of(role)));
  return {};
}

Result<control::User> find_user(control::ControlStore& store, const std::string& email) {
  auto found = store.user_by_email(email);
  if (!found && found.error().code == ErrorCode::not_found)
    return fail(ErrorCode::not_found,
                fmt::format("there is no user {}; `valetkeyd user list` shows them", email));
  return found;
}

// What a change of a user's rights ended: `refused` are the user's own, until `user enable`.
struct Ended {
  std::vector<control::Token> refused, revoked;
};

// Prints the user as it is now and what ended, as JSON or in sentences.
Result<int> finish(CommandContext& context, control::ControlStore& store, const UserId& id,
                   const std::string& sentence, const Ended& ended) {
  VALETKEY_TRY(const auto user, store.user(id));
  if (context.json) {
    json::object document = document_of(user);
    VALETKEY_TRY(document["refused_tokens"], ended_document(store, ended.refused));
    VALETKEY_TRY(document["revoked_tokens"], ended_document(store, ended.revoked));
    context.print(document);
    return 0;
  }
  context.out << sentence << '\n';
  VALETKEY_CHECK(
      print_ended(context, store, ended.refused,
                  fmt::format("Refused until `valetkeyd user enable {}`: {} of the user.",
                              user.email, terminal::count_text(ended.refused.size(), "token"))));
  VALETKEY_CHECK(print_ended(
      context, store, ended.revoked,
      fmt::format("Revoked for good, because the user's tokens created them: {}, and the sessions "
                  "that they bought.",
                  terminal::count_text(ended.revoked.size(), "token"))));
  return 0;
}

// Prints the user as it is now, as JSON or as `sentence`.
Result<int> finish(CommandContext& context, control::ControlStore& store, const UserId& id,
                   const std::string& sentence) {
  if (!context.json) {
    context.out << sentence << '\n';
    return 0;
  }
  VALETKEY_TRY(const auto user, store.user(id));
  context.print(document_of(user));
  return 0;
}

}  // namespace

Result<int> user_create(CommandContext& context, const std::string& email,
                        const std::string& account, const std::string& role_name) {
  VALETKEY_TRY(const Role role, control::parse_role(role_name));
  VALETKEY_TRY(const auto of, optional_account(account));
  VALETKEY_CHECK(check_role(role, of.has_value()));
  VALETKEY_TRY(const auto store, context.open_control());
  VALETKEY_TRY(const auto user, store->create_user(email, of, role, context.clock.now()));
  VALETKEY_CHECK(context.record("user.create", of, user.id.str()));
  VALETKEY_TRY(const int status,
               finish(context, *store, user.id,
                      fmt::format("User {} created ({}).", user.email, role_name)));
  if (!context.json && of)
    context.err << fmt::format("Next: valetkeyd token create --account {} --user {} --name NAME\n",
                               of->str(), user.email);
  return status;
}

Result<int> user_list(CommandContext& context, const std::string& account) {
  VALETKEY_TRY(const auto of, optional_account(account));
  VALETKEY_TRY(const auto store, context.open_control());
  VALETKEY_TRY(const auto users, store->users(of));
  if (context.json) {
    json::array list;
    for (const auto& user : users) list.push_back(document_of(user));
    context.print(json::object{{"users", std::move(list)}});
    return 0;
  }
  terminal::Table table({"EMAIL", "ACCOUNT", "ROLE", "STATE", "CREATED", "ID"});
  for (const auto& u : users)
    table.row({u.email, u.account ? u.account->str() : "-", std::string(control::name_of(u.role)),
               std::string(control::name_of(u.state)), format_iso8601(u.created), u.id.str()});
  if (table.empty())
    context.err
        << "No users yet. Make one: valetkeyd user create EMAIL --account ID --role admin\n";
  else
    table.print(context.out);
  return 0;
}

Result<int> user_set_state(CommandContext& context, const std::string& email, UserState state) {
  VALETKEY_TRY(const auto store, context.open_control());
  VALETKEY_TRY(const auto user, find_user(*store, email));
  const bool disabled = state == UserState::disabled;
  const Timestamp now = context.clock.now();
  Ended ended;
  VALETKEY_TRY(ended.revoked, store->set_user_state(user.id, state, now));
  if (disabled) {
    VALETKEY_TRY(auto own, store->tokens(user.account, user.id));
    ended.refused = that_count(std::move(own), now);
  }
  VALETKEY_CHECK(
      context.record(disabled ? "user.disable" : "user.enable", user.account, user.id.str()));
  VALETKEY_CHECK(record_ended(context, ended.revoked));
  return finish(context, *store, user.id,
                fmt::format("User {} is {}.", user.email,
                            disabled ? "disabled; tokens and sessions are refused within one second"
                                     : "enabled; tokens that are not revoked work again"),
                ended);
}

Result<int> user_set_role(CommandContext& context, const std::string& email,
                          const std::string& role_name) {
  VALETKEY_TRY(const Role role, control::parse_role(role_name));
  VALETKEY_TRY(const auto store, context.open_control());
  VALETKEY_TRY(const auto user, find_user(*store, email));
  VALETKEY_CHECK(check_role(role, user.account.has_value()));
  Ended ended;
  VALETKEY_TRY(ended.revoked, store->set_user_role(user.id, role, context.clock.now()));
  VALETKEY_CHECK(
      context.record(fmt::format("user.role.{}", role_name), user.account, user.id.str()));
  VALETKEY_CHECK(record_ended(context, ended.revoked));
  return finish(context, *store, user.id,
                fmt::format("User {} has the role {} now.", user.email, role_name), ended);
}

}  // namespace valetkey::admin
