// SPDX-License-Identifier: Apache-2.0
#include "sqlite/pool.h"

namespace valetkey::sqlite {

Pool::Lease::~Lease() {
  // A connection that is stuck in a transaction is closed, which rolls back.
  if (!database_ || database_->in_transaction()) return;
  const std::lock_guard lock(pool_->mutex_);
  pool_->idle_.push_back(std::move(database_));
}

Result<Pool::Lease> Pool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto database = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(database));
    }
  }
  VALETKEY_TRY(auto database, Database::open(file_, Database::Mode::read_write, lock_wait_));
  return Lease(*this, std::move(database));
}

void Pool::close_idle() {
  const std::lock_guard lock(mutex_);
  idle_.clear();
}

}  // namespace valetkey::sqlite
