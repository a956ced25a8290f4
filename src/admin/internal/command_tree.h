// SPDX-License-Identifier: Apache-2.0
// The commands of valetkeyd: what words each takes, and what it runs.
#pragma once

#include <functional>
#include <map>

#include "admin/command_line.h"
#include "admin/internal/words.h"
#include "terminal/command.h"

namespace valetkey::admin {

class CommandTree {
 public:
  explicit CommandTree(const Serve& serve);
  const terminal::Command& program() const { return program_; }
  const Words& words() const { return words_; }
  Result<int> run(const terminal::Command& command, CommandContext& context) const {
    return todos_.at(&command)(context);
  }

 private:
  using Todo = std::function<Result<int>(CommandContext&)>;
  // A command that works on the data folder.
  terminal::Command& add(terminal::Command& parent, const char* name, const char* about, Todo todo);
  void add_places();
  // The installation: command_tree.cc.
  void add_server(const Serve& serve);
  void add_data();
  void add_export();
  void add_control();
  void add_nodes();
  void add_keys();
  void add_issuer();
  // Customers, and what they did: command_tree_customers.cc.
  void add_accounts();
  void add_policy(terminal::Command& accounts);
  void add_users();
  void add_tokens();
  void add_audit();

  terminal::Command program_{"valetkeyd",
                             "Valetkey's server: exchanges personal access tokens for temporary S3 "
                             "credentials and serves the exports that they open"};
  Words words_;
  std::map<const terminal::Command*, Todo> todos_;
};

}  // namespace valetkey::admin
