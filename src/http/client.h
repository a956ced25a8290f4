// SPDX-License-Identifier: Apache-2.0
// An HTTP/1.1 client: keep-alive pool, TLS with verification, time-outs, streamed bodies.
// A Client belongs to one loop; it is not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "http/async.h"
#include "http/message.h"
#include "http/url.h"

namespace valetkey::http {

struct ClientOptions {
  std::string ca_file;  // PEM; empty: SSL_CERT_FILE's or the system's certificates
  milliseconds connect_timeout{10'000};
  milliseconds io_timeout{60'000};  // longest silence
  std::size_t max_idle = 64;
  std::string user_agent = "valetkey";
};

// `invalid` for a file that holds no PEM certificates to trust.
Result<void> check_ca_file(const std::string& ca_file);

struct ClientRequest {
  std::string method = "GET";
  Url url;
  // Host, User-Agent and Content-Length are added where missing.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string_view lent{};  // in place of a body: lives until the answer is there
  std::string_view payload() const { return lent.empty() ? std::string_view(body) : lent; }
};

struct ClientResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  // empty if it went to a sink
  // The answer announced no length and ended with the connection: nothing proves that it is whole.
  bool until_close = false;
  const std::string* header(std::string_view name) const;
};

// An answer whose body is read as it is wanted; one that is not read to its end costs its connection.
// Belongs to the loop of its client and goes before it.
class Incoming {
 public:
  virtual ~Incoming() = default;
  // Its body is there only where the status is not 2xx, and then whole.
  virtual const ClientResponse& response() const = 0;
  virtual std::uint64_t announced() const = 0;  // bytes of a 2xx body; 0: none or unknown
  // What has come of the body, at least a byte; 0 at its end. Errors as of send().
  virtual Task<Result<std::size_t>> read(std::span<char> out) = 0;
  // The same without a wait; 0: nothing has come, or read() has more to say.
  virtual std::size_t read_now(std::span<char> out) = 0;
};

class Client {
 public:
  explicit Client(asio::io_context& loop, ClientOptions options = {});
  ~Client();  // no send() may be under way
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  // The whole answer, its body at most `max_body_bytes` (else `too_large`). `unavailable`,
  // `io` and `denied` as of reach.h for what went wrong on the way, a body shorter than announced
  // included; says which step failed. A server that has answered this client before is
  // `unavailable` rather than `io`: it may be starting again.
  Task<Result<ClientResponse>> send(ClientRequest request, std::size_t max_body_bytes = 16 << 20);
  // Gives a 2xx body to `sink` piece by piece; an error from `sink` ends the transfer and is
  // returned. So does one from `announced`, which is called before any of the body with the length
  // that a 2xx answer states.
  Task<Result<ClientResponse>> send(ClientRequest request,
                                    std::function<Result<void>(std::string_view)> sink,
                                    std::function<Result<void>(std::uint64_t)> announced = {});
  // Returns when the head is there, of an answer that is not 2xx all of it.
  Task<Result<std::unique_ptr<Incoming>>> open(ClientRequest request);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace valetkey::http
