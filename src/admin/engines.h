// SPDX-License-Identifier: Apache-2.0
// The services that an installation may stand on beside its data folder, built in one place from the
// configuration: for now who mints credentials. One thread at a time; what it hands out is
// thread-safe.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "access/credentials.h"
#include "base/clock.h"
#include "base/keyring.h"
#include "config/config.h"
#include "control/change_feed.h"
#include "control/control_store.h"
#include "events/event_log.h"
#include "issuer/vending.h"
#include "storage/object_store.h"

namespace valetkey::admin {

// Whether credentials are those of somebody else's STS.
bool vends(const config::Config& config);
// What no single key of [issuer] can tell.
Result<void> check_engines(const config::Config& config);

// The parts of the export, where [objects] has them.
Result<std::unique_ptr<storage::ObjectStore>> open_store(const config::Config& config,
                                                         const config::Environment& env,
                                                         const std::filesystem::path& data_dir,
                                                         const KeySource& keys, const Clock& clock);

// Whether brokers must answer when a topic is opened: a server waits for them.
enum class Brokers : std::uint8_t { answer, may_be_away };
// What is refused for where the partitions of a topic end.
using AcceptEnds = std::function<Result<void>(const std::vector<events::Offset>& ends)>;
// Where events wait, if [events] names no folder but Kafka; else null. Asks the brokers what the topic is.
Result<std::unique_ptr<events::EventLog>> open_topic(const config::Config& config,
                                                     const Clock& clock,
                                                     Brokers brokers = Brokers::answer,
                                                     AcceptEnds accept = {});

class Engines {
 public:
  // All of them outlive it.
  static Result<std::unique_ptr<Engines>> open(const config::Config& config,
                                               const config::Environment& env,
                                               const KeySource& keys, control::ControlStore& store,
                                               control::ChangeFeed& feed);
  access::CredentialIssuer& issuer() {
    return vending_ ? static_cast<access::CredentialIssuer&>(vending_->issuer()) : *sealed_;
  }
  issuer::Vending* vending() { return vending_.get(); }  // null: credentials are this server's own

 private:
  Engines() = default;
  std::unique_ptr<issuer::Vending> vending_;
  std::unique_ptr<access::SealedIssuer> sealed_;
};

}  // namespace valetkey::admin
