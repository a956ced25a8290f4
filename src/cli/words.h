// SPDX-License-Identifier: Apache-2.0
// What the options and arguments of all commands say, and the groups of options that several
// commands take.
#pragma once

#include <optional>
#include <string>

#include "cli/command_query.h"
#include "cli/commands.h"
#include "cli/selection.h"
#include "terminal/program.h"

namespace valetkey::cli {

// A command reads those that it declared.
struct Words {
  Selection selection;
  TypedDays days;
  SyncFlags sync;
  ConfigureFlags configure;
  QueryFlags query;
  ServerFlags server;
  TokenFlags tokens;
  TablesFlags tables;
  std::string share_file = "valetkey.share";
  bool exec = false;
  std::optional<milliseconds> wait;
  std::string api, token, bucket, account, format = "env", name, aws_profile = "valetkey";
  bool recursive = false;
};

terminal::Value url(std::string& out);

void add_service(terminal::Command& command, Words& words);
terminal::Option& add_wait(terminal::Command& command, Words& words);
// For what a person or a job waits for.
void add_long_wait(terminal::Command& command, Words& words);
milliseconds wait_of(const Words& words);
void add_selection(terminal::Command& command, Words& words);
// Behind what the command itself takes.
void add_parts(terminal::Command& command, Words& words);
void add_sync(terminal::Command& command, Words& words);

}  // namespace valetkey::cli
