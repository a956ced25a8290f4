// SPDX-License-Identifier: Apache-2.0
// Owners whose n-th call fails, for tests. Failing calls do not reach those that they wrap.
#pragma once

#include <string>
#include <vector>

#include "base/testing/faulty_calls.h"
#include "exporter/owners.h"

namespace valetkey::exporter {

class FaultyOwners final : public Owners {
 public:
  FaultyOwners(Owners& inner, FaultyCalls& calls) : inner_(inner), calls_(calls) {}
  Result<Share> renew(const NodeState& self, const std::vector<Work>& all,
                      const std::vector<Work>& given_up) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.renew(self, all, given_up);
  }
  Result<void> leave(const std::string& node) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.leave(node);
  }
  Result<std::vector<NodeState>> nodes() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.nodes();
  }

 private:
  Owners& inner_;
  FaultyCalls& calls_;
};

}  // namespace valetkey::exporter
