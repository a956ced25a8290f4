// SPDX-License-Identifier: Apache-2.0
// What the S3 service tells audit and metrics. Called on every loop and on pool threads:
// implementations are thread-safe and do not block.
#pragma once

#include <string_view>

#include "base/timestamp.h"
#include "http/message.h"

namespace valetkey::s3 {

class Hooks {
 public:
  virtual ~Hooks() = default;
  // A request that did not authenticate, or asked for what its session may not see. `reason` is one
  // of a fixed set of words; `block` is what a stranger is counted under.
  virtual void refused(std::string_view reason, const http::Address& block, Timestamp now) = 0;
  // The stored bytes of that key do not authenticate.
  virtual void corrupt_object(std::string_view key) = 0;
};

}  // namespace valetkey::s3
