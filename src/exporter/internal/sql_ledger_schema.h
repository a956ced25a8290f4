// SPDX-License-Identifier: Apache-2.0
// The ledger's tables: docs/formats.md, "Export ledger".
#pragma once

#include "base/result.h"
#include "postgres/database.h"
#include "sqlite/database.h"

namespace valetkey::exporter {

// Makes the tables that are missing and brings those of earlier releases up to date.
Result<void> prepare_ledger(sqlite::Database& database);
Result<void> prepare_ledger(postgres::Server& server);

}  // namespace valetkey::exporter
