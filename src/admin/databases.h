// SPDX-License-Identifier: Apache-2.0
// The databases that [control] names: SQLite's files in the data folder, or one PostgreSQL, which several nodes share.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/keyring.h"
#include "config/config.h"
#include "control/control_store.h"
#include "exporter/ledger.h"
#include "exporter/owners.h"
#include "postgres/database.h"

namespace valetkey::admin {

class Databases {
 public:
  Databases(const config::Config& config, std::filesystem::path data_dir);
  bool shared() const { return server_ != nullptr; }  // PostgreSQL
  postgres::Server& server() { return *server_; }     // where it is shared
  std::shared_ptr<postgres::Server> shared_server() const { return server_; }

  // `make`: SQLite's file may be missing. Refused where accounts lie in the other of the two places.
  Result<std::unique_ptr<control::ControlStore>> open_control(bool make = false);
  // Of the event log of this data folder, or of the topic that nodes share. `busy`: the shared one is of another folder's
  // or topic's, whose places in the log mean nothing here.
  Result<std::unique_ptr<exporter::Ledger>> open_ledger();
  // From now on, where parts and topic are shared, the event log is the topic, which other nodes share, and no folder's any more.
  Result<void> share_log();
  // Null where one node does the whole export. Several do where both database and event log are shared.
  Result<std::unique_ptr<exporter::Owners>> open_owners();

 private:
  Result<void> claim_log();
  std::filesystem::path data_dir_;
  std::string topic_;  // where the event log is shared, too
  std::shared_ptr<postgres::Server> server_;
};

// What no single key of [control] can tell.
Result<void> check_databases(const config::Config& config);
// Nodes that share a database share a keyring: sessions that one issues, the others open. The first one's is right;
// `denied`: another one. Nothing is asked of where the database is not shared.
Result<void> share_keyring(Databases& databases, const std::filesystem::path& file,
                           const Keyring& keyring);
// The folder's own name among those that share a database; made where it is missing.
Result<std::string> node_id(const std::filesystem::path& data_dir);

}  // namespace valetkey::admin
