// SPDX-License-Identifier: Apache-2.0
// What every command works with: where the data is, where the answers go, which clock and
// environment.
#pragma once

#include <filesystem>
#include <memory>
#include <ostream>

#include <boost/json/value.hpp>

#include "base/clock.h"
#include "base/keyring.h"
#include "config/config.h"
#include "control/audit.h"
#include "control/control_store.h"
#include "exporter/ledger.h"
#include "storage/object_store.h"

namespace valetkey::storage {
class DiskStore;
}

namespace valetkey::admin {

class Engines;

struct CommandContext {
  std::ostream& out;  // answers
  std::ostream& err;  // explanations and errors
  const Clock& clock;
  config::Environment env;
  bool json = false;      // one JSON document on `out`, nothing else
  bool terminal = false;  // somebody watches `err`
  std::filesystem::path data_dir;
  std::filesystem::path config_file;   // as given; empty: see configuration()
  std::filesystem::path keyring_file;  // as given; empty: DIR.keyring
  std::istream* answers = nullptr;     // of a person at a terminal; null: nobody can be asked

  std::filesystem::path keyring() const;
  // Prints the document and a newline.
  void print(const boost::json::value& document) const;

  // The file that is read: as given, else DIR/valetkey.toml where it exists, else, of the package's
  // data folder, the package's file, so that commands and the service agree. Empty: none.
  std::filesystem::path configuration() const;
  // The bucket is the one that the folder was made with, where the configuration names no other.
  Result<config::Config> load_config() const;
  // `not_found`, with what to do, if the folder was never initialised.
  Result<void> need_data() const;
  // As the configuration says, whose [control] is checked.
  Result<Engines> engines() const;
  Result<std::unique_ptr<control::ControlStore>> open_control() const;
  Result<std::unique_ptr<exporter::Ledger>> open_ledger() const;
  Result<std::unique_ptr<control::AuditLog>> open_audit() const;
  // Refused (`denied`) inside the data folder, where a backup or a thief would get both at once.
  Result<void> check_keyring_place() const;
  // Both refuse a folder that was never initialised.
  Result<std::unique_ptr<KeySource>> open_keys() const;
  // Where [objects] has them.
  Result<std::unique_ptr<storage::ObjectStore>> open_objects(const KeySource& keys) const;
  // For what looks at the files of the data folder itself: `denied` where the parts are in a bucket,
  // with `instead`, a sentence.
  Result<std::unique_ptr<storage::DiskStore>> open_disk(const KeySource& keys,
                                                        std::string_view instead) const;

  // Writes one record durably, as this user of the operating system.
  Result<void> record_in(control::AuditLog& audit, std::string_view action,
                         std::optional<AccountId> account, std::string_view subject,
                         std::string_view detail = {}) const;
  Result<void> record(std::string_view action, std::optional<AccountId> account,
                      std::string_view subject, std::string_view detail = {}) const;
};

}  // namespace valetkey::admin
