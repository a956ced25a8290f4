// SPDX-License-Identifier: Apache-2.0
#include "http/stream.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <cerrno>
#include <ctime>

namespace valetkey::http {
namespace {

constexpr auto kTuple = asio::as_tuple(asio::deferred);
// A peer that went is an error, not a SIGPIPE.
constexpr int kSendFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
constexpr std::size_t kMostGathered = 256 * 1024;
constexpr std::size_t kWorthwhile = 64 * 1024;

void take(Stream::Pieces& pieces, std::size_t sent) {
  const std::size_t of_first = std::min(sent, pieces.first.size());
  pieces.first.remove_prefix(of_first);
  pieces.second.remove_prefix(sent - of_first);
}

// Bytes sent, 0 if the socket is full, -1 if it is broken. MSG_NOSIGNAL: a peer that went is no
// SIGPIPE.
ssize_t send_now(int fd, const Stream::Pieces& pieces) {
  std::array<iovec, 2> parts{iovec{const_cast<char*>(pieces.first.data()), pieces.first.size()},
                             iovec{const_cast<char*>(pieces.second.data()), pieces.second.size()}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  for (;;) {
    const ssize_t sent = pieces.second.empty()
                             ? ::send(fd, pieces.first.data(), pieces.first.size(), kSendFlags)
                             : ::sendmsg(fd, &message, kSendFlags);
    if (sent >= 0) return sent;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR) return -1;
  }
}

}  // namespace

SteadyTime coarse_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);  // libstdc++'s steady_clock is CLOCK_MONOTONIC
  return SteadyTime(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

void Stream::start_tls(std::unique_ptr<SSL, FreeSsl> ssl) {
  tls_ = std::make_unique<TlsSession>(std::move(ssl));
}

Io Stream::io_of(const boost::system::error_code& error) const {
  if (!error) return Io::ok;
  if (expired_) return Io::timed_out;
  return error == asio::error::eof ? Io::closed : Io::failed;
}

Task<Stream::Received> Stream::receive(std::span<char> out) {
  if (expired_) co_return Received{Io::timed_out, 0};
  const auto [error, bytes] =
      co_await socket_.async_read_some(asio::buffer(out.data(), out.size()), kTuple);
  const Io io = io_of(error);
  if (io == Io::timed_out && gathered_ > 1)
    if (const std::size_t come = receive_now(out)) co_return Received{Io::ok, come};
  co_return Received{io, bytes};
}

std::size_t Stream::receive_now(std::span<char> out) {
  const ssize_t got = ::recv(socket_.native_handle(), out.data(), out.size(), MSG_DONTWAIT);
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

std::size_t Stream::read_now(std::span<char> out) {
  int come = 0;
  if (expired_ || tls_ || ::ioctl(socket_.native_handle(), FIONREAD, &come) != 0) return 0;
  const std::size_t worthwhile = std::min(out.size(), kWorthwhile);
  return come > 0 && static_cast<std::size_t>(come) >= worthwhile ? receive_now(out) : 0;
}

void Stream::gather(std::size_t bytes) {
  const int wanted = tls_ ? 1 : static_cast<int>(std::clamp<std::size_t>(bytes, 1, kMostGathered));
  if (wanted == gathered_) return;
  boost::system::error_code ignored;
  socket_.set_option(asio::socket_base::receive_low_watermark(wanted), ignored);
  gathered_ = wanted;
}

Task<Stream::Received> Stream::read_sealed(std::span<char> out) {
  for (;;) {
    std::size_t got = 0;
    switch (tls_->read(out, got)) {
      case TlsSession::Step::done:
        co_return Received{Io::ok, got};
      case TlsSession::Step::closed:
        co_return Received{Io::closed, 0};
      case TlsSession::Step::failed:
        co_return Received{Io::failed, 0};
      case TlsSession::Step::want_read:
        break;
    }
    // Key updates and the like may want to answer.
    if (const Io io = co_await send_sealed(); io != Io::ok) co_return Received{io, 0};
    const Received sealed = co_await receive(tls_->incoming());
    // The end of the socket without TLS's own goodbye may be a truncation.
    if (sealed.io != Io::ok)
      co_return Received{sealed.io == Io::closed ? Io::failed : sealed.io, 0};
    tls_->received(sealed.bytes);
  }
}

Task<boost::system::error_code> Stream::connect(asio::ip::tcp::endpoint endpoint) {
  const auto [error] = co_await socket_.async_connect(endpoint, kTuple);
  if (error) co_return expired_ ? asio::error::timed_out : error;
  boost::system::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  co_return error;
}

// What TLS itself has to say while it reads. The reader's deadline holds for it too.
Task<Io> Stream::send_sealed() {
  while (!tls_->outgoing().empty()) {
    Pieces none;
    if (const auto io = try_write(none)) co_return *io;
    if (expired_) co_return Io::timed_out;
    const auto [error] = co_await socket_.async_wait(Socket::wait_write, kTuple);
    if (const Io io = io_of(error); io != Io::ok) co_return io;
  }
  co_return Io::ok;
}

Task<Io> Stream::handshake() {
  for (;;) {
    const TlsSession::Step step = tls_->handshake();
    // Also after a failure: the alert says what was wrong.
    if (const Io io = co_await send_sealed(); io != Io::ok) co_return io;
    if (step == TlsSession::Step::done) co_return Io::ok;
    if (step != TlsSession::Step::want_read) co_return Io::failed;
    const Received sealed = co_await receive(tls_->incoming());
    if (sealed.io != Io::ok) co_return sealed.io;
    tls_->received(sealed.bytes);
  }
}

std::optional<Io> Stream::send_some(Pieces& pieces) {
  while (!pieces.empty()) {
    const ssize_t sent = send_now(socket_.native_handle(), pieces);
    if (sent < 0) return Io::failed;
    if (sent == 0) return std::nullopt;
    take(pieces, static_cast<std::size_t>(sent));
  }
  return Io::ok;
}

std::optional<Io> Stream::try_write(Pieces& pieces) {
  if (!tls_) return send_some(pieces);
  if (!tls_->write(pieces.first) || !tls_->write(pieces.second)) return Io::failed;
  pieces = {};
  Pieces sealed{tls_->outgoing(), {}};
  const std::size_t before = sealed.first.size();
  const auto io = send_some(sealed);
  tls_->sent(before - sealed.first.size());
  return io;
}

Task<Io> Stream::flush(Pieces pieces, std::chrono::milliseconds patience) {
  for (;;) {
    if (const auto io = try_write(pieces)) co_return *io;
    expire_after(patience);
    const auto [error] = co_await socket_.async_wait(Socket::wait_write, kTuple);
    if (const Io io = io_of(error); io != Io::ok) co_return io;
  }
}

Task<Io> Stream::write(Pieces pieces, std::chrono::milliseconds patience) {
  if (const auto io = try_write(pieces)) co_return *io;
  co_return co_await flush(pieces, patience);
}

Task<void> Stream::linger(std::size_t bytes) {
  boost::system::error_code ignored;
  if (tls_) {
    tls_->say_goodbye();
    Pieces none;
    try_write(none);
  }
  socket_.shutdown(Socket::shutdown_send, ignored);
  std::array<char, 4096> dropped;
  while (bytes > 0) {
    const Received got = co_await receive(dropped);
    if (got.io != Io::ok) break;
    bytes -= std::min(bytes, got.bytes);
  }
}

void Stream::close() {
  boost::system::error_code ignored;
  if (tls_ && socket_.is_open()) {
    tls_->say_goodbye();
    Pieces none;
    try_write(none);
  }
  socket_.shutdown(Socket::shutdown_both, ignored);
  socket_.close(ignored);
}

void Stream::reset() {
  boost::system::error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
}

bool Stream::quiet() {
  char byte = 0;
  const ssize_t n = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void Stream::cancel() {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void Stream::sweep(SteadyTime now) {
  if (now < deadline_) return;
  deadline_ = SteadyTime::max();
  expired_ = true;
  cancel();
}

void Sweeper::watch(Stream& stream) {
  streams_.push_back(stream);
  if (!armed_) arm();
}

void Sweeper::arm() {
  armed_ = true;
  timer_.expires_after(kInterval);
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
    if (alive.expired() || error) return;
    armed_ = false;
    const SteadyTime now = std::chrono::steady_clock::now();
    for (Stream& stream : streams_) stream.sweep(now);
    if (!streams_.empty()) arm();
  });
}

}  // namespace valetkey::http
