// SPDX-License-Identifier: Apache-2.0
// The exporter and what it stands on, as the server and the commands make them from one
// configuration.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "admin/engines.h"
#include "base/clock.h"
#include "base/keyring.h"
#include "config/config.h"
#include "control/control_store.h"
#include "events/event_log.h"
#include "exporter/exporter.h"
#include "exporter/holdings.h"
#include "exporter/ledger.h"
#include "storage/object_store.h"

namespace valetkey::admin {

// Where the next batch of each partition of the event log begins: those of the data folder, behind them those of Kafka's
// topic, if there is one.
Result<std::vector<events::Offset>> consumed_by_partition(exporter::Ledger& ledger,
                                                          const events::EventLog* topic = nullptr);
// For a command that would do the exporter's work by itself. `busy`: a server does it. Where several nodes share the work
// it is theirs alone; `unavailable`: none of them runs.
Result<std::unique_ptr<events::EventLog>> open_idle_log(const Engines& engines,
                                                        exporter::Ledger& ledger,
                                                        const KeySource& keys);

// What several nodes share out among themselves of a topic with so many partitions. The log of a node's own data folder is
// not among it.
std::vector<exporter::Work> shared_works(unsigned topic_partitions);
// Refused (`invalid`) while events wait in the data folder, which no other node could export.
Result<void> check_nothing_waits_here(exporter::Ledger& ledger, const events::EventLog& log);

struct ExporterParts {
  events::EventLog& log;
  storage::ObjectStore& objects;
  exporter::Ledger& ledger;
  control::ControlStore& control;
  const Clock& clock;
  exporter::Holdings* holdings = nullptr;  // null: this node does everything
};
// `not_found` where libduckdb.so is missing.
Result<std::unique_ptr<exporter::Exporter>> make_exporter(const ExporterParts& parts,
                                                          const config::Config::Export& config);

// The days of a deleted account are not closed any more; what it had still ages.
Result<std::vector<exporter::ExportedAccount>> exported_accounts(control::ControlStore& control);

}  // namespace valetkey::admin
