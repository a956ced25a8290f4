// SPDX-License-Identifier: Apache-2.0
#include "admin/command_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <map>

#include "admin/become_owner.h"
#include "admin/words.h"
#include "base/version.h"
#include "terminal/ids.h"
#include "terminal/output.h"
#include "terminal/program.h"

namespace valetkey::admin {
namespace {

using control::AccountState;
using control::UserState;

constexpr std::uint64_t kMostAuditRecords = 1'000'000;          // held at once
constexpr std::int64_t kMostOfAccount = 1'000'000'000'000'000;  // a petabyte a day

using Todo = std::function<Result<int>(CommandContext&)>;
using terminal::choice;
using terminal::Command;
using terminal::number;

class CommandLine {
 public:
  explicit CommandLine(const Serve& serve);
  const Command& program() const { return program_; }
  const Words& words() const { return words_; }
  Result<int> run(const Command& command, CommandContext& context) const {
    return todos_.at(&command)(context);
  }

 private:
  // A command that works on the data folder.
  Command& add(Command& parent, const char* name, const char* about, Todo todo);
  void add_places();
  void add_server(const Serve& serve);
  void add_accounts();
  void add_policy(Command& accounts);
  void add_export();
  void add_users();
  void add_tokens();
  void add_audit();
  void add_data();
  void add_control();
  void add_nodes();
  void add_keys();
  void add_issuer();

  Command program_{"valetkeyd",
                   "Valetkey's server: exchanges personal access tokens for temporary S3 "
                   "credentials and serves the exports that they open"};
  Words words_;
  std::map<const Command*, Todo> todos_;
};

CommandLine::CommandLine(const Serve& serve) {
  program_.version = fmt::format("valetkeyd {}", kVersion);
  for (const char* step : {"export VALETKEY_DATA_DIR=./data", "valetkeyd init",
                           "valetkeyd account create 12345 --name Acme",
                           "valetkeyd user create ada@example.org --account 12345 --role admin",
                           "valetkeyd token create --account 12345 --user ada@example.org --name "
                           "laptop",
                           "valetkeyd import ./export", "valetkeyd serve"})
    program_.example(step);
  add_places();
  add_server(serve);
  add_accounts();
  add_users();
  add_tokens();
  add_audit();
  add_data();
  add_export();
  add_control();
  add_nodes();
  add_keys();
  add_issuer();
  terminal::add_shell_commands(program_);
}

void CommandLine::add_places() {
  program_.option("--data-dir", words_.data_dir, "DIR", "The data folder")
      .from("VALETKEY_DATA_DIR");
  program_.option("--config", words_.config, "FILE", "Configuration, TOML")
      .by_default("DIR/valetkey.toml if there is one")
      .from("VALETKEY_CONFIG");
  program_.option("--keyring", words_.keyring, "FILE", "The file with the keys, outside of DIR")
      .by_default("DIR.keyring")
      .from("VALETKEY_KEYRING");
  program_.flag("--json", words_.json, "Answer with one JSON document on stdout");
}

Command& CommandLine::add(Command& parent, const char* name, const char* about, Todo todo) {
  Command& command = parent.command(name, about);
  todos_[&command] = std::move(todo);
  command.check = [this]() -> Result<void> {
    if (!words_.data_dir.empty()) return {};
    return fail(ErrorCode::invalid,
                "say where the data is: --data-dir DIR, or VALETKEY_DATA_DIR in the environment");
  };
  return command;
}

void CommandLine::add_server(const Serve& serve) {
  Command& initialise =
      add(program_, "init", "Make a data folder, its databases and its keyring",
          [this](CommandContext& c) { return init(c, words_.bucket, words_.if_missing); });
  initialise.option("--bucket", words_.bucket, "NAME", "The name of its bucket, for good")
      .by_default("as configured");
  initialise.flag("--if-missing", words_.if_missing, "Do nothing where both are there already");
  initialise.example("valetkeyd init --data-dir /srv/valetkey")
      .example("# the keys on another disk than the data")
      .example("valetkeyd init --data-dir /srv/valetkey --keyring /etc/valetkey/keyring");
  Command& command = add(program_, "serve", "Serve the API, the S3 endpoint, metrics and health",
                         [this, serve](CommandContext& c) { return serve(c, words_.serve); });
  ServeFlags& flags = words_.serve;
  command.option("--api-listen", listener(flags.api_listen), "ADDR:PORT", "API")
      .by_default("127.0.0.1:8080");
  command.option("--s3-listen", listener(flags.s3_listen), "ADDR:PORT", "S3 endpoint")
      .by_default("127.0.0.1:9000");
  command
      .option("--intake-listen", listener(flags.intake_listen), "ADDR:PORT",
              "POST /v1/events alone")
      .by_default("on the API's address");
  command.option("--admin-listen", listener(flags.admin_listen), "ADDR:PORT", "Metrics and health")
      .by_default("127.0.0.1:8081");
  command.option("--ready-fd", number(flags.ready_fd, 0, 1'000'000), "DESCRIPTOR",
                 "Write a line of JSON with the URLs to this file descriptor once ready");
  command.example("valetkeyd serve --data-dir /srv/valetkey")
      .example("valetkeyd serve --api-listen 0.0.0.0:8080 --s3-listen 0.0.0.0:9000")
      .example("valetkeyd serve --config /etc/valetkey/valetkey.toml");
  Command& config =
      add(program_, "config", "Print a configuration file with every key, its default and effect",
          [this](CommandContext& c) { return print_config(c, words_.markdown); });
  config.check = {};
  config.flag("--markdown", words_.markdown, "As the table of the manual");
  config.example("valetkeyd config > /srv/valetkey/valetkey.toml")
      .example("valetkeyd config --markdown");
}

void CommandLine::add_accounts() {
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

void CommandLine::add_policy(Command& accounts) {
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

void CommandLine::add_export() {
  Command& group = add(program_, "export", "Export the events that wait, now", export_now);
  group.runs_alone = true;
  group.example("valetkeyd export").example("valetkeyd export && valetkeyd export status");
  add(group, "status", "Show what was received and exported, and what waits", export_status)
      .example("valetkeyd export status")
      .example("valetkeyd export status --json");
  add(group, "rewrite",
      "Bring all parts to timestamps in microseconds, with field ids, whether or not a server runs",
      export_rewrite)
      .example("valetkeyd export rewrite");
}

void CommandLine::add_issuer() {
  Command& group = program_.command("issuer", "Credentials of somebody else's bucket");
  group.example("valetkeyd issuer check");
  Command& check = add(group, "check",
                       "Try each step from this server's own credentials to an object, and what a "
                       "session must not open",
                       [this](CommandContext& c) { return issuer_check(c, words_.account); });
  check.option("--account", words_.account, "ID", "The account to buy a session for")
      .by_default("the first that is active");
  check.example("valetkeyd issuer check").example("valetkeyd issuer check --account 12345 --json");
}

void CommandLine::add_users() {
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

void CommandLine::add_tokens() {
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

void CommandLine::add_audit() {
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

void CommandLine::add_data() {
  Command& import =
      add(program_, "import", "Take in the files of an export",
          [this](CommandContext& c) { return import_folder(c, words_.folder, words_.workers); });
  import.argument("DIR", words_.folder, "Folder that holds v1/account_id=…/");
  import.option("--workers", number(words_.workers, 1, 64), "COUNT", "Files at once")
      .by_default("one per core");
  import.example("valetkeyd import ./export").example("valetkeyd import /mnt/export --workers 2");
  Command& check_command =
      add(program_, "check", "Read every object and record and name what is wrong",
          [this](CommandContext& c) { return check(c, words_.repair); });
  check_command.flag("--repair", words_.repair,
                     "Remove what cannot be used and what nothing refers to");
  check_command.example("valetkeyd check --data-dir /srv/valetkey")
      .example("valetkeyd check --repair");
  Command& copy = add(program_, "backup", "Write a consistent copy, the keyring apart",
                      [this](CommandContext& c) { return backup(c, words_.folder); });
  copy.argument("DEST", words_.folder, "A folder that does not exist yet");
  copy.example("valetkeyd backup /backups/2026-01-31")
      .example("valetkeyd backup \"/backups/$(date +%F)\" --data-dir /srv/valetkey");
  Command& back = add(program_, "restore", "Make the data folder from a backup",
                      [this](CommandContext& c) { return restore(c, words_.folder); });
  back.argument("SRC", words_.folder, "What `backup` wrote");
  back.example("valetkeyd restore /backups/2026-01-31 --data-dir /srv/valetkey")
      .example("valetkeyd restore /backups/2026-01-31 --data-dir ./again --keyring ./keyring");
}

void CommandLine::add_nodes() {
  add(program_, "nodes", "The nodes that share the export, and what each does", nodes)
      .example("valetkeyd nodes")
      .example("valetkeyd nodes --json");
}

void CommandLine::add_control() {
  Command& group = program_.command("control", "Where accounts and the export's ledger are kept");
  group.example("valetkeyd control copy --data-dir /srv/valetkey");
  add(group, "copy", "Move them from the data folder into the PostgreSQL of [control]",
      control_copy)
      .example("valetkeyd control copy")
      .example("valetkeyd control copy --data-dir /srv/valetkey --json");
}

void CommandLine::add_keys() {
  Command& group = program_.command("keys", "The keyring");
  group.example("valetkeyd keys list").example("valetkeyd keys rotate && valetkeyd keys rewrap");
  add(group, "list", "Show the keys and their states, never their values", keys_list)
      .example("valetkeyd keys list")
      .example("valetkeyd keys list --keyring /etc/valetkey/keyring --json");
  Command& rotate = add(group, "rotate", "Add keys that take over soon", [this](CommandContext& c) {
    return keys_rotate(c, words_.purpose, words_.activate_in);
  });
  rotate
      .option("--purpose", choice(words_.purpose, {"session", "object", "both"}), "PURPOSE",
              "What the new keys are for")
      .by_default("both");
  rotate
      .option("--activate-in",
              terminal::duration([this](milliseconds delay) { words_.activate_in = delay; },
                                 milliseconds(0), std::chrono::days(365)),
              "DURATION", "When the new keys take over; every server must have seen them by then")
      .by_default("10s");
  rotate.example("valetkeyd keys rotate")
      .example("valetkeyd keys rotate --purpose session --activate-in 15m");
  add(group, "rewrap", "Wrap every object's key with the active key and retire the former ones",
      keys_rewrap)
      .example("valetkeyd keys rewrap")
      .example("valetkeyd keys rotate --purpose object && valetkeyd keys rewrap");
}

Result<int> run_command(const CommandLine& line, const Command& command, CommandContext& context) {
  if (!context.data_dir.empty()) VALETKEY_CHECK(become_owner(context.data_dir));
  return line.run(command, context);
}

// A mistyped id is the likeliest reason why there is none of it.
std::string with_remedy(const Error& error) {
  for (const std::string_view noun : {"account", "user", "token"})
    if (error.code == ErrorCode::not_found && !error.detail.contains('`') &&
        error.detail.starts_with(fmt::format("there is no {} ", noun)))
      return fmt::format("{}; `valetkeyd {} list` shows those that there are", error.detail, noun);
  return error.detail;
}

// The exit status of what was done.
int finish(const Result<int>& done, std::ostream& out, std::ostream& err) {
  const auto written = terminal::flush_out(out);
  if (!done) err << "valetkeyd: " << with_remedy(done.error()) << '\n';
  if (done && !written) err << "valetkeyd: " << written.error().detail << '\n';
  return done && written ? *done : 1;
}

}  // namespace

int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err,
        const config::Environment& env, const Serve& serve) {
  const CommandLine line(serve);
  const auto chosen = terminal::choose(line.program(), {argv + 1, argv + argc}, {out, err}, env);
  if (!chosen.command) return chosen.status != 0 ? chosen.status : finish(0, out, err);
  const Words& words = line.words();
  const SystemClock clock;
  const bool terminal = &err == &std::cerr && ::isatty(STDERR_FILENO) == 1;
  CommandContext context{
      out, err, clock, env, words.json, terminal, words.data_dir, words.config, words.keyring};
  if (terminal && ::isatty(STDIN_FILENO) == 1) context.answers = &std::cin;
  return finish(run_command(line, *chosen.command, context), out, err);
}

}  // namespace valetkey::admin
