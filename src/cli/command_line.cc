// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <cstring>
#include <filesystem>
#include <optional>

#include "cli/command_query.h"
#include "cli/printable.h"

namespace valetkey::cli {
namespace {

struct Words {
  Selection selection;
  SyncFlags sync;
  ConfigureFlags configure;
  QueryFlags query;
  ServerFlags server;
  bool exec = false;
  std::string api, token, bucket, account, format = "env", name, aws_profile = "valetkey";
  bool recursive = false;
};

// Takes the token out of the words that the process list shows.
void wipe_token(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    char* value = nullptr;
    if (word == "--token" && i + 1 < argc) value = argv[i + 1];
    if (word.starts_with("--token=")) value = argv[i] + std::strlen("--token=");
    if (value) std::memset(value, '*', std::strlen(value));
  }
}

void add_service(CLI::App& command, Words& words) {
  command.add_option("--api", words.api, "Address of the API (VALETKEY_API)");
  command.add_option(
      "--token", words.token,
      "The token; better VALETKEY_TOKEN_FILE, VALETKEY_TOKEN or `valetkey configure`");
  command.add_option("--bucket", words.bucket, "Fail unless the token opens this bucket");
  command.add_option("--account-id", words.account, "Fail unless the token opens this account");
}

void add_selection(CLI::App& command, Words& words, bool prefixes) {
  Selection& s = words.selection;
  command.add_option("--type", s.type, "decisions or events; both if absent")
      ->check(CLI::IsMember({"decisions", "events"}));
  command.add_option("--date", s.date, "One day, YYYY-MM-DD");
  command.add_option("--start", s.start, "The first day of a range");
  command.add_option("--end", s.end, "The last day of a range");
  command.add_option("--experiment", s.experiment, "Decisions of one experiment");
  command.add_option("--event", s.event, "Events of one name");
  if (prefixes)
    command.add_option("prefix", s.prefixes, "Below the account's folder, such as type=events/");
  command.add_flag("--verbose,-v", words.sync.verbose, "Say more");
}

void add_sync(CLI::App& command, Words& words) {
  add_service(command, words);
  add_selection(command, words, true);
  SyncFlags& f = words.sync;
  command.add_option("--output,-o", f.output, "The folder (OPTIMIZELY_DATA_DIR; ./data)");
  command.add_option("--connections", f.connections, "At once")
      ->check(CLI::Range(1U, 256U))
      ->capture_default_str();
  command.add_flag("--dry-run", f.dry_run, "Say what would be done");
  command.add_flag("--delete", f.delete_, "Delete files that the export no longer has");
  command.add_option("--include", words.selection.include, "Only names that match this pattern");
  command.add_option("--exclude", words.selection.exclude, "No names that match this pattern");
  command.add_flag("--only-complete", words.selection.only_complete,
                   "Only days that have _SUCCESS");
  command.add_flag("--json", f.json, "One JSON document a line");
}

using Todo = std::function<Result<void>(Streams, const client::Environment&)>;

class CommandLine {
 public:
  CommandLine();
  CLI::App app{"Valetkey's client: data in the tool you already use, for as long as the job takes.",
               "valetkey"};
  Words words;
  Todo todo;
  bool token_given() const { return !words.token.empty(); }

 private:
  using WithContext = Result<void> (*)(Context&, Words&, Streams, const client::Environment&);
  CLI::App* add(const char* name, const char* about, WithContext what,
                milliseconds patience = seconds(10));
  void add_query();
};

Result<client::Profile> profile_of(Words& words, const client::Environment& env, Streams streams) {
  VALETKEY_TRY(auto profile, client::load_profile(env));
  if (!words.api.empty()) profile.api = words.api;
  if (!words.token.empty()) {
    streams.err
        << "valetkey: a token on the command line is seen by others on this machine and kept "
           "in the shell's history; set VALETKEY_TOKEN_FILE, or run `valetkey configure`\n";
    VALETKEY_TRY(profile.token, client::clean_token(words.token));
    wipe(words.token);
  }
  return profile;
}

Result<void> credential_process(Words& words, Streams streams, const client::Environment& env) {
  VALETKEY_TRY(auto profile, profile_of(words, env, streams));
  return run_credential_process(std::move(profile), {words.bucket, words.account}, env, streams);
}

Task<Result<void>> look_at_place(Context& context, const Words& words) {
  auto grant = co_await context.session().get();
  if (!grant) co_return std::unexpected(grant.error());
  co_return check_place(**grant, words.bucket, words.account);
}

// A word that is wrong in itself: exit status 2.
void refuse(const Result<void>& checked) {
  if (!checked) throw CLI::ValidationError(checked.error().detail);
}

CLI::App* CommandLine::add(const char* name, const char* about, WithContext what,
                           milliseconds patience) {
  CLI::App* command = app.add_subcommand(name, about);
  command->callback([this, what, patience] {
    refuse(words.selection.check());
    todo = [this, what, patience](Streams streams, const client::Environment& env) -> Result<void> {
      VALETKEY_TRY(auto profile, profile_of(words, env, streams));
      VALETKEY_TRY(auto context, make_context(std::move(profile), patience));
      context->tell_of_waits(streams.err);
      if (!words.bucket.empty() || !words.account.empty())
        VALETKEY_CHECK(context->run(look_at_place(*context, words)));
      return what(*context, words, streams, env);
    };
  });
  return command;
}

Result<void> sync_with(Context& context, Words& words, Streams streams,
                       const client::Environment& env) {
  if (words.sync.output.empty()) {
    const char* folder = env("OPTIMIZELY_DATA_DIR");
    words.sync.output = folder && *folder ? folder : "data";
  }
  return run_sync(context, words.selection, words.sync, streams);
}

void CommandLine::add_query() {
  CLI::App* query =
      app.add_subcommand("query", "Run a SELECT over decisions, events and attributed_conversions");
  add_service(*query, words);
  add_selection(*query, words, false);
  QueryFlags& f = words.query;
  query->add_option("sql", f.sql, "One SELECT; - reads it from standard input")->required();
  query->add_option("--format", f.format, "table (on a terminal), csv (elsewhere), json or parquet")
      ->check(CLI::IsMember({"table", "csv", "json", "parquet"}));
  query->add_option("--output,-o", f.output, "A file; its ending tells the format");
  query->add_flag("--only-complete", words.selection.only_complete, "Only days that have _SUCCESS");
  query->add_option("--cache-limit", f.cache_bytes, "Bytes kept for later queries, or 20GiB")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("10GiB");
  query->add_option("--memory-limit", f.memory_bytes, "Bytes of memory; more goes to the disk")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("1GiB");
  query->callback([this] {
    // What else goes together depends on the views that the SELECT names.
    refuse(words.selection.check_days());
    todo = [this](Streams streams, const client::Environment& env) -> Result<void> {
      words.query.verbose = words.sync.verbose;
      VALETKEY_TRY(auto profile, profile_of(words, env, streams));
      VALETKEY_TRY(auto context, make_context(std::move(profile), std::chrono::minutes(15)));
      context->tell_of_waits(streams.err);
      if (!words.bucket.empty() || !words.account.empty())
        VALETKEY_CHECK(context->run(look_at_place(*context, words)));
      return run_query(*context, words.selection, words.query, env, streams);
    };
  });
}

CommandLine::CommandLine() {
  app.set_version_flag("--version", "valetkey " VALETKEY_VERSION);
  app.require_subcommand(1);
  add_query();
  constexpr milliseconds kLongJob = std::chrono::minutes(15);
  using Env = const client::Environment&;
  auto* auth = add("auth", "Print credentials for the shell: eval \"$(valetkey auth)\"",
                   [](Context& c, Words& w, Streams s, Env) { return run_auth(c, w.format, s); });
  add_service(*auth, words);
  auth->add_option("--format", words.format, "env, dotenv or json")
      ->check(CLI::IsMember({"env", "dotenv", "json"}))
      ->capture_default_str();
  auto* paths =
      add("paths", "Print the S3 paths of what is selected",
          [](Context& c, Words& w, Streams s, Env) { return run_paths(c, w.selection, s); });
  add_service(*paths, words);
  add_selection(*paths, words, true);
  auto* ls = add("ls", "List what is selected", [](Context& c, Words& w, Streams s, Env) {
    return run_ls(c, w.selection, w.recursive, s);
  });
  add_service(*ls, words);
  add_selection(*ls, words, true);
  ls->add_flag("--recursive,-r", words.recursive, "List objects at every depth");
  add_sync(
      *add("load", "Bring what is selected into a folder (the same as sync)", sync_with, kLongJob),
      words);
  add_sync(*add("sync", "Mirror what is selected into a folder", sync_with, kLongJob), words);
  auto* cat = add(
      "cat", "Write one object to standard output",
      [](Context& c, Words& w, Streams s, Env) { return run_cat(c, w.name, s); }, kLongJob);
  add_service(*cat, words);
  cat->add_option("object", words.name, "Its name below the account's folder")->required();
  auto* process = app.add_subcommand(
      "credential-process", "Print credentials as AWS SDKs' credential_process wants them");
  add_service(*process, words);
  process->callback([this] {
    todo = [this](Streams streams, Env env) { return credential_process(words, streams, env); };
  });
  auto* server = app.add_subcommand(
      "credentials-server",
      "Answer the SDKs of this machine with credentials: --exec -- COMMAND runs one under them");
  add_service(*server, words);
  server->add_option("--listen", words.server.listen, "A loopback address and a port; 0: any")
      ->capture_default_str();
  server->add_option("--format", words.format, "env or json")
      ->check(CLI::IsMember({"env", "json"}))
      ->capture_default_str();
  server->add_flag("--exec", words.exec, "Run the command that follows -- and end as it does");
  server->callback([this] {
    if (words.exec == words.server.command.empty())
      throw CLI::ValidationError("--exec and a command after -- go together");
    todo = [this](Streams streams, Env env) -> Result<void> {
      VALETKEY_TRY(const auto profile, profile_of(words, env, streams));
      words.server.bucket = words.bucket;
      words.server.account = words.account;
      words.server.json = words.format == "json";
      return run_credentials_server(profile, words.server, streams);
    };
  });
  auto* doctor = app.add_subcommand("doctor", "Check every step from the name to the last refusal");
  add_service(*doctor, words);
  doctor->callback([this] {
    todo = [this](Streams streams, Env env) -> Result<void> {
      VALETKEY_TRY(auto profile, profile_of(words, env, streams));
      return run_doctor(std::move(profile), streams);
    };
  });
  auto* configure =
      app.add_subcommand("configure", "Save the API's address and a token, mode 0600");
  configure->add_option("--api", words.configure.api, "Address of the API; asked for if absent");
  configure->add_option("--token-file", words.configure.token_file,
                        "A file that holds the token; else it is read from standard input");
  configure->add_option("--ca-file", words.configure.ca_file, "Certificates to trust, PEM");
  configure->add_flag("--allow-http", words.configure.allow_http,
                      "Send secrets to another machine without TLS");
  configure->callback([this] {
    if (todo) return;  // configure aws
    todo = [this](Streams s, Env env) { return run_configure(env, words.configure, s); };
  });
  auto* aws = configure->add_subcommand("aws", "Write a profile for the AWS CLI and SDKs");
  aws->add_option("--profile", words.aws_profile, "Its name")->capture_default_str();
  aws->callback([this] {
    todo = [this](Streams streams, Env env) -> Result<void> {
      VALETKEY_TRY(auto profile, profile_of(words, env, streams));
      VALETKEY_TRY(auto context, make_context(std::move(profile)));
      std::error_code error;
      const auto program = std::filesystem::read_symlink("/proc/self/exe", error).string();
      return run_configure_aws(*context, env, words.aws_profile, error ? "valetkey" : program,
                               streams);
    };
  });
}

// What follows `credentials-server … --` is a command's, whatever it looks like: taken off.
std::vector<std::string> take_command(int& argc, char** argv) {
  if (argc < 2 || std::string_view(argv[1]) != "credentials-server") return {};
  for (int i = 2; i < argc; ++i) {
    if (std::string_view(argv[i]) != "--") continue;
    std::vector<std::string> words(argv + i + 1, argv + argc);
    argc = i;
    return words;
  }
  return {};
}

// The exit status of what was done.
int finish(const Result<void>& done, Streams streams) {
  streams.out.flush();
  if (!done) {
    // It may name what a stranger named.
    streams.err << "valetkey: " << printable(done.error().detail) << '\n';
    return 1;
  }
  if (!streams.out) {
    streams.err << "valetkey: the output could not be written\n";
    return 1;
  }
  return 0;
}

}  // namespace

int run(int argc, char** argv, Streams streams, const client::Environment& env) {
  // As AWS profiles run it, at every start of an SDK: it has no options to read.
  if (argc == 2 && std::string_view(argv[1]) == "credential-process") {
    Words words;
    return finish(credential_process(words, streams, env), streams);
  }
  CommandLine line;
  line.words.server.command = take_command(argc, argv);
  const auto is_named = [argv](CLI::App* command) { return command->get_name() == argv[1]; };
  if (argc < 2 || (argv[1][0] != '-' && line.app.get_subcommands(is_named).empty())) {
    // Not repeated: it may be a token.
    streams.err << "valetkey: the first word must be a command: `valetkey --help` lists them\n";
    return 2;
  }
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::ParseError& refused) {
    wipe_token(argc, argv);
    return line.app.exit(refused, streams.out, streams.err) == 0 ? 0 : 2;
  }
  wipe_token(argc, argv);
  return finish(line.todo(streams, env), streams);
}

}  // namespace valetkey::cli
