// SPDX-License-Identifier: Apache-2.0
// The databases that [control] names: SQLite's files in the data folder, or one PostgreSQL, which several nodes share.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/keyring.h"
#include "config/config.h"
#include "control/control_store.h"
#include "control/copy.h"
#include "exporter/ledger.h"
#include "exporter/owners.h"
#include "postgres/database.h"

namespace valetkey::admin {

// What `valetkeyd control copy` has moved.
struct CopiedDatabases {
  control::CopiedRows control;
  std::uint64_t ledger_rows = 0;
};

class Databases {
 public:
  Databases(const config::Config& config, std::filesystem::path data_dir);
  bool shared() const { return server_ != nullptr; }     // PostgreSQL
  postgres::Server& server() const { return *server_; }  // where it is shared
  std::shared_ptr<postgres::Server> shared_server() const { return server_; }

  // `make`: SQLite's file may be missing. Refused where accounts lie in the other of the two places.
  Result<std::unique_ptr<control::ControlStore>> open_control(bool make = false) const;
  // Of the event log of this data folder, or of the topic that nodes share. `busy`: the shared one is of another folder's
  // or topic's, whose places in the log mean nothing here.
  Result<std::unique_ptr<exporter::Ledger>> open_ledger() const;
  // From now on, where parts and topic are shared, the event log is the topic, which other nodes share, and no folder's
  // any more.
  Result<void> share_log() const;
  // Null where one node does the whole export. Several do where both database and event log are shared.
  Result<std::unique_ptr<exporter::Owners>> open_owners() const;

  // What is damaged in the file of the accounts, one sentence each. Nothing where they are shared: PostgreSQL looks after
  // its own pages.
  Result<std::vector<std::string>> check_file() const;
  // A copy of that file, as of one moment.
  Result<void> back_up_file(const std::filesystem::path& to) const;

  // The ledger in the data folder, whatever [control] names.
  Result<std::unique_ptr<exporter::Ledger>> open_own_ledger() const;
  // In the shared database, where there are none yet.
  Result<void> make_tables() const;
  // Accounts and ledger of the data folder into these tables: both or neither.
  Result<CopiedDatabases> copy_files() const;

 private:
  Result<void> claim_log() const;
  std::filesystem::path control_file() const { return data_dir_ / "control.db"; }
  std::filesystem::path ledger_file() const { return data_dir_ / "objects.db"; }
  std::filesystem::path data_dir_;
  std::string topic_;  // where the event log is shared, too
  std::shared_ptr<postgres::Server> server_;
};

// What no single key of [control] can tell.
Result<void> check_databases(const config::Config& config);
// Nodes that share a database share a keyring: sessions that one issues, the others open. The first one's is right;
// `denied`: another one. Nothing is asked of where the database is not shared.
Result<void> share_keyring(const Databases& databases, const std::filesystem::path& file,
                           const Keyring& keyring);
// The folder's own name among those that share a database; made where it is missing.
Result<std::string> node_id(const std::filesystem::path& data_dir);

}  // namespace valetkey::admin
