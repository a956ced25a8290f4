// SPDX-License-Identifier: Apache-2.0
// For tests: keys in memory that can be exchanged while they are used. What was set is in force after a reload, as with
// a file. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "base/keyring.h"

namespace valetkey {

class MemoryKeys final : public KeySource {
 public:
  explicit MemoryKeys(Keyring keyring)
      : keyring_(std::make_shared<const Keyring>(std::move(keyring))), next_(keyring_) {}
  void set(Keyring keyring) {
    auto fresh = std::make_shared<const Keyring>(std::move(keyring));
    const std::lock_guard guard(mutex_);
    next_ = std::move(fresh);
  }
  std::shared_ptr<const Keyring> get() const override {
    const std::lock_guard guard(mutex_);
    return keyring_;
  }
  Result<void> reload() override {
    const std::lock_guard guard(mutex_);
    keyring_ = next_;
    return {};
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Keyring> keyring_, next_;
};

}  // namespace valetkey
