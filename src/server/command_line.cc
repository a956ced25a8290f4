// SPDX-License-Identifier: Apache-2.0
#include "server/command_line.h"

#include <fmt/format.h>

#include <unistd.h>
#include <CLI/CLI.hpp>
#include <iostream>

#include "server/become_owner.h"
#include "server/commands.h"
#include "server/metrics.h"

namespace valetkey::server {
namespace {

using control::AccountState;
using control::UserState;

constexpr std::int64_t kMostOfAccount = 1'000'000'000'000'000;  // a petabyte a day

// The values of all options and arguments; a command reads those it declared.
struct Words {
  std::string data_dir, config, keyring;
  bool json = false;
  std::string id, email, account, role, name, user, folder, since;
  std::string purpose = "both", activate_in = "10s";
  unsigned workers = 0;
  bool repair = false, markdown = false;
  TokenFlags token;
  ServeFlags serve;
  PolicyFlags policy;
  std::string visitor;
};

using Todo = std::function<Result<int>(Session&)>;

class CommandLine {
 public:
  CommandLine();
  // Parses; null if there is nothing to do but to return `status` (help, version, wrong usage).
  Todo parse(int argc, const char* const* argv, std::ostream& out, std::ostream& err, int& status);
  const Words& words() const { return words_; }

 private:
  CLI::App* add(CLI::App& parent, const char* name, const char* about, Todo todo,
                const char* example = nullptr);
  CLI::App* add_group(const char* name, const char* about);
  void add_places();
  void add_server();
  void add_accounts();
  void add_policy(CLI::App& accounts);
  void add_export();
  void add_users();
  void add_tokens();
  void add_data();
  void add_keys();
  // The innermost command that was named, for its help.
  const CLI::App& innermost() const;

  CLI::App app_{
      "Valetkey: exchanges personal access tokens for temporary S3 credentials and serves "
      "the exports they open.",
      "valetkeyd"};
  Words words_;
  Todo todo_;
};

CommandLine::CommandLine() {
  app_.require_subcommand(1);
  app_.set_version_flag("--version", fmt::format("valetkeyd {}", kVersion));
  app_.footer(
      "First steps:\n"
      "  export VALETKEY_DATA_DIR=./data\n"
      "  valetkeyd init\n"
      "  valetkeyd account create 12345 --name Acme\n"
      "  valetkeyd user create ada@example.org --account 12345 --role admin\n"
      "  valetkeyd token create --account 12345 --user ada@example.org --name laptop\n"
      "  valetkeyd import ./export\n"
      "  valetkeyd serve");
  add_places();
  add_server();
  add_accounts();
  add_users();
  add_tokens();
  add_data();
  add_export();
  add_keys();
}

void CommandLine::add_places() {
  app_.add_option("--data-dir", words_.data_dir, "The data folder")
      ->envname("VALETKEY_DATA_DIR")
      ->type_name("DIR");
  app_.add_option("--config", words_.config,
                  "TOML file (default: DIR/valetkey.toml if there is one)")
      ->envname("VALETKEY_CONFIG")
      ->type_name("FILE");
  app_.add_option("--keyring", words_.keyring, "File with the keys (default: DIR.keyring)")
      ->envname("VALETKEY_KEYRING")
      ->type_name("FILE");
  app_.add_flag("--json", words_.json, "Answer with one JSON document on stdout");
}

CLI::App* CommandLine::add(CLI::App& parent, const char* name, const char* about, Todo todo,
                           const char* example) {
  CLI::App* command = parent.add_subcommand(name, about);
  command->fallthrough();  // --data-dir and its kind may follow the command
  const bool needs_folder = std::string_view(name) != "config";
  command->callback([this, needs_folder, todo = std::move(todo)] {
    if (needs_folder && words_.data_dir.empty())
      throw CLI::RequiredError("--data-dir DIR (or VALETKEY_DATA_DIR)");
    if (!todo_) todo_ = todo;  // a subcommand's callback comes before its parent's
  });
  if (example) command->footer(fmt::format("Example:\n  {}", example));
  return command;
}

CLI::App* CommandLine::add_group(const char* name, const char* about) {
  CLI::App* group = app_.add_subcommand(name, about);
  group->require_subcommand(1)->fallthrough();
  return group;
}

void CommandLine::add_server() {
  add(app_, "init", "Make a data folder, its databases and its keyring", init,
      "valetkeyd init --data-dir /srv/valetkey");
  CLI::App* command = add(
      app_, "serve", "Serve the API, the S3 endpoint, metrics and health",
      [this](Session& s) { return serve(s, words_.serve); },
      "valetkeyd serve --data-dir /srv/valetkey --api-listen 127.0.0.1:8080");
  command->add_option("--api-listen", words_.serve.api_listen, "API (default 127.0.0.1:8080)")
      ->type_name("ADDR:PORT");
  command->add_option("--s3-listen", words_.serve.s3_listen, "S3 endpoint (default 127.0.0.1:9000)")
      ->type_name("ADDR:PORT");
  command
      ->add_option("--intake-listen", words_.serve.intake_listen,
                   "POST /v1/events alone (default: on the API's address)")
      ->type_name("ADDR:PORT");
  command
      ->add_option("--admin-listen", words_.serve.admin_listen,
                   "Metrics and health (default 127.0.0.1:8081)")
      ->type_name("ADDR:PORT");
  command
      ->add_option("--ready-fd", words_.serve.ready_fd,
                   "Write a line of JSON with the URLs to this descriptor once ready")
      ->type_name("FD")
      ->check(CLI::Range(0, 1'000'000));
  command = add(
      app_, "config", "Print a configuration file with every key, its default and effect",
      [this](Session& s) { return print_config(s, words_.markdown); },
      "valetkeyd config > /srv/valetkey/valetkey.toml");
  command->add_flag("--markdown", words_.markdown, "As the table of the manual");
}

void CommandLine::add_accounts() {
  CLI::App* group = add_group("account", "Customer accounts");
  CLI::App* create = add(
      *group, "create", "Make an account",
      [this](Session& s) { return account_create(s, words_.id, words_.name); },
      "valetkeyd account create 12345 --name Acme");
  create->add_option("ID", words_.id, "1 to 20 digits, as in the keys of the export")->required();
  create->add_option("--name", words_.name, "For people");
  add(*group, "list", "Show the accounts", account_list);
  const auto change = [&](const char* name, const char* about, AccountState state) {
    add(*group, name, about, [this, state](Session& s) { return account_set(s, words_.id, state); })
        ->add_option("ID", words_.id, "The account")
        ->required();
  };
  change("suspend", "Refuse its tokens and sessions until resumed", AccountState::suspended);
  change("resume", "End a suspension", AccountState::active);
  change("delete", "Revoke all its tokens and sessions for good", AccountState::deleted);
  add_policy(*group);
}

void CommandLine::add_policy(CLI::App& accounts) {
  PolicyFlags& policy = words_.policy;
  CLI::App* command = add(
      accounts, "set", "Change what it takes in and how long it keeps it; show it without options",
      [this](Session& s) { return account_set_policy(s, words_.id, words_.policy); },
      "valetkeyd account set 12345 --retention 400d --origins https://shop.example.org");
  command->add_option("ID", words_.id, "The account")->required();
  command
      ->add_option("--retention", policy.retention, "Days that its export keeps, as 90d, or none")
      ->type_name("DAYS");
  command
      ->add_option("--ingest-key", policy.ingest_key,
                   "new: events need a key, which is printed once; none: they need none")
      ->check(CLI::IsMember({"new", "none"}));
  command->add_option("--origins", policy.origins,
                      "Web origins that events may come from, separated by commas, or none: any");
  command->add_option("--events-per-s", policy.events_per_s, "Most events per second; 0: no limit")
      ->check(CLI::Range(std::int64_t{0}, kMostOfAccount));
  command->add_option("--bytes-per-day", policy.bytes_per_day, "Most bytes per day; 0: no limit")
      ->check(CLI::Range(std::int64_t{0}, kMostOfAccount));
  command = add(
      accounts, "erase-visitor",
      "Remove a visitor's rows from the export and from what waits, whether or not a server runs",
      [this](Session& s) { return account_erase_visitor(s, words_.id, words_.visitor); },
      "valetkeyd account erase-visitor 12345 oeu1383080393924r0.5047421827912331");
  command->add_option("ID", words_.id, "The account")->required();
  command->add_option("VISITOR", words_.visitor, "As visitor_id in the rows")->required();
}

void CommandLine::add_export() {
  CLI::App* group = add(app_, "export", "Export the events that wait, now", export_now,
                        "valetkeyd export && valetkeyd export status");
  add(*group, "status", "Show what was received and exported, and what waits", export_status);
}

void CommandLine::add_users() {
  CLI::App* group = add_group("user", "People of an account, and operators");
  CLI::App* create = add(
      *group, "create", "Make a user",
      [this](Session& s) { return user_create(s, words_.email, words_.account, words_.role); },
      "valetkeyd user create ada@example.org --account 12345 --role admin");
  create->add_option("EMAIL", words_.email, "Unique in the installation")->required();
  create->add_option("--account", words_.account, "Of member and admin")->type_name("ID");
  create->add_option("--role", words_.role, "member, admin or operator")->required();
  add(*group, "list", "Show the users", [this](Session& s) { return user_list(s, words_.account); })
      ->add_option("--account", words_.account, "Only of this account")
      ->type_name("ID");
  const auto change = [&](const char* name, const char* about, UserState state) {
    add(*group, name, about,
        [this, state](Session& s) { return user_set_state(s, words_.email, state); })
        ->add_option("EMAIL", words_.email, "The user")
        ->required();
  };
  change("disable", "Refuse the user's tokens and sessions", UserState::disabled);
  change("enable", "Let a disabled user back in", UserState::active);
  CLI::App* role = add(
      *group, "role", "Give a user another role",
      [this](Session& s) { return user_set_role(s, words_.email, words_.role); },
      "valetkeyd user role ada@example.org member");
  role->add_option("EMAIL", words_.email, "The user")->required();
  role->add_option("ROLE,--role", words_.role, "member, admin or operator")->required();
}

void CommandLine::add_tokens() {
  CLI::App* group = add_group("token", "Personal access tokens");
  CLI::App* create = add(
      *group, "create", "Make a token and print it, once",
      [this](Session& s) { return token_create(s, words_.token); },
      "TOKEN=$(valetkeyd token create --account 12345 --user ada@example.org --name laptop)");
  create->add_option("--account", words_.token.account, "The account")->required()->type_name("ID");
  create->add_option("--user", words_.token.user, "One of its users")
      ->required()
      ->type_name("EMAIL");
  create->add_option("--name", words_.token.name, "What it is for")->required();
  create
      ->add_option("--scopes", words_.token.scopes,
                   "export (read the export), tokens (handle tokens over REST)")
      ->capture_default_str();
  create->add_option("--expires", words_.token.expires, "Such as 90d (default: never)");
  CLI::App* list = add(*group, "list", "Show the tokens, never their values",
                       [this](Session& s) { return token_list(s, words_.account, words_.user); });
  list->add_option("--account", words_.account, "Only of this account")->type_name("ID");
  list->add_option("--user", words_.user, "Only of this user")->type_name("EMAIL");
  add(*group, "revoke", "End a token, those it created and their sessions",
      [this](Session& s) { return token_revoke(s, words_.id); })
      ->add_option("ID", words_.id, "As `token list` shows it: tok_…")
      ->required();
  CLI::App* log = add(
      app_, "audit", "Show who did what",
      [this](Session& s) { return audit(s, words_.since, words_.account); },
      "valetkeyd audit --since 24h --account 12345");
  log->add_option("--since", words_.since, "24h, 2026-01-31 or 2026-01-31T12:00:00Z");
  log->add_option("--account", words_.account, "Only of this account")->type_name("ID");
}

void CommandLine::add_data() {
  CLI::App* command = add(
      app_, "import", "Take in the files of an export",
      [this](Session& s) { return import_folder(s, words_.folder, words_.workers); },
      "valetkeyd import ./export   # holds v1/account_id=…/");
  command->add_option("DIR", words_.folder, "Folder that holds v1/account_id=…/")->required();
  command->add_option("--workers", words_.workers, "Files at once (default: one per core)")
      ->check(CLI::Range(1u, 64u));
  add(app_, "check", "Read every object and record and name what is wrong", [this](Session& s) {
    return check(s, words_.repair);
  })->add_flag("--repair", words_.repair, "Remove what cannot be used and what nothing refers to");
  add(
      app_, "backup", "Write a consistent copy, the keyring apart",
      [this](Session& s) { return backup(s, words_.folder); },
      "valetkeyd backup /backups/2026-01-31")
      ->add_option("DEST", words_.folder, "A folder that does not exist yet")
      ->required();
  add(
      app_, "restore", "Make the data folder from a backup",
      [this](Session& s) { return restore(s, words_.folder); },
      "valetkeyd restore /backups/2026-01-31 --data-dir /srv/valetkey")
      ->add_option("SRC", words_.folder, "What `backup` wrote")
      ->required();
}

void CommandLine::add_keys() {
  CLI::App* group = add_group("keys", "The keyring");
  add(*group, "list", "Show the keys and their states, never their values", keys_list);
  CLI::App* rotate = add(*group, "rotate", "Add keys that take over soon", [this](Session& s) {
    return keys_rotate(s, words_.purpose, words_.activate_in);
  });
  rotate->add_option("--purpose", words_.purpose, "session, object or both")->capture_default_str();
  rotate
      ->add_option("--activate-in", words_.activate_in,
                   "When the new keys take over; every server must have seen them by then")
      ->capture_default_str();
  add(*group, "rewrap", "Wrap every object's key with the active key and retire the former ones",
      keys_rewrap);
}

const CLI::App& CommandLine::innermost() const {
  const CLI::App* at = &app_;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  return *at;
}

std::string full_name(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent ? full_name(*parent) + " " + command.get_name() : command.get_name();
}

Todo CommandLine::parse(int argc, const char* const* argv, std::ostream& out, std::ostream& err,
                        int& status) {
  try {
    app_.parse(argc, argv);
    return todo_;
  } catch (const CLI::Success& asked) {  // --help, --version
    status = app_.exit(asked, out, err);
  } catch (const CLI::ParseError& wrong) {
    const std::string command = full_name(innermost());
    err << fmt::format("{}: {}; see `{} --help`\n", command, wrong.what(), command);
    status = 2;
  }
  return {};
}

Result<int> run_command(const Todo& todo, Session& session) {
  if (!session.data_dir.empty()) VALETKEY_CHECK(become_owner(session.data_dir));
  return todo(session);
}

}  // namespace

int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err,
        const Environment& env) {
  int status = 0;
  CommandLine line;
  const Todo todo = line.parse(argc, argv, out, err, status);
  if (!todo) return status;
  const Words& words = line.words();
  const SystemClock clock;
  const bool terminal = &err == &std::cerr && ::isatty(STDERR_FILENO) == 1;
  Session session{out,          err,          clock, env, words.json, terminal, words.data_dir,
                  words.config, words.keyring};
  const auto done = run_command(todo, session);
  if (!done) err << "valetkeyd: " << done.error().detail << '\n';
  out.flush();
  if (done && !out) err << "valetkeyd: cannot write to stdout\n";
  return done && out ? *done : 1;
}

}  // namespace valetkey::server
