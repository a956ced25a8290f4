// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <iostream>

#include "admin/internal/commands.h"
#include "config/addresses.h"
#include "control/invitation.h"
#include "control/password.h"
#include "terminal/hidden_input.h"

namespace valetkey::admin {
namespace {

namespace json = boost::json;

Secret ask(const CommandContext& context, const char* question) {
  std::string line;
  const terminal::HiddenInput hidden;
  if (context.answers != nullptr) context.err << question << std::flush;
  std::getline(context.answers != nullptr ? *context.answers : std::cin, line);
  if (context.answers != nullptr) context.err << '\n';
  return Secret(std::move(line));
}

Result<control::User> find_active(control::ControlStore& store, const std::string& email) {
  auto user = store.user_by_email(email);
  if (!user && user.error().code == ErrorCode::not_found)
    return fail(ErrorCode::not_found,
                fmt::format("there is no user {}; make one with `valetkeyd user create`", email));
  if (user && user->state == control::UserState::disabled)
    return fail(ErrorCode::denied,
                fmt::format("user {} is disabled; `valetkeyd user enable {}` first", email, email));
  return user;
}

}  // namespace

Result<int> user_invite(CommandContext& context, const std::string& email) {
  VALETKEY_TRY(const auto config, context.load_config());
  VALETKEY_TRY(const auto store, context.open_control());
  VALETKEY_TRY(const auto user, find_active(*store, email));
  const Timestamp now = context.clock.now();
  VALETKEY_TRY(const Secret code, control::make_invitation(*store, user.id, now));
  VALETKEY_CHECK(context.record("user.invite", user.account, user.id.str()));
  const std::string url = control::welcome_url(config::console_url(config), code);
  if (!config.console.enabled)
    context.err << "Note: the console is off in this configuration ([console] enabled = false), "
                   "and the link opens only where it is on.\n";
  const std::string until = format_iso8601(now + control::kInvitationLives);
  if (context.json) {
    context.print(json::object{{"email", user.email}, {"url", url}, {"expires", until}});
    return 0;
  }
  // The link alone on stdout, so that it can be passed on.
  context.out << url << '\n';
  context.err << fmt::format(
      "The person who opens this link sets the password of {} and is signed in: send it to nobody "
      "else. "
      "It works once, until {}.\n",
      user.email, until);
  return 0;
}

Result<int> user_set_password(CommandContext& context, const std::string& email) {
  VALETKEY_TRY(const auto store, context.open_control());
  VALETKEY_TRY(const auto user, find_active(*store, email));
  const Secret password = ask(context, "New password (not shown): ");
  if (const auto good = control::check_password(password.reveal(), user.email); !good)
    return fail(ErrorCode::invalid, good.error().detail + " It is read from standard input.");
  if (context.answers != nullptr && !(ask(context, "Once more: ") == password))
    return fail(ErrorCode::invalid, "the two passwords differ; nothing was changed");
  VALETKEY_TRY(const std::string hash, control::hash_password(password));
  VALETKEY_CHECK(store->set_password(user.id, hash));
  VALETKEY_TRY(const auto ended, store->end_sessions(user.id, {}, context.clock.now()));
  VALETKEY_CHECK(context.record("user.set-password", user.account, user.id.str()));
  if (context.json) {
    context.print(json::object{{"email", user.email}, {"ended_sessions", ended}});
    return 0;
  }
  context.out << fmt::format("The password of {} is set; {} of the console ended.\n", user.email,
                             ended == 1 ? "1 session" : fmt::format("{} sessions", ended));
  return 0;
}

}  // namespace valetkey::admin
