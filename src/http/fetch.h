// SPDX-License-Identifier: Apache-2.0
// One request and its whole answer, synchronously: the seam between what speaks to other servers and the
// network. Thread-safe; every call may block, for a bounded time.
#pragma once

#include <memory>

#include "base/result.h"
#include "http/client.h"

namespace valetkey::http {

class Fetcher {
 public:
  virtual ~Fetcher() = default;
  // Errors as of Client::send(). `unavailable` also where the whole answer is not there in
  // time, however busily it drips.
  virtual Result<ClientResponse> fetch(ClientRequest request) = 0;
};

struct FetchLimits {
  milliseconds connect{2'000};
  milliseconds silence{5'000};
  milliseconds whole{10'000};
  std::size_t body_bytes = 256 * 1024;
};

// Keeps connections open between calls. `ca_file` as of ClientOptions.
std::unique_ptr<Fetcher> make_fetcher(FetchLimits limits = {}, std::string ca_file = {});

}  // namespace valetkey::http
