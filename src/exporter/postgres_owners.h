// SPDX-License-Identifier: Apache-2.0
// Owners in PostgreSQL, beside the ledger: by the database's clock, one transaction a renewal. Thread-safe.
#pragma once

#include <memory>

#include "exporter/owners.h"
#include "postgres/database.h"

namespace valetkey::exporter {

// Makes its tables where they are missing.
Result<std::unique_ptr<Owners>> open_postgres_owners(std::shared_ptr<postgres::Server> server);

}  // namespace valetkey::exporter
