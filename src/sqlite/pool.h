// SPDX-License-Identifier: Apache-2.0
// Connections to one file that exists, for as many threads as need one. Thread-safe.
#pragma once

#include <chrono>
#include <filesystem>
#include <utility>

#include "sql/pool.h"
#include "sqlite/database.h"

namespace valetkey::sqlite {

class Pool : public sql::Pool<Database> {
 public:
  explicit Pool(std::filesystem::path file, std::chrono::milliseconds lock_wait = kLockWait)
      : sql::Pool<Database>([file = std::move(file), lock_wait] {
          return Database::open(file, Database::Mode::read_write, lock_wait);
        }) {}
};

}  // namespace valetkey::sqlite
