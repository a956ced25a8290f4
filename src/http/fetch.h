// SPDX-License-Identifier: Apache-2.0
// One request and its whole answer, synchronously: the seam between what speaks to other servers and the
// network. Thread-safe; every call may block, for a bounded time.
#pragma once

#include <memory>

#include "base/result.h"
#include "http/client.h"

namespace valetkey::http {

// An answer whose body is read as it is wanted. For one thread at a time.
class Download {
 public:
  virtual ~Download() = default;
  // Its body is there only where the status is not 2xx, and then whole.
  virtual const ClientResponse& response() const = 0;
  virtual std::uint64_t announced() const = 0;  // bytes of a 2xx body; 0: none or unknown
  // What has come of the body, at least a byte; 0 at its end.
  virtual Result<std::size_t> read(std::span<char> out) = 0;
  // The same without a wait; 0: nothing has come, or read() has more to say.
  virtual std::size_t read_now(std::span<char> out) = 0;
};

class Fetcher {
 public:
  virtual ~Fetcher() = default;
  // Errors as of Client::send(). `unavailable` also where the whole answer is not there in
  // time, however busily it drips.
  virtual Result<ClientResponse> fetch(ClientRequest request) = 0;
  // The same, of a body of any length, as it comes; one that is not read to its end costs its
  // connection. Each read may take as long as a whole answer. The fetcher outlives it.
  virtual Result<std::unique_ptr<Download>> open(ClientRequest request) = 0;
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
