// SPDX-License-Identifier: Apache-2.0
#include "exporter/internal/sql_ledger_schema.h"

namespace valetkey::exporter {
namespace {

constexpr const char* kSqliteTables = R"(
CREATE TABLE IF NOT EXISTS export_batch (
  log_partition INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  first INTEGER NOT NULL,
  next INTEGER NOT NULL,
  open_day INTEGER NOT NULL,
  into_run INTEGER NOT NULL DEFAULT 0,
  CHECK (first < next)
);
CREATE TABLE IF NOT EXISTS export_run (
  log_partition INTEGER NOT NULL,
  next INTEGER NOT NULL,
  id TEXT NOT NULL,
  first INTEGER NOT NULL,
  open_day INTEGER NOT NULL,
  events INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  oldest INTEGER NOT NULL,
  made INTEGER NOT NULL,
  PRIMARY KEY (log_partition, next)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_run_account (
  log_partition INTEGER NOT NULL,
  account TEXT NOT NULL,
  events INTEGER NOT NULL,
  PRIMARY KEY (log_partition, account)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_cut (
  log_partition INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  through INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS export_position (
  log_partition INTEGER PRIMARY KEY,
  consumed INTEGER NOT NULL,
  finished INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS export_seen (
  key TEXT PRIMARY KEY,
  day INTEGER NOT NULL,
  uuids INTEGER NOT NULL,
  log_partition INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_lease (
  work INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS export_day (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  closed_through INTEGER
);
CREATE TABLE IF NOT EXISTS export_seal (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  sealed_through INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS export_merge (
  output TEXT NOT NULL,
  input TEXT NOT NULL,
  PRIMARY KEY (output, input)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_request (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  asked INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS export_excess (
  account TEXT NOT NULL,
  hour INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (account, hour)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_failure (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  began INTEGER NOT NULL,
  why TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS export_erasure (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account TEXT NOT NULL,
  visitor_sha256 TEXT NOT NULL,
  asked INTEGER NOT NULL,
  rows INTEGER
);
CREATE TABLE IF NOT EXISTS export_erased (
  erasure INTEGER NOT NULL,
  key TEXT NOT NULL,
  rows INTEGER,
  PRIMARY KEY (erasure, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_taken (
  account TEXT PRIMARY KEY,
  rows INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_repeat (
  key TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  rows INTEGER NOT NULL,
  events INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_count (
  account TEXT PRIMARY KEY,
  events INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  duplicates INTEGER NOT NULL,
  set_aside INTEGER NOT NULL,
  late INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_dropped (
  account TEXT NOT NULL,
  reason TEXT NOT NULL,
  events INTEGER NOT NULL,
  PRIMARY KEY (account, reason)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_altered (
  account TEXT NOT NULL,
  reason TEXT NOT NULL,
  fields INTEGER NOT NULL,
  PRIMARY KEY (account, reason)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_format (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  timestamps INTEGER,
  rewriting INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS export_unknown (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  events INTEGER NOT NULL,
  last TEXT NOT NULL
);
)";

// Migration n brings format n to n + 1. The row of the days is what batches and the close of a day wait for.
constexpr const char* kPostgresTables = R"(
CREATE TABLE export_batch (
  log_partition BIGINT PRIMARY KEY,
  id TEXT COLLATE "C" NOT NULL,
  first BIGINT NOT NULL,
  next BIGINT NOT NULL,
  open_day BIGINT NOT NULL,
  CHECK (first < next)
);
CREATE TABLE export_position (
  log_partition BIGINT PRIMARY KEY,
  consumed BIGINT NOT NULL,
  finished BIGINT NOT NULL
);
CREATE TABLE export_seen (
  key TEXT COLLATE "C" PRIMARY KEY,
  day BIGINT NOT NULL,
  uuids BIGINT NOT NULL,
  log_partition BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE export_lease (
  work BIGINT PRIMARY KEY,
  epoch BIGINT NOT NULL
);
CREATE TABLE export_day (
  "only" BIGINT PRIMARY KEY CHECK ("only" = 1),
  closed_through BIGINT
);
CREATE TABLE export_seal (
  "only" BIGINT PRIMARY KEY CHECK ("only" = 1),
  sealed_through BIGINT NOT NULL
);
CREATE TABLE export_merge (
  output TEXT COLLATE "C" NOT NULL,
  input TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (output, input)
);
CREATE TABLE export_request (
  "only" BIGINT PRIMARY KEY CHECK ("only" = 1),
  asked BIGINT NOT NULL
);
CREATE TABLE export_excess (
  account TEXT COLLATE "C" NOT NULL,
  hour BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  PRIMARY KEY (account, hour)
);
CREATE TABLE export_failure (
  "only" BIGINT PRIMARY KEY CHECK ("only" = 1),
  began BIGINT NOT NULL,
  why TEXT COLLATE "C" NOT NULL
);
CREATE TABLE export_erasure (
  id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  account TEXT COLLATE "C" NOT NULL,
  visitor_sha256 TEXT COLLATE "C" NOT NULL,
  asked BIGINT NOT NULL,
  rows BIGINT
);
CREATE TABLE export_erased (
  erasure BIGINT NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  rows BIGINT,
  PRIMARY KEY (erasure, key)
);
CREATE TABLE export_taken (
  account TEXT COLLATE "C" PRIMARY KEY,
  rows BIGINT NOT NULL
);
CREATE TABLE export_count (
  account TEXT COLLATE "C" PRIMARY KEY,
  events BIGINT NOT NULL,
  rows BIGINT NOT NULL,
  duplicates BIGINT NOT NULL,
  set_aside BIGINT NOT NULL,
  late BIGINT NOT NULL,
  parts BIGINT NOT NULL,
  bytes BIGINT NOT NULL
);
CREATE TABLE export_dropped (
  account TEXT COLLATE "C" NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  events BIGINT NOT NULL,
  PRIMARY KEY (account, reason)
);
CREATE TABLE export_altered (
  account TEXT COLLATE "C" NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  fields BIGINT NOT NULL,
  PRIMARY KEY (account, reason)
);
CREATE TABLE export_format (
  "only" BIGINT PRIMARY KEY CHECK ("only" = 1),
  timestamps BIGINT,
  rewriting BIGINT NOT NULL
);
CREATE TABLE export_unknown (
  "only" BIGINT PRIMARY KEY CHECK ("only" = 1),
  events BIGINT NOT NULL,
  last TEXT COLLATE "C" NOT NULL
);
INSERT INTO export_day VALUES (1, NULL);
)";

constexpr const char* kPostgresRepeats = R"(
CREATE TABLE export_repeat (
  key TEXT COLLATE "C" PRIMARY KEY,
  account TEXT COLLATE "C" NOT NULL,
  rows BIGINT NOT NULL,
  events BIGINT NOT NULL
);
)";

// Runs. What an earlier release begins is none.
constexpr const char* kPostgresRuns = R"(
ALTER TABLE export_batch ADD COLUMN into_run BIGINT NOT NULL DEFAULT 0;
CREATE TABLE export_run (
  log_partition BIGINT NOT NULL,
  next BIGINT NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  first BIGINT NOT NULL,
  open_day BIGINT NOT NULL,
  events BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  oldest BIGINT NOT NULL,
  made BIGINT NOT NULL,
  PRIMARY KEY (log_partition, next)
);
CREATE TABLE export_run_account (
  log_partition BIGINT NOT NULL,
  account TEXT COLLATE "C" NOT NULL,
  events BIGINT NOT NULL,
  PRIMARY KEY (log_partition, account)
);
CREATE TABLE export_cut (
  log_partition BIGINT PRIMARY KEY,
  id TEXT COLLATE "C" NOT NULL,
  through BIGINT NOT NULL
);
)";

// Of a folder of an earlier release.
Result<void> add_column(sqlite::Database& database, const std::string& table,
                        const std::string& name) {
  const auto is_there = [&] {
    return database.read_integer("SELECT count(*) FROM pragma_table_info('" + table +
                                 "') WHERE name = '" + name + "'");
  };
  VALETKEY_TRY(const auto before, is_there());
  if (before != 0) return {};
  auto added = database.execute("ALTER TABLE " + table + " ADD COLUMN " + name +
                                " INTEGER NOT NULL DEFAULT 0");
  if (added) return {};
  // Another process may have been faster.
  VALETKEY_TRY(const auto now, is_there());
  return now != 0 ? Result<void>() : added;
}

}  // namespace

Result<void> prepare_ledger(sqlite::Database& database) {
  VALETKEY_CHECK(database.execute(kSqliteTables));
  VALETKEY_CHECK(add_column(database, "export_seen", "log_partition"));
  return add_column(database, "export_batch", "into_run");
}

Result<void> prepare_ledger(postgres::Server& server) {
  return postgres::migrate(
      server, "export ledger",
      {postgres::Migration{kPostgresTables}, postgres::Migration{kPostgresRepeats},
       postgres::Migration{kPostgresRuns}});
}

}  // namespace valetkey::exporter
