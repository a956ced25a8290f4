// SPDX-License-Identifier: Apache-2.0
// The services that an installation stands on, opened as its configuration says: databases, event log, parts, and who
// mints credentials. Nothing else in `admin` or `server` names a form of them or asks which one is configured:
// repo.layers holds it. What is opened belongs to the caller. One thread at a time; what it opens is thread-safe.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "access/credentials.h"
#include "admin/databases.h"
#include "base/clock.h"
#include "base/keyring.h"
#include "config/config.h"
#include "control/change_feed.h"
#include "control/control_store.h"
#include "events/event_log.h"
#include "exporter/ledger.h"
#include "issuer/vending.h"
#include "storage/disk_store.h"
#include "storage/object_store.h"

namespace valetkey::admin {

// Who mints credentials: this server, under its own keys, or the STS of an engine.
class Minting {
 public:
  explicit Minting(std::unique_ptr<access::SealedIssuer> sealed) : sealed_(std::move(sealed)) {}
  explicit Minting(std::unique_ptr<issuer::Vending> vending) : vending_(std::move(vending)) {}
  access::CredentialIssuer& issuer() {
    return vending_ ? static_cast<access::CredentialIssuer&>(vending_->issuer()) : *sealed_;
  }
  issuer::Vending* vending() { return vending_.get(); }  // null: credentials are this server's own

 private:
  std::unique_ptr<issuer::Vending> vending_;
  std::unique_ptr<access::SealedIssuer> sealed_;
};

// Whether brokers must answer when a topic is opened: a server waits for them.
enum class Brokers : std::uint8_t { answer, may_be_away };

class Engines {
 public:
  // The clock outlives it, and what it opens.
  Engines(config::Config config, config::Environment env, std::filesystem::path data_dir,
          const Clock& clock);

  // What no single key of the configuration can tell.
  Result<void> check() const;
  const config::Config& config() const { return config_; }
  const Clock& clock() const { return clock_; }

  // Accounts and the export's ledger.
  const Databases& databases() const { return databases_; }

  // The parts lie in the data folder, not in a bucket.
  bool keeps_parts() const;
  Result<std::unique_ptr<storage::ObjectStore>> open_store(const KeySource& keys) const;
  // What every data folder has, wherever its parts lie: the index, with the name of the bucket, and the folders beside
  // it.
  Result<void> make_folder(const KeySource& keys) const;
  // For what works on the files of the data folder itself. `denied` where the parts are in a bucket, with `instead`, a
  // sentence.
  Result<std::unique_ptr<storage::DiskStore>> open_disk(const KeySource& keys,
                                                        std::string_view instead) const;

  // In the data folder, and in Kafka's topic where [events] says so: then the folder's is read to its end.
  // `busy`: another process, a server most likely, has it. The ledger outlives it.
  Result<std::unique_ptr<events::EventLog>> open_log(exporter::Ledger& ledger,
                                                     const KeySource& keys,
                                                     Brokers brokers = Brokers::answer) const;
  // The topic alone, for those who only look; null where events wait in the data folder. Asks the brokers what it is.
  Result<std::unique_ptr<events::EventLog>> open_topic(Brokers brokers = Brokers::answer) const;

  // Credentials are those of an engine's STS.
  bool vends() const;
  // Keys, store and feed outlive it.
  Result<std::unique_ptr<Minting>> open_minting(const KeySource& keys, control::ControlStore& store,
                                                control::ChangeFeed& feed) const;

 private:
  Result<std::unique_ptr<storage::DiskStore>> open_folder(const KeySource& keys) const;
  // Refuses a topic by where its partitions end.
  using AcceptEnds = std::function<Result<void>(const std::vector<events::Offset>& ends)>;
  Result<std::unique_ptr<events::EventLog>> open_topic(Brokers brokers, AcceptEnds accept) const;

  config::Config config_;
  config::Environment env_;
  std::filesystem::path data_dir_;
  const Clock& clock_;
  Databases databases_;
};

// The bucket that the data folder was made with; an Error where it has none yet.
Result<std::string> bucket_of(const std::filesystem::path& data_dir);

}  // namespace valetkey::admin
