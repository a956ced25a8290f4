// SPDX-License-Identifier: Apache-2.0
#include "cli/words.h"

#include <unistd.h>

#include "http/client.h"
#include "terminal/ids.h"

namespace valetkey::cli {
namespace {

using terminal::choice;
using terminal::Command;
using terminal::number;

constexpr milliseconds kWaitOfPerson = std::chrono::minutes(1);
constexpr milliseconds kWaitOfJob = std::chrono::minutes(15);
constexpr milliseconds kLongestWait = std::chrono::days(30);

}  // namespace

terminal::Value url(std::string& out) {
  return terminal::text(
      out, [](std::string_view text) { return http::Url::parse(text).has_value(); },
      "an address such as https://export.example.org or http://127.0.0.1:8080");
}

void add_service(Command& command, Words& words) {
  command.option("--api", url(words.api), "URL", "Address of the API").from("VALETKEY_API");
  command.option("--token", words.token, "TOKEN",
                 "The token; better VALETKEY_TOKEN_FILE, VALETKEY_TOKEN or `valetkey configure`");
  command.option("--bucket", words.bucket, "NAME", "Fail unless the token opens this bucket");
  command.option("--account-id", terminal::account_id(words.account), "ID",
                 "Fail unless the token opens this account");
}

terminal::Option& add_wait(Command& command, Words& words) {
  return command.option("--wait", terminal::duration(words.wait, milliseconds(0), kLongestWait),
                        "DURATION", "How long a server that is away is asked again; 0: not at all");
}

void add_long_wait(Command& command, Words& words) {
  add_wait(command, words).by_default("1m on a terminal, else 15m").from("VALETKEY_WAIT");
}

milliseconds wait_of(const Words& words) {
  return words.wait.value_or(::isatty(STDERR_FILENO) == 1 ? kWaitOfPerson : kWaitOfJob);
}

void add_selection(Command& command, Words& words) {
  Selection& s = words.selection;
  command.option("--type", choice(s.type, {"decisions", "events"}), "TYPE", "Rows of this type")
      .by_default("both");
  command.option("--date", terminal::day(words.days.date), "DAY", "One day");
  command.option("--start", terminal::day(words.days.start), "DAY", "The first day of a range");
  command.option("--end", terminal::day(words.days.end), "DAY", "The last day of a range");
  command.option("--last", terminal::days(words.days.last, std::chrono::days(1)), "DAYS",
                 "The last days or weeks, today included");
  command.option("--experiment", s.experiment, "ID", "Decisions of one experiment");
  command.option("--event", s.event, "NAME", "Events of one name");
  command.flag("--verbose,-v", words.sync.verbose, "Say more");
}

void add_parts(Command& command, Words& words) {
  command
      .argument("PART", words.selection.prefixes,
                "S3 paths as `valetkey paths` prints them, or below the account's folder, such as "
                "type=events/")
      .required(false);
}

void add_sync(Command& command, Words& words) {
  add_selection(command, words);
  add_parts(command, words);
  SyncFlags& f = words.sync;
  command.option("--output,-o", f.output, "DIR", "The folder")
      .by_default("./data")
      .from("OPTIMIZELY_DATA_DIR");
  command.option("--connections", number(f.connections, 1, 256), "COUNT", "Requests at once")
      .by_default("32");
  command.flag("--dry-run", f.dry_run, "Say what would be done");
  command.flag("--delete", f.delete_, "Delete files that the export no longer has");
  command.option("--include", words.selection.include, "PATTERN",
                 "Only names that match this pattern");
  command.option("--exclude", words.selection.exclude, "PATTERN",
                 "No names that match this pattern");
  command.flag("--only-complete", words.selection.only_complete, "Only days that have _SUCCESS");
  command.flag("--json", f.json, "One JSON document a line");
}

}  // namespace valetkey::cli
