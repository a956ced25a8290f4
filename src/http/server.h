// SPDX-License-Identifier: Apache-2.0
// The HTTP/1.1 server: one coroutine a connection, on every loop of the runtime (SO_REUSEPORT),
// with a limit on everything that a stranger can send or leave unsent.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "http/async.h"
#include "http/message.h"
#include "http/tls.h"

namespace valetkey::http {

// What a service does with requests. Called on every loop: no locks, no blocking.
class Handler {
 public:
  virtual ~Handler() = default;
  // How much body to read before handle(); called with the head alone. Beyond it handle() is called
  // with body_complete = false and the connection closes after the answer.
  virtual std::size_t max_body_bytes(const Request& head) const = 0;
  virtual Task<Response> handle(const Request& request) = 0;
  // The answer, in the service's own form, to what never became a whole request: 400 (malformed),
  // 408 (too slow), 431 (head too large), 500 (handle() threw), 503 (too many connections, or no
  // memory for the body). `head` has an id, and is empty otherwise where it was not understood.
  virtual Response refuse(int status, const Request& head) const = 0;
};

struct Finished {  // one answered request, for logs and metrics
  std::string_view listener;
  Method method;
  std::string_view method_name;
  std::string_view path;  // never the query
  int status;
  std::uint64_t bytes_sent;  // of the body
  std::chrono::nanoseconds duration;
  Address client;
  std::string_view id;
  bool aborted;  // the body could not be completed
  const Note& note;
};

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void connections(std::string_view listener, int change) = 0;  // +1, -1
  virtual void finished(const Finished&) = 0;
};

struct Limits {
  std::size_t max_head_bytes = 16 * 1024;
  std::size_t max_headers = 100;
  std::size_t max_connections = 4096;            // of one listener
  std::size_t max_connections_per_block = 1024;  // of one address block; 0: no limit
  milliseconds head_timeout{10'000};  // from the first byte (or accept) to the end of the head
  milliseconds body_timeout{30'000};  // longest silence while a body arrives
  std::size_t min_body_bytes_per_s = 1024;  // once body_grace has passed; 0: no limit
  milliseconds body_grace{10'000};
  milliseconds write_timeout{60'000};  // longest time without progress while sending
  milliseconds idle_timeout{75'000};   // between requests
};

class BodyMemory;

struct ListenerOptions {
  std::string name;     // "api", "s3", "admin": log tag and metric label
  std::string address;  // ADDR:PORT, [V6]:PORT; port 0 picks one
  Limits limits;
  std::vector<std::string>
      trusted_proxies;  // addresses and CIDR blocks whose X-Forwarded-For counts
  // What bodies may take, with those of other listeners. Null: its own, with the defaults.
  std::shared_ptr<BodyMemory> bodies = nullptr;
};

class Listener {
 public:
  // Binds on every loop of a runtime that is started now or later. `busy` names address and port if
  // another program has it; `denied`, `invalid`. `tls` null: plain HTTP. All references must
  // outlive the listener, whose destructor aborts what still runs and returns when nothing does (so
  // never on a loop's own thread).
  static Result<std::unique_ptr<Listener>> open(Runtime&, ListenerOptions, Handler&, Observer&,
                                                const Clock&, std::shared_ptr<TlsContext> tls);
  virtual ~Listener() = default;
  virtual std::uint16_t port() const = 0;
  virtual std::size_t connections() const = 0;
  // Stops accepting, closes idle connections, lets running requests finish (Connection: close).
  virtual void drain() = 0;
  // Aborts what still runs.
  virtual void abort() = 0;
};

}  // namespace valetkey::http
