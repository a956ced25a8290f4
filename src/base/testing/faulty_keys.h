// SPDX-License-Identifier: Apache-2.0
// For tests: keys whose n-th reload fails. The former keyring then stays in force.
#pragma once

#include <memory>

#include "base/keyring.h"
#include "base/testing/faulty_calls.h"

namespace valetkey {

class FaultyKeys final : public KeySource {
 public:
  FaultyKeys(KeySource& inner, FaultyCalls& calls) : inner_(inner), calls_(calls) {}
  std::shared_ptr<const Keyring> get() const override { return inner_.get(); }
  Result<void> reload() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.reload();
  }

 private:
  KeySource& inner_;
  FaultyCalls& calls_;
};

}  // namespace valetkey
