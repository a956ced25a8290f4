// SPDX-License-Identifier: Apache-2.0
// The control store in PostgreSQL, which several nodes share. Thread-safe.
#pragma once

#include <memory>

#include "control/control_store.h"
#include "postgres/database.h"

namespace valetkey::control {

// Makes and migrates its tables as needed. Changes go one after the other, as on SQLite, whichever nodes make them. A
// change counter that falls behind what this store has seen is `unavailable`: the server that answers was promoted
// without changes that were answered.
Result<std::unique_ptr<ControlStore>> open_postgres_store(std::shared_ptr<postgres::Server> server);

}  // namespace valetkey::control
