// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <charconv>
#include <map>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "http/internal/connection.h"

namespace valetkey::http {
namespace {

using asio::ip::tcp;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
using boost::system::error_code;
constexpr auto kTuple = asio::as_tuple(asio::deferred);

Address address_of(const tcp::endpoint& endpoint) {
  const auto address = endpoint.address();
  const auto v6 = address.is_v4() ? asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4())
                                  : address.to_v6();
  Address result;
  result.bytes = v6.to_bytes();
  return result;
}

Result<tcp::endpoint> parse_endpoint(std::string_view text) {
  const auto bad = [text] {
    return fail(ErrorCode::invalid, "\"" + std::string(text) +
                                        "\" is not an address to listen on; write it like "
                                        "127.0.0.1:8080 or [::1]:8080");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad();
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const bool brackets = host.starts_with('[') && host.ends_with(']');
  if (brackets) host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (failed != std::errc{} || end != digits.data() + digits.size()) return bad();
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error || brackets != address.is_v6()) return bad();
  return tcp::endpoint(address, port);
}

std::unexpected<Error> listen_failure(const ListenerOptions& options, const error_code& error) {
  const std::string where = options.name + " listener: " + options.address;
  if (error == asio::error::address_in_use)
    return fail(ErrorCode::busy,
                where + " is taken by another program; stop it or choose another port");
  if (error == asio::error::access_denied)
    return fail(ErrorCode::denied, where + ": not permitted; ports below 1024 need a privilege");
  return fail(ErrorCode::invalid, where + ": " + error.message());
}

error_code open_acceptor(Acceptor& acceptor, const tcp::endpoint& endpoint, bool shared) {
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(Acceptor::reuse_address(true), error);
  if (!error && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  if (!error && shared) acceptor.set_option(ReusePort(true), error);
  if (!error) acceptor.set_option(tcp::no_delay(true), error);  // accepted sockets inherit it
  if (!error) acceptor.bind(endpoint, error);
  return error;
}

// The connections of one listener, on all loops.
class Admissions {
 public:
  explicit Admissions(const Limits& limits) : limits_(limits) {}
  std::size_t count() const { return count_; }

  // `block`: what the connection counts under; null for a trusted proxy, behind which many may be.
  bool enter(const Address* block) {
    if (count_.fetch_add(1) >= limits_.max_connections) return --count_, false;
    if (limits_.max_connections_per_block == 0 || block == nullptr) return true;
    const std::lock_guard lock(mutex_);
    std::size_t& held = blocks_[block->bytes];
    if (held >= limits_.max_connections_per_block) return --count_, false;
    ++held;
    return true;
  }
  void leave(const Address* block) {
    --count_;
    if (limits_.max_connections_per_block == 0 || block == nullptr) return;
    const std::lock_guard lock(mutex_);
    const auto at = blocks_.find(block->bytes);
    if (at != blocks_.end() && --at->second == 0) blocks_.erase(at);
  }

  // Strangers who are being told that there is no room; beyond the limit they are just cut off.
  bool enter_refusal() {
    constexpr std::size_t kMost = 64;
    if (refusals_.fetch_add(1) < kMost) return true;
    leave_refusal();
    return false;
  }
  void leave_refusal() { --refusals_; }

  // Coroutines that use what the listener's owner will destroy.
  std::atomic<std::size_t> running = 0;

 private:
  const Limits limits_;
  std::atomic<std::size_t> count_ = 0;
  std::atomic<std::size_t> refusals_ = 0;
  std::mutex mutex_;
  std::map<std::array<std::uint8_t, 16>, std::size_t> blocks_;
};

// The listener's part on one loop. Shared by its coroutines.
struct Port {
  Port(std::shared_ptr<ListenerContext> c, std::shared_ptr<Admissions> a, asio::io_context& io)
      : context(std::move(c)),
        admissions(std::move(a)),
        state(std::make_shared<LoopState>(io)),
        acceptor(io),
        pause(io) {}
  std::shared_ptr<ListenerContext> context;
  std::shared_ptr<Admissions> admissions;
  std::shared_ptr<LoopState> state;
  Acceptor acceptor;
  SteadyTimer pause;
  boost::intrusive::list<Connection, boost::intrusive::constant_time_size<false>> connections;
  SteadyTime last_complaint;
};

void spawn(const std::shared_ptr<Port>& port, Task<void> task) {
  port->admissions->running.fetch_add(1);
  asio::co_spawn(port->state->loop, std::move(task), [port](const std::exception_ptr& thrown) {
    if (thrown)
      log::error("http", "a connection ended in an exception",
                 {{"listener", port->context->options.name}});
    port->admissions->running.fetch_sub(1);
    port->admissions->running.notify_all();
  });
}

Task<void> serve(std::shared_ptr<Port> port, Socket socket, Address peer) {
  const Address block = peer.block();
  const bool counts = !port->context->proxies.trusts(peer);
  const std::string& name = port->context->options.name;
  port->context->observer.connections(name, +1);
  {
    Connection connection(port->context, port->state, std::move(socket), peer);
    port->connections.push_back(connection);
    co_await connection.run();
  }
  port->context->observer.connections(name, -1);
  port->admissions->leave(counts ? &block : nullptr);
}

Task<void> turn_away(std::shared_ptr<Port> port, Socket socket, Address peer) {
  {
    Connection connection(port->context, port->state, std::move(socket), peer);
    port->connections.push_back(connection);
    co_await connection.turn_away();
  }
  port->admissions->leave_refusal();
}

void admit(const std::shared_ptr<Port>& port, Socket socket, const Address& peer) {
  const Address block = peer.block();
  if (port->admissions->enter(port->context->proxies.trusts(peer) ? nullptr : &block)) {
    spawn(port, serve(port, std::move(socket), peer));
  } else if (!port->context->tls && port->admissions->enter_refusal()) {
    spawn(port, turn_away(port, std::move(socket), peer));
  }  // else the socket closes here
}

void complain(Port& port, const error_code& error) {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (now - port.last_complaint < seconds(10)) return;
  port.last_complaint = now;
  log::warn("http", "cannot accept connections; trying again",
            {{"listener", port.context->options.name}, {"why", error.message()}});
}

Task<void> accept_all(std::shared_ptr<Port> port) {
  for (;;) {
    Socket socket(port->state->loop);
    tcp::endpoint peer;
    const auto [error] = co_await port->acceptor.async_accept(socket, peer, kTuple);
    if (!port->acceptor.is_open()) break;
    if (!error) {
      admit(port, std::move(socket), address_of(peer));
    } else if (error != asio::error::connection_aborted) {
      // Out of descriptors or memory: the connection stays in the queue, so trying at once would
      // spin.
      complain(*port, error);
      port->pause.expires_after(milliseconds(100));
      co_await port->pause.async_wait(kTuple);
    }
  }
}

class SocketListener final : public Listener {
 public:
  SocketListener(Runtime& runtime, const std::shared_ptr<ListenerContext>& context)
      : runtime_(runtime), admissions_(std::make_shared<Admissions>(context->options.limits)) {
    for (std::size_t i = 0; i < runtime.loops(); ++i)
      ports_.push_back(std::make_shared<Port>(context, admissions_, runtime.loop(i)));
  }
  ~SocketListener() override {
    abort();
    wait_for_the_last();
  }
  SocketListener(const SocketListener&) = delete;
  SocketListener& operator=(const SocketListener&) = delete;

  Result<void> open() {
    const ListenerOptions& options = ports_[0]->context->options;
    VALETKEY_TRY(tcp::endpoint endpoint, parse_endpoint(options.address));
    if (endpoint.port() != 0) {
      // SO_REUSEPORT would quietly share the port with another program of the same user.
      Acceptor probe(ports_[0]->state->loop);
      if (const error_code error = open_acceptor(probe, endpoint, false))
        return listen_failure(options, error);
    }
    for (const auto& port : ports_) {
      error_code error = open_acceptor(port->acceptor, endpoint, true);
      if (!error) port->acceptor.listen(asio::socket_base::max_listen_connections, error);
      if (error) return listen_failure(options, error);
      endpoint.port(port->acceptor.local_endpoint().port());
    }
    port_ = endpoint.port();
    for (const auto& port : ports_) spawn(port, accept_all(port));
    return {};
  }

  std::uint16_t port() const override { return port_; }
  std::size_t connections() const override { return admissions_->count(); }
  void drain() override {
    for (const auto& port : ports_)
      asio::post(port->state->loop, [port] {
        stop_accepting(*port);
        for (Connection& connection : port->connections) connection.drain();
      });
  }
  void abort() override {
    for (const auto& port : ports_)
      asio::post(port->state->loop, [port] {
        stop_accepting(*port);
        for (Connection& connection : port->connections) connection.abort();
      });
  }

 private:
  static void stop_accepting(Port& port) {
    error_code ignored;
    port.state->draining = true;
    port.acceptor.close(ignored);
    port.pause.cancel();
  }

  // Where the loops have stopped already, this thread runs them to the end.
  void wait_for_the_last() {
    while (const std::size_t running = admissions_->running) {
      if (runtime_.running()) {
        admissions_->running.wait(running);
        continue;
      }
      for (const auto& port : ports_) {
        port->state->loop.restart();
        port->state->loop.poll();
      }
      std::this_thread::yield();
    }
  }

  Runtime& runtime_;
  std::shared_ptr<Admissions> admissions_;
  std::vector<std::shared_ptr<Port>> ports_;
  std::uint16_t port_ = 0;
};

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(Runtime& runtime, ListenerOptions options,
                                                 Handler& handler, Observer& observer,
                                                 const Clock& clock,
                                                 std::shared_ptr<TlsContext> tls) {
  VALETKEY_TRY(TrustedProxies proxies, TrustedProxies::parse(options.trusted_proxies));
  if (!options.bodies) options.bodies = std::make_shared<BodyMemory>();
  auto context = std::make_shared<ListenerContext>(
      ListenerContext{std::move(options), std::move(proxies), handler, observer, clock,
                      std::move(tls), runtime.blocking()});
  auto listener = std::make_unique<SocketListener>(runtime, std::move(context));
  VALETKEY_CHECK(listener->open());
  return listener;
}

}  // namespace valetkey::http
