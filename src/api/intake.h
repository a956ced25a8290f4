// SPDX-License-Identifier: Apache-2.0
// POST /v1/events: events of SDKs and browsers into the event log. Answers 204 only when they are
// durable. Nobody signs in: an account is named by the body, and held to its policy. Called on
// every loop at once; thread-safe.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/ids.h"

namespace valetkey::api {

// Told what became of events, for metrics. Called on the loops: must not block.
class IntakeHooks {
 public:
  virtual ~IntakeHooks() = default;
  // Durable, of one request; `bytes` of its body as it arrived.
  virtual void received(const AccountId& account, std::uint64_t events, std::uint64_t bytes) = 0;
  // `account` is empty where the request named none that could be looked up. `reason` is one of a
  // fixed list: the names of events::Drop, and those of this endpoint (docs/operations.md).
  virtual void dropped(std::string_view account, std::string_view reason, std::uint64_t count) = 0;
};

}  // namespace valetkey::api
