// SPDX-License-Identifier: Apache-2.0
// Accounts, users, tokens and the audit log.
#include <fmt/format.h>

#include "admin/internal/command_tree.h"
#include "terminal/ids.h"

namespace valetkey::admin {
namespace {

using control::AccountState;
using control::UserState;
using terminal::choice;
using terminal::Command;
using terminal::number;

constexpr std::uint64_t kMostAuditRecords = 1'000'000;          // held at once
constexpr std::int64_t kMostOfAccount = 1'000'000'000'000'000;  // a petabyte a day

}  // namespace

void CommandTree::add_accounts() {
  Command& group = program_.command("account", "Customer accounts");
  group.example("valetkeyd account list").example("valetkeyd account create 12345 --name Acme");
  Command& create = add(group, "create", "Make an account", [this](CommandContext& c) {
    return account_create(c, words_.id, words_.name);
  });
  create.argument("ID", terminal::account_id(words_.id),
                  "1 to 20 digits, as in the keys of the export");
  create.option("--name", words_.name, "NAME", "For people");
  create.example("valetkeyd account create 12345 --name Acme")
      .example("valetkeyd account create 12345 --name \"Example Shop\"");
  add(group, "list", "Show the accounts", account_list)
      .example("valetkeyd account list")
      .example("valetkeyd account list --json");
  const auto change = [&](const char* name, const char* about, AccountState state) {
    Command& command = add(group, name, about, [this, state](CommandContext& c) {
      return account_set(c, words_.id, state);
    });
    command.argument("ID", terminal::account_id(words_.id), "The account");
    command.example(fmt::format("valetkeyd account {} 12345", name))
        .example(fmt::format("valetkeyd account {} 12345 --data-dir /srv/valetkey", name));
  };
  change("suspend", "Refuse its tokens and sessions until resumed", AccountState::suspended);
  change("resume", "End a suspension", AccountState::active);
  Command& remove = add(
      group, "delete", "Revoke all its tokens and sessions for good",
      [this](CommandContext& c) { return account_delete(c, words_.id, words_.purge, words_.yes); });
  remove.argument("ID", terminal::account_id(words_.id),
                  "The account, asked for again on a terminal");
  remove.flag("--purge", words_.purge,
              "Also remove its export, waiting events, users, tokens and figures");
  remove.flag("--yes", words_.yes, "Do not ask");
  remove.example("valetkeyd account delete 12345")
      .example("valetkeyd account delete 12345 --purge --yes");
  add_policy(group);
  Command& usage =
      add(group, "usage", "Show what accounts store now and used by day, for bills",
          [this](CommandContext& c) { return account_usage(c, words_.id, words_.usage); });
  usage.argument("ID", terminal::account_id(words_.id), "The account")
      .required(false)
      .by_default("the totals of every account");
  usage.option("--since", terminal::day(words_.usage.since), "DAY", "The first day")
      .by_default("the first that is kept");
  usage.option("--until", terminal::day(words_.usage.until), "DAY", "The last day")
      .by_default("today");
  usage.example("valetkeyd account usage")
      .example("valetkeyd account usage 12345 --since 2026-01-01 --json");
}

void CommandTree::add_policy(Command& accounts) {
  PolicyFlags& policy = words_.policy;
  Command& command = add(
      accounts, "set", "Change what it takes in and how long it keeps it; show it without options",
      [this](CommandContext& c) { return account_set_policy(c, words_.id, words_.policy); });
  command.argument("ID", terminal::account_id(words_.id), "The account");
  command.option("--name", policy.name, "NAME", "Another name, for people");
  command.flag("--yes", policy.yes, "Do not ask before a shorter retention removes days");
  command.option("--retention", retention(policy.retention), "DAYS",
                 "How long its export is kept; none: for good");
  command.option("--ingest-key", choice(policy.ingest_key, {"new", "none"}), "KEY",
                 "new: events need a key, which is printed once; none: they need none");
  command.option("--origins", policy.origins, "ORIGINS",
                 "Web origins that events may come from, separated by commas, or none: any");
  command.option("--events-per-s", number(policy.events_per_s, 0, kMostOfAccount), "COUNT",
                 "Most events per second; 0: no limit");
  command.option("--bytes-per-day", terminal::size(policy.bytes_per_day, kMostOfAccount), "SIZE",
                 "Most bytes per day; 0: no limit");
  command.option("--bucket", policy.bucket, "NAME",
                 "Its bucket at the engine of [issuer], or none: as configured");
  command.option("--prefix", policy.prefix, "PREFIX",
                 "Its prefix there, ending in /, or none: as configured");
  command.example("# what holds now")
      .example("valetkeyd account set 12345")
      .example("valetkeyd account set 12345 --retention 400d --origins https://shop.example.org")
      .example("valetkeyd account set 12345 --events-per-s 500 --bytes-per-day 10GB");
  Command& erase = add(
      accounts, "erase-visitor",
      "Remove a visitor's rows from the export and from what waits, whether or not a server "
      "runs",
      [this](CommandContext& c) { return account_erase_visitor(c, words_.id, words_.visitor); });
  erase.argument("ID", terminal::account_id(words_.id), "The account");
  erase.argument("VISITOR", words_.visitor, "As visitor_id in the rows");
  erase.example("valetkeyd account erase-visitor 12345 oeu1383080393924r0.5047421827912331")
      .example("valetkeyd account erase-visitor 12345 'visitor 7' --json");
}

void CommandTree::add_users() {
  Command& group = program_.command("user", "People of an account, and operators");
  group.example("valetkeyd user list")
      .example("valetkeyd user create ada@example.org --account 12345 --role admin");
  Command& create = add(group, "create", "Make a user", [this](CommandContext& c) {
    return user_create(c, words_.email, words_.account, words_.role);
  });
  create.argument("EMAIL", email(words_.email), "Unique in the installation");
  create.option("--account", terminal::account_id(words_.account), "ID",
                "The account of a member or an admin");
  create
      .option("--role", choice(words_.role, {"member", "admin", "operator"}), "ROLE",
              "What the user may do")
      .required();
  create.example("valetkeyd user create ada@example.org --account 12345 --role admin")
      .example("valetkeyd user create ops@example.org --role operator");
  Command& list = add(group, "list", "Show the users",
                      [this](CommandContext& c) { return user_list(c, words_.account); });
  list.option("--account", terminal::account_id(words_.account), "ID", "Only of this account");
  list.example("valetkeyd user list").example("valetkeyd user list --account 12345 --json");
  const auto change = [&](const char* name, const char* about, UserState state) {
    Command& command = add(group, name, about, [this, state](CommandContext& c) {
      return user_set_state(c, words_.email, state);
    });
    command.argument("EMAIL", email(words_.email), "The user");
    command.example(fmt::format("valetkeyd user {} ada@example.org", name))
        .example(fmt::format("valetkeyd user {} ada@example.org --data-dir /srv/valetkey", name));
  };
  change("disable", "Refuse the user's tokens and sessions, and end what they created for others",
         UserState::disabled);
  change("enable", "Let a disabled user back in", UserState::active);
  Command& invite = add(group, "invite", "Print a link that sets the user's password, once",
                        [this](CommandContext& c) { return user_invite(c, words_.email); });
  invite.argument("EMAIL", words_.email, "The user");
  invite.example("valetkeyd user invite ada@example.org")
      .example("valetkeyd user invite ada@example.org --json");
  Command& password =
      add(group, "set-password", "Set the user's password, read from standard input",
          [this](CommandContext& c) { return user_set_password(c, words_.email); });
  password.argument("EMAIL", words_.email, "The user");
  password.example("valetkeyd user set-password ada@example.org")
      .example("valetkeyd user set-password ada@example.org <password.txt");
  Command& role = add(group, "role", "Give a user another role", [this](CommandContext& c) {
    return user_set_role(c, words_.email, words_.role);
  });
  role.argument("EMAIL", email(words_.email), "The user");
  role.argument("ROLE", choice(words_.role, {"member", "admin", "operator"}),
                "What the user may do");
  role.example("valetkeyd user role ada@example.org member")
      .example("valetkeyd user role ada@example.org admin");
}

void CommandTree::add_tokens() {
  Command& group = program_.command("token", "Personal access tokens");
  group.example("valetkeyd token list --account 12345")
      .example("valetkeyd token create --account 12345 --user ada@example.org --name laptop");
  Command& create = add(group, "create", "Make a token and print it, once",
                        [this](CommandContext& c) { return token_create(c, words_.token); });
  create.option("--account", terminal::account_id(words_.token.account), "ID",
                "The account; of an operator's token: none");
  create.option("--user", email(words_.token.user), "EMAIL", "One of its users, or an operator")
      .required();
  create.option("--name", words_.token.name, "NAME", "What it is for").required();
  create
      .option("--scopes", scopes(words_.token.scopes), "SCOPES",
              "export (read the export), tokens, users, audit (handle or read these over REST), "
              "separated by commas; or accounts, for an operator")
      .by_default("export");
  create
      .option("--expires",
              terminal::duration(words_.token.expires, seconds(1), std::chrono::days(36'500)),
              "DURATION", "How long it lives")
      .by_default("until it is revoked");
  create.option("--type", terminal::choice(words_.token.narrowing.types, {"decisions", "events"}),
                "TYPE", "Limit it to one type; may be given again");
  create.option("--prefix", words_.token.narrowing.prefixes, "PREFIX",
                "Limit it to what begins so below the account's own prefix: "
                "type=decisions/date=2026-11-29/; may be given again");
  create.option("--source", words_.token.narrowing.sources, "NETWORK",
                "Limit it, and its sessions, to these addresses: 10.0.0.0/8; may be given again");
  create.explain(
      "A token that is limited limits the tokens that it creates. With [issuer], AWS limits its "
      "sessions, too; MinIO cannot limit networks and Ceph neither, and such a token is refused.");
  create
      .example(
          "TOKEN=$(valetkeyd token create --account 12345 --user ada@example.org --name laptop)")
      .example("# for a nightly job")
      .example(
          "valetkeyd token create --account 12345 --user ada@example.org --name nightly "
          "--expires 90d")
      .example("# for a program that makes tokens over REST")
      .example(
          "valetkeyd token create --account 12345 --user ada@example.org --name portal "
          "--scopes export,tokens")
      .example("# for a job that reads decisions, from the office alone")
      .example(
          "valetkeyd token create --account 12345 --user ada@example.org --name report "
          "--type decisions --source 198.51.100.0/24");
  Command& list =
      add(group, "list", "Show the tokens, never their values",
          [this](CommandContext& c) { return token_list(c, words_.account, words_.user); });
  list.option("--account", terminal::account_id(words_.account), "ID", "Only of this account");
  list.option("--user", email(words_.user), "EMAIL", "Only of this user");
  list.example("valetkeyd token list")
      .example("valetkeyd token list --account 12345 --user ada@example.org");
  Command& revoke =
      add(group, "revoke", "End a token, those it created and their sessions",
          [this](CommandContext& c) { return token_revoke(c, words_.id, words_.cut_off); });
  revoke.argument("ID", words_.id, "As `token list` shows it: tok_…");
  revoke.flag("--cut-off", words_.cut_off,
              "Also end its sessions at the engine of [issuer], where they live on otherwise");
  revoke.example("valetkeyd token list --user ada@example.org")
      .example("valetkeyd token revoke tok_0123456789ABCDEF");
}

void CommandTree::add_audit() {
  AuditFlags& flags = words_.audit;
  Command& log = add(program_, "audit", "Show who did what, the newest last",
                     [this](CommandContext& c) { return audit(c, words_.audit); });
  log.option("--limit", number(flags.limit, 1, kMostAuditRecords), "COUNT",
             "Only the newest of those that match")
      .by_default("all of them");
  log.option("--action", flags.action, "ACTION",
             "Only this one, such as token.revoke, or those of a kind, such as token");
  log.option("--user", flags.user, "EMAIL|ID",
             "Only what this user and their tokens did, and what was done to them");
  log.option("--account", terminal::account_id(flags.account), "ID", "Only of this account");
  log.option("--since", terminal::instant(flags.since), "WHEN", "From then on");
  log.option("--until", terminal::instant(flags.until), "WHEN",
             "Up to then, or to the end of that day");
  log.example("valetkeyd audit --since 24h --limit 20")
      .example("valetkeyd audit --action token.revoke --user ada@example.org")
      .example("valetkeyd audit --since 2026-01-31 --json");
}

}  // namespace valetkey::admin
