// SPDX-License-Identifier: Apache-2.0
// The ledger's tables in objects.db: docs/formats.md, "Export ledger".
#pragma once

#include "base/result.h"
#include "sqlite/database.h"

namespace valetkey::exporter {

// Makes the tables that are missing and brings those of earlier releases up to date.
Result<void> prepare_ledger(sqlite::Database& database);

}  // namespace valetkey::exporter
