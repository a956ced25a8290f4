// SPDX-License-Identifier: Apache-2.0
#include "admin/internal/command_tree.h"

#include <fmt/format.h>

#include "base/version.h"
#include "terminal/ids.h"
#include "terminal/program.h"

namespace valetkey::admin {

using terminal::choice;
using terminal::Command;
using terminal::number;

CommandTree::CommandTree(const Serve& serve) {
  program_.version = fmt::format("valetkeyd {}", kVersion);
  program_.example("export VALETKEY_DATA_DIR=./data")
      .example("valetkeyd init")
      .example("valetkeyd account create 12345 --name Acme")
      .example("valetkeyd user create ada@example.org --account 12345 --role admin")
      .example("valetkeyd token create --account 12345 --user ada@example.org --name laptop")
      .example("valetkeyd import ./export")
      .example("valetkeyd serve");
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

void CommandTree::add_places() {
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

Command& CommandTree::add(Command& parent, const char* name, const char* about, Todo todo) {
  Command& command = parent.command(name, about);
  todos_[&command] = std::move(todo);
  command.check = [this]() -> Result<void> {
    if (!words_.data_dir.empty()) return {};
    return fail(ErrorCode::invalid,
                "say where the data is: --data-dir DIR, or VALETKEY_DATA_DIR in the environment");
  };
  return command;
}

void CommandTree::add_server(const Serve& serve) {
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

void CommandTree::add_data() {
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

void CommandTree::add_export() {
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

void CommandTree::add_control() {
  Command& group = program_.command("control", "Where accounts and the export's ledger are kept");
  group.example("valetkeyd control copy --data-dir /srv/valetkey");
  add(group, "copy", "Move them from the data folder into the PostgreSQL of [control]",
      control_copy)
      .example("valetkeyd control copy")
      .example("valetkeyd control copy --data-dir /srv/valetkey --json");
}

void CommandTree::add_nodes() {
  add(program_, "nodes", "The nodes that share the export, and what each does", nodes)
      .example("valetkeyd nodes")
      .example("valetkeyd nodes --json");
}

void CommandTree::add_keys() {
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

void CommandTree::add_issuer() {
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

}  // namespace valetkey::admin
