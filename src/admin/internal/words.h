// SPDX-License-Identifier: Apache-2.0
// What the options and arguments of all commands say, and the kinds of values that are the
// server's own.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "admin/command_line.h"
#include "admin/internal/commands.h"
#include "terminal/command.h"

namespace valetkey::admin {

// The values of all options and arguments; a command reads those it declared.
struct Words {
  std::string data_dir, config, keyring;
  bool json = false;
  std::string bucket, id, email, account, role, name, user, folder;
  std::string purpose = "both";
  milliseconds activate_in{10'000};
  unsigned workers = 0;
  bool cut_off = false;
  bool repair = false, markdown = false, if_missing = false, purge = false, yes = false;
  TokenFlags token;
  ServeFlags serve;
  PolicyFlags policy;
  AuditFlags audit;
  UsageFlags usage;
  std::string visitor;
};

terminal::Value email(std::string& out);
terminal::Value scopes(std::string& out);
terminal::Value listener(std::string& out);
// Days, or "none".
terminal::Value retention(std::optional<std::optional<std::chrono::days>>& out);

}  // namespace valetkey::admin
