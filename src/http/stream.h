// SPDX-License-Identifier: Apache-2.0
// A connected socket, plain or TLS, whose every wait ends: a Sweeper looks at all streams of a loop
// a few times a second, which costs nothing per operation. For the thread of its loop.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <chrono>
#include <memory>
#include <span>
#include <string_view>

#include "http/async.h"
#include "http/tls_session.h"

namespace valetkey::http {

using SteadyTime = std::chrono::steady_clock::time_point;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using SteadyTimer =
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, Executor>;

// The steady clock as of the last tick (4 ms at most): a quarter of the price, and enough for
// deadlines.
SteadyTime coarse_now();

enum class Io : std::uint8_t {
  ok,
  closed,     // the peer has ended its side properly
  timed_out,  // the deadline passed
  failed,     // reset, cancelled, or an error of TLS
};

class Stream : public boost::intrusive::list_base_hook<
                   boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  explicit Stream(Socket socket) : socket_(std::move(socket)) {}
  void start_tls(std::unique_ptr<SSL, FreeSsl> ssl);  // before the first byte; handshake() follows
  const TlsSession* tls() const { return tls_.get(); }
  Socket& socket() { return socket_; }

  // Holds for waits from now on. A wait that passes it ends with timed_out, as does every later one
  // until there is a new deadline.
  void expire_at(SteadyTime deadline) {
    deadline_ = deadline;
    expired_ = false;
  }
  void expire_after(std::chrono::milliseconds d) { expire_at(coarse_now() + d); }
  void never_expire() { expire_at(SteadyTime::max()); }

  struct Received {
    Io io = Io::failed;
    std::size_t bytes = 0;  // > 0 when ok
  };
  // timed_out where the deadline passed.
  Task<boost::system::error_code> connect(asio::ip::tcp::endpoint endpoint);
  Task<Io> handshake();
  Task<Received> read(std::span<char> out) { return tls_ ? read_sealed(out) : receive(out); }
  // Without a wait, what has come, where it fills `out` or is 64 KiB at least: smaller pieces cost more than a wait. Of
  // TLS nothing: to decrypt is work for read()'s thread.
  std::size_t read_now(std::span<char> out);
  // A read that must wait, waits for as many bytes or its deadline, and then takes what has come (the socket option
  // SO_RCVLOWAT). TLS needs each byte at once.
  void gather(std::size_t bytes);

  // Sends both pieces with one system call where the socket has room. False: flush() must follow.
  struct Pieces {
    std::string_view first, second;
    bool empty() const { return first.empty() && second.empty(); }
  };
  // ok, failed, or nothing: the socket is full and flush(pieces) must send the rest.
  std::optional<Io> try_write(Pieces& pieces);
  // Waits for room until all is sent; each piece of progress renews the deadline by `patience`.
  Task<Io> flush(Pieces pieces, std::chrono::milliseconds patience);
  Task<Io> write(Pieces pieces, std::chrono::milliseconds patience);

  // Ends our side, then reads and drops what the peer still sends, at most `bytes` and until the
  // deadline, so that the peer sees our last words instead of a reset.
  Task<void> linger(std::size_t bytes);
  // Ends TLS with a close_notify and closes.
  void close();
  // Closes with a reset: the peer cannot take what it has for the whole.
  void reset();
  // The peer has neither sent anything that was not read, nor ended its side.
  bool quiet();
  // Ends the wait that goes on, if any, as failed.
  void cancel();
  void trim() {
    if (tls_) tls_->trim();
  }

 private:
  friend class Sweeper;
  void sweep(SteadyTime now);
  Io io_of(const boost::system::error_code& error) const;
  Task<Received> receive(std::span<char> out);
  std::size_t receive_now(std::span<char> out);
  Task<Received> read_sealed(std::span<char> out);
  std::optional<Io> send_some(Pieces& pieces);
  Task<Io> send_sealed();

  Socket socket_;
  std::unique_ptr<TlsSession> tls_;
  SteadyTime deadline_ = SteadyTime::max();
  bool expired_ = false;
  int gathered_ = 1;
};

// Runs only while there are streams: an idle server sleeps.
class Sweeper {
 public:
  explicit Sweeper(asio::io_context& loop) : timer_(loop) {}
  void watch(Stream& stream);

  static constexpr std::chrono::milliseconds kInterval{100};

 private:
  void arm();

  SteadyTimer timer_;
  bool armed_ = false;
  boost::intrusive::list<Stream, boost::intrusive::constant_time_size<false>> streams_;
  // A timer that has fired already cannot be called back; it asks here whether the sweeper still
  // lives.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace valetkey::http
