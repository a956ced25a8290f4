// SPDX-License-Identifier: Apache-2.0
#include "exporter/internal/sqlite_ledger_schema.h"

namespace valetkey::exporter {
namespace {

constexpr const char* kTables = R"(
CREATE TABLE IF NOT EXISTS export_batch (
  log_partition INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  first INTEGER NOT NULL,
  next INTEGER NOT NULL,
  open_day INTEGER NOT NULL,
  CHECK (first < next)
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

}  // namespace

Result<void> prepare_ledger(sqlite::Database& database) {
  VALETKEY_CHECK(database.execute(kTables));
  // A folder of a release whose log had one partition.
  VALETKEY_TRY(const auto there,
               database.read_integer("SELECT count(*) FROM pragma_table_info('export_seen') "
                                     "WHERE name = 'log_partition'"));
  if (there != 0) return {};
  auto added = database.execute(
      "ALTER TABLE export_seen ADD COLUMN log_partition INTEGER NOT NULL DEFAULT 0");
  if (added) return {};
  // Another process may have been faster.
  VALETKEY_TRY(const auto now,
               database.read_integer("SELECT count(*) FROM pragma_table_info('export_seen') "
                                     "WHERE name = 'log_partition'"));
  return now != 0 ? Result<void>() : added;
}

}  // namespace valetkey::exporter
