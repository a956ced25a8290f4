// SPDX-License-Identifier: Apache-2.0
// Sums of an export by account, type and day, in objects.db. SQLite's triggers keep them: a
// program, an older one too, that changes a row of `objects` changes them in the same transaction.
// Table: docs/formats.md, "Object index".
#pragma once

#include "sqlite/database.h"

namespace valetkey::storage {

// Makes table and triggers where they are missing, and adds up what is there: once, some two seconds
// for a million objects. Inside a transaction.
Result<void> prepare_sums(sqlite::Database& database);

}  // namespace valetkey::storage
