// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <map>

#include "base/version.h"
#include "cli/credentials_endpoint.h"
#include "cli/printable.h"
#include "cli/words.h"
#include "http/co_try.h"
#include "terminal/output.h"

namespace valetkey::cli {
namespace {

using client::Environment;
using terminal::choice;
using terminal::Command;

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

using Todo = std::function<Result<void>(Streams, const Environment&)>;

class CommandLine {
 public:
  CommandLine();
  const Command& program() const { return program_; }
  Result<void> run(const Command& command, Streams streams, const Environment& env) const {
    return todos_.at(&command)(streams, env);
  }

 private:
  using WithContext = Result<void> (*)(Context&, Words&, Streams, const Environment&);
  Command& add(const char* name, const char* about, Todo todo);
  // A command on what is selected.
  Command& add(const char* name, const char* about, WithContext what);
  Todo with_context(WithContext what);
  void add_query();
  void add_lists();
  void add_transfers();
  void add_credentials();
  void add_server();
  void add_tokens();
  void add_configure();
  void add_tables();

  Words words_;
  Command program_{"valetkey",
                   "Valetkey's client: data in the tool you already use, for as long as the job "
                   "takes"};
  std::map<const Command*, Todo> todos_;
};

// The environment, in which what the options say takes the place of the variables.
client::Environment with_options(const Words& words, const client::Environment& env) {
  return [&words, &env](const char* name) -> const char* {
    if (!words.api.empty() && std::string_view(name) == "VALETKEY_API") return words.api.c_str();
    if (!words.token.empty() && std::string_view(name) == "VALETKEY_TOKEN")
      return words.token.c_str();
    return env(name);
  };
}

Result<client::Profile> profile_of(Words& words, const client::Environment& env, Streams streams) {
  if (!words.token.empty())
    streams.err
        << "valetkey: a token on the command line is seen by others on this machine and kept "
           "in the shell's history; set VALETKEY_TOKEN_FILE, or run `valetkey configure`\n";
  auto profile = client::load_profile(with_options(words, env));
  wipe(words.token);
  if (profile && !profile->remark.empty())
    streams.err << "valetkey: " << printable(profile->remark) << '\n';
  return profile;
}

Result<void> credential_process(Words& words, Streams streams, const client::Environment& env) {
  VALETKEY_TRY(auto profile, profile_of(words, env, streams));
  ProcessFlags flags{.bucket = words.bucket, .account = words.account};
  flags.wait = words.wait.value_or(flags.wait);
  return run_credential_process(std::move(profile), flags, env, streams);
}

Task<Result<void>> look_at_place(Context& context, const Words& words) {
  VALETKEY_CO_TRY(auto grant, co_await context.session().get());
  co_return check_place(*grant, words.bucket, words.account);
}

Command& CommandLine::add(const char* name, const char* about, Todo todo) {
  Command& command = program_.command(name, about);
  todos_[&command] = std::move(todo);
  return command;
}

Todo CommandLine::with_context(WithContext what) {
  return [this, what](Streams streams, const Environment& env) -> Result<void> {
    VALETKEY_TRY(auto profile, profile_of(words_, env, streams));
    VALETKEY_TRY(auto context, make_context(std::move(profile), wait_of(words_)));
    context->tell(streams.err);
    if (!words_.bucket.empty() || !words_.account.empty())
      VALETKEY_CHECK(context->run(look_at_place(*context, words_)));
    return what(*context, words_, streams, env);
  };
}

Command& CommandLine::add(const char* name, const char* about, WithContext what) {
  Command& command = add(name, about, with_context(what));
  add_service(command, words_);
  add_long_wait(command, words_);
  command.check = [this]() -> Result<void> {
    VALETKEY_CHECK(words_.selection.set_days(words_.days, date_of(SystemClock().now())));
    return words_.selection.check();
  };
  return command;
}

Result<void> sync_with(Context& context, Words& words, Streams streams, const Environment&) {
  return run_sync(context, words.selection, words.sync, streams);
}

void CommandLine::add_query() {
  const Todo todo = [this](Streams streams, const Environment& env) {
    words_.query.verbose = words_.sync.verbose;
    // Looked at there, so that the cache can answer while the service is away.
    words_.query.bucket = std::exchange(words_.bucket, {});
    words_.query.account = std::exchange(words_.account, {});
    return with_context([](Context& c, Words& w, Streams s, const Environment& e) {
      return run_query(c, w.selection, w.query, e, s);
    })(streams, env);
  };
  Command& query =
      add("query", "Run a SELECT over decisions, events and attributed_conversions", todo);
  add_service(query, words_);
  add_long_wait(query, words_);
  // What else goes together depends on the views that the SELECT names.
  query.check = [this]() -> Result<void> {
    return words_.selection.set_days(words_.days, date_of(SystemClock().now()));
  };
  add_selection(query, words_);
  QueryFlags& f = words_.query;
  query.argument("SQL", f.sql, "One SELECT; - reads it from standard input");
  add_parts(query, words_);
  query
      .option("--format", choice(f.format, {"table", "csv", "json", "parquet"}), "FORMAT",
              "How the rows are written")
      .by_default("table on a terminal, csv elsewhere");
  query.option("--output,-o", f.output, "FILE", "A file; its ending tells the format");
  query.flag("--offline", f.offline, "Ask nobody: answer from what earlier queries have kept");
  query.flag("--only-complete", words_.selection.only_complete, "Only days that have _SUCCESS");
  query
      .option("--cache-limit", terminal::size(f.cache_bytes), "SIZE",
              "Bytes kept for later queries")
      .by_default("10GiB");
  query
      .option("--memory-limit", terminal::size(f.memory_bytes), "SIZE",
              "Bytes of memory; more goes to the disk")
      .by_default("1GiB");
  query.example("valetkey query \"SELECT count(*) FROM decisions\" --date 2026-01-31")
      .example(
          "valetkey query \"SELECT * FROM events LIMIT 5\" --start 2026-01-01 --end 2026-01-31")
      .example("valetkey query - --output result.parquet < question.sql");
}

void CommandLine::add_lists() {
  Command& paths = add("paths", "Print the S3 paths of what is selected",
                       [](Context& c, Words& w, Streams s, const Environment&) {
                         return run_paths(c, w.selection, s);
                       });
  add_selection(paths, words_);
  add_parts(paths, words_);
  paths.example("valetkey paths --type events")
      .example("valetkey paths --start 2026-01-01 --end 2026-01-31 --experiment 42");
  Command& ls =
      add("ls", "List what is selected", [](Context& c, Words& w, Streams s, const Environment&) {
        return run_ls(c, w.selection, w.recursive, s);
      });
  add_selection(ls, words_);
  add_parts(ls, words_);
  ls.flag("--recursive,-r", words_.recursive, "List objects at every depth");
  ls.example("valetkey ls")
      .example("valetkey ls type=decisions/")
      .example("valetkey ls -r --type events --date yesterday");
}

void CommandLine::add_transfers() {
  Command& load = add("load", "Bring what is selected into a folder (the same as sync)", sync_with);
  add_sync(load, words_);
  load.example("valetkey load --type decisions --date 2026-01-31 --output ./data")
      .example("valetkey load --event purchase --start 2026-01-01 --end 2026-01-31");
  Command& sync = add("sync", "Mirror what is selected into a folder", sync_with);
  add_sync(sync, words_);
  sync.example("valetkey sync --output ./data")
      .example("valetkey sync --last 30d --dry-run")
      .example("# for a nightly job: whole days, and nothing that the export no longer has")
      .example("valetkey sync --output /srv/export --only-complete --delete");
  Command& cat = add(
      "cat", "Write one object to standard output",
      [](Context& c, Words& w, Streams s, const Environment&) { return run_cat(c, w.name, s); });
  cat.argument("OBJECT", words_.name, "Its name below the account's folder");
  cat.example("valetkey ls -r --date 2026-01-31")
      .example("valetkey cat type=events/date=2026-01-31/_SUCCESS > _SUCCESS");
}

void CommandLine::add_credentials() {
  Command& auth = add("auth", "Print credentials for the shell",
                      [](Context& c, Words& w, Streams s, const Environment& env) {
                        return run_auth(c, w.format, env, s);
                      });
  auth.option("--format", choice(words_.format, {"env", "dotenv", "json"}), "FORMAT",
              "How they are written")
      .by_default("env");
  auth.example("eval \"$(valetkey auth)\"").example("valetkey auth --format dotenv > .env");
  Command& process =
      add("credential-process", "Print credentials as AWS SDKs' credential_process wants them",
          [this](Streams streams, const Environment& env) {
            return credential_process(words_, streams, env);
          });
  add_service(process, words_);
  add_wait(process, words_).by_default("5s, as SDKs wait for it");
  process.example("valetkey credential-process")
      .example("# what `valetkey configure aws` writes into ~/.aws/config")
      .example("credential_process = valetkey credential-process");
  Command& doctor = add("doctor", "Check every step from the name to the last refusal",
                        [this](Streams streams, const Environment& env) -> Result<void> {
                          VALETKEY_TRY(auto profile, profile_of(words_, env, streams));
                          return run_doctor(std::move(profile), streams);
                        });
  add_service(doctor, words_);
  doctor.example("valetkey doctor").example("valetkey doctor --api https://export.example.org");
}

void CommandLine::add_server() {
  Command& server = add("credentials-server", "Answer the SDKs of this machine with credentials",
                        [this](Streams streams, const Environment& env) -> Result<void> {
                          VALETKEY_TRY(const auto profile, profile_of(words_, env, streams));
                          words_.server.bucket = words_.bucket;
                          words_.server.account = words_.account;
                          words_.server.json = words_.format == "json";
                          words_.server.wait = wait_of(words_);
                          return run_credentials_server(profile, words_.server, env, streams);
                        });
  server.check = [this]() -> Result<void> {
    if (words_.exec != words_.server.command.empty()) return {};
    return fail(ErrorCode::invalid, words_.exec
                                        ? "--exec needs a command behind --, as in `valetkey "
                                          "credentials-server --exec -- aws s3 ls`"
                                        : "a command behind -- needs --exec before it");
  };
  add_service(server, words_);
  add_long_wait(server, words_);
  server
      .option("--listen",
              terminal::text(
                  words_.server.listen,
                  [](std::string_view text) { return check_loopback(text).has_value(); },
                  "a loopback address and a port such as 127.0.0.1:9911"),
              "ADDR:PORT", "A loopback address and a port; 0: any")
      .by_default(words_.server.listen);
  server
      .option("--format", choice(words_.format, {"env", "json"}), "FORMAT",
              "How it says where it is")
      .by_default("env");
  server.flag("--exec", words_.exec, "Run the command that follows -- and end as it does");
  server.rest = &words_.server.command;
  server.rest_name = "COMMAND …";
  server.example("valetkey credentials-server --exec -- python3 job.py")
      .example("valetkey credentials-server --listen 127.0.0.1:9911");
}

void CommandLine::add_configure() {
  ConfigureFlags& flags = words_.configure;
  Command& configure = add("configure", "Save the API's address and a token, mode 0600",
                           [this](Streams s, const Environment& env) {
                             words_.configure.wait = wait_of(words_);
                             return run_configure(env, words_.configure, s);
                           });
  configure.runs_alone = true;
  configure.option("--api", url(flags.api), "URL", "Address of the API; asked for if absent");
  configure.option("--token-file", flags.token_file, "FILE",
                   "A file that holds the token; else it is read from standard input");
  configure.option("--ca-file", flags.ca_file, "FILE", "Certificates to trust, PEM");
  add_long_wait(configure, words_);
  configure.flag("--allow-http", flags.allow_http, "Send secrets to another machine without TLS");
  configure.example("valetkey configure --api https://export.example.org")
      .example("valetkey configure --api https://export.example.org --token-file ./token")
      .example("valetkey configure aws");
  Command& aws = configure.command("aws", "Write a profile for the AWS CLI and SDKs");
  add_long_wait(aws, words_);
  aws.option("--profile", words_.aws_profile, "NAME", "Its name").by_default(words_.aws_profile);
  aws.example("valetkey configure aws && aws --profile valetkey s3 ls")
      .example("valetkey configure aws --profile export");
  todos_[&aws] = [this](Streams streams, const Environment& env) -> Result<void> {
    VALETKEY_TRY(auto profile, profile_of(words_, env, streams));
    VALETKEY_TRY(auto context, make_context(std::move(profile), wait_of(words_)));
    context->tell(streams.err);
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error).string();
    return run_configure_aws(*context, env, words_.aws_profile, error ? "valetkey" : program,
                             streams);
  };
  Command& share = configure.command("share", "Write a profile for Delta Sharing, with the token");
  add_long_wait(share, words_);
  share.option("--output", words_.share_file, "FILE", "Where to").by_default(words_.share_file);
  share.example("valetkey configure share")
      .example("valetkey configure share --output ~/export.share");
  todos_[&share] = with_context([](Context& c, Words& w, Streams s, const Environment&) {
    return run_configure_share(c, w.share_file, s);
  });
}

void CommandLine::add_tables() {
  Command& tables = add("tables", "Print lines for engines that read the export as tables",
                        [](Context& c, Words& w, Streams s, const Environment&) {
                          return run_tables(c, w.tables, s);
                        });
  tables.option("--engine", choice(words_.tables.engine, engine_names()), "NAME", "Of one of them")
      .by_default("all");
  tables.flag("--show-token", words_.tables.show_token, "With the token in them: a secret");
  tables.example("valetkey tables").example("valetkey tables --engine duckdb --show-token");
}

void CommandLine::add_tokens() {
  Command& group = program_.command("token", "Your personal access tokens, over REST");
  group.example("valetkey token list").example("valetkey token create laptop --expires 90d");
  const auto add_one = [&](const char* name, const char* about, WithContext what) -> Command& {
    Command& command = group.command(name, about);
    todos_[&command] = with_context(what);
    add_service(command, words_);
    add_long_wait(command, words_);
    return command;
  };
  TokenFlags& f = words_.tokens;
  Command& list = add_one("list", "Show the tokens, an admin's those of the account",
                          [](Context& c, Words& w, Streams s, const Environment&) {
                            return run_token_list(c, w.sync.json, s);
                          });
  list.flag("--json", words_.sync.json, "One JSON document");
  list.example("valetkey token list").example("valetkey token list --json");
  Command& create = add_one("create", "Make a token and print it, once",
                            [](Context& c, Words& w, Streams s, const Environment&) {
                              return run_token_create(c, w.tokens, s);
                            });
  create.argument("NAME", f.name, "What it is for");
  create.option("--scopes", f.scopes, "SCOPES", "export, tokens, users, audit, by commas")
      .by_default("export");
  create.option("--expires", f.expires, "DURATION", "How long it lives, such as 90d")
      .by_default("as long as the token that makes it");
  create.option("--user", f.user, "EMAIL", "For this user of the account; admins only");
  create.option("--type", terminal::choice(f.types, {"decisions", "events"}), "TYPE",
                "Limit it to one type; may be given again");
  create.option("--prefix", f.prefixes, "PREFIX",
                "Limit it to what begins so below the account's folder; may be given again");
  create.option("--source", f.sources, "NETWORK",
                "Limit it to these addresses, such as 10.0.0.0/8; may be given again");
  create.example("valetkey token create laptop --expires 90d")
      .example("TOKEN=$(valetkey token create nightly)")
      .example("valetkey token create report --type decisions --source 198.51.100.0/24");
  Command& revoke = add_one("revoke", "End a token, and all that it created",
                            [](Context& c, Words& w, Streams s, const Environment&) {
                              return run_token_revoke(c, w.tokens, s);
                            });
  revoke.argument("ID", f.id, "As `valetkey token list` shows it");
  revoke.flag("--cut-off", f.cut_off,
              "Also end its sessions, where a service of its own gave them");
  revoke.example("valetkey token revoke tok_0123456789abcdef").example("valetkey token list");
  Command& replace = add_one("replace", "Make a token in place of another, which goes on a while",
                             [](Context& c, Words& w, Streams s, const Environment&) {
                               return run_token_replace(c, w.tokens, s);
                             });
  replace.argument("ID", f.id, "The old one, not the one in use");
  replace.option("--overlap", f.overlap, "DURATION", "How long the old one goes on, at most 30d")
      .by_default("1d");
  replace.option("--expires", f.expires, "DURATION", "How long the new one lives")
      .by_default("as long as the old one did");
  replace.example("valetkey token replace tok_0123456789abcdef")
      .example("valetkey token replace tok_0123456789abcdef --overlap 7d");
  Command& who = add("whoami", "Say which account the token is of",
                     [](Context& c, Words& w, Streams s, const Environment&) {
                       return run_whoami(c, w.sync.json, s);
                     });
  who.flag("--json", words_.sync.json, "One JSON document");
  who.example("valetkey whoami").example("valetkey whoami --json");
}

CommandLine::CommandLine() {
  program_.version = fmt::format("valetkey {}", kVersion);
  program_.example("valetkey configure --api https://export.example.org")
      .example("valetkey doctor")
      .example("valetkey ls")
      .example("valetkey sync --output ./data")
      .example("valetkey query \"SELECT count(*) FROM decisions\"");
  add_configure();
  add_tables();
  add_lists();
  add_query();
  add_transfers();
  add_credentials();
  add_server();
  add_tokens();
  terminal::add_shell_commands(program_);
}

// Nobody reads what is written there any more, as behind `| head`.
bool is_reader_gone(int descriptor) {
  pollfd out{.fd = descriptor, .events = POLLOUT, .revents = 0};
  return ::poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

// The exit status of what was done.
int finish(const Result<void>& done, Streams streams) {
  const auto flushed = terminal::flush_out(streams.out);
  if (!flushed && is_reader_gone(STDOUT_FILENO)) return kReaderGone;
  if (done && flushed) return 0;
  // It may name what a stranger named.
  streams.err << "valetkey: " << printable((done ? flushed : done).error().detail) << '\n';
  return 1;
}

}  // namespace

int run(int argc, char** argv, Streams streams, const Environment& env) {
  // As AWS profiles run it, at every start of an SDK: it has no options to read.
  if (argc == 2 && std::string_view(argv[1]) == "credential-process") {
    Words words;
    return finish(credential_process(words, streams, env), streams);
  }
  CommandLine line;
  const auto chosen =
      terminal::choose(line.program(), {argv + 1, argv + argc}, {streams.out, streams.err}, env);
  wipe_token(argc, argv);
  if (!chosen.command) return chosen.status != 0 ? chosen.status : finish({}, streams);
  return finish(line.run(*chosen.command, streams, env), streams);
}

}  // namespace valetkey::cli
