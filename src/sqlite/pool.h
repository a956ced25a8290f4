// SPDX-License-Identifier: Apache-2.0
// Connections to one file, for as many threads as want one. Thread-safe.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "sqlite/database.h"

namespace valetkey::sqlite {

class Pool {
 public:
  // A connection on loan; goes back when it is destroyed.
  class Lease {
   public:
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    Database& operator*() const { return *database_; }
    Database* operator->() const { return database_.get(); }

   private:
    friend class Pool;
    Lease(Pool& pool, std::unique_ptr<Database> database)
        : pool_(&pool), database_(std::move(database)) {}
    Pool* pool_;
    std::unique_ptr<Database> database_;
  };

  explicit Pool(std::filesystem::path file, std::chrono::milliseconds lock_wait = kLockWait)
      : file_(std::move(file)), lock_wait_(lock_wait) {}
  Result<Lease> take();  // of a file that exists
  void close_idle();

 private:
  std::filesystem::path file_;
  std::chrono::milliseconds lock_wait_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Database>> idle_;
};

}  // namespace valetkey::sqlite
