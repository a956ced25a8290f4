// SPDX-License-Identifier: Apache-2.0
#include "http/internal/connection.h"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <exception>
#include <iterator>

#include "base/log.h"

namespace valetkey::http {
namespace {

constexpr std::size_t kOneBuffer = 16 * 1024;  // a body up to this size is copied behind its head
constexpr std::size_t kKeptBytes = 64 * 1024;  // more than this is given back after a request
// SDKs read an answer only when they have sent all.
constexpr std::size_t kLingerBytes = 16 << 20;
constexpr seconds kLinger{2};
constexpr unsigned kTurn = 32;  // requests of one client before the others of its loop

void give_back(std::string& bytes) {
  if (bytes.capacity() > kKeptBytes) std::string().swap(bytes);
}

}  // namespace

Connection::Connection(std::shared_ptr<ListenerContext> context, std::shared_ptr<LoopState> state,
                       Socket socket, Address peer)
    : context_(std::move(context)),
      state_(std::move(state)),
      stream_(std::move(socket)),
      pause_(state_->loop),
      peer_(peer) {
  request_.client = peer_;
  state_->sweeper.watch(stream_);
}

Task<void> Connection::run() {
  try {
    stream_.expire_after(limits().head_timeout);
    bool open = true;
    if (context_->tls) {
      stream_.start_tls(accept_session(*context_->tls));
      open = co_await stream_.handshake() == Io::ok;
    }
    while (open) open = co_await serve_one();
  } catch (const std::exception& error) {
    log::error("http", "a connection failed",
               {{"listener", context_->options.name}, {"what", error.what()}});
  }
  stream_.close();
}

Task<void> Connection::turn_away() {
  stream_.expire_after(kLinger);
  forget_head();
  co_await refuse(503);
  stream_.close();
}

void Connection::drain() {
  if (idle_) stream_.cancel();
}

void Connection::abort() {
  aborted_ = true;
  pause_.cancel();
  stream_.reset();
}

Task<bool> Connection::serve_one() {
  const Head head = co_await read_head();
  if (head == Head::gone) co_return false;
  begun_ = std::chrono::steady_clock::now();
  if (head != Head::complete) {
    forget_head();
    co_await refuse(status_of(head));
    co_return false;
  }
  const Body body = framing_.has_body() ? co_await read_body() : Body::complete;
  if (body == Body::gone) co_return false;
  if (body != Body::complete) drop_body();
  if (body != Body::complete && body != Body::unread) {
    co_await refuse(status_of(body));
    co_return false;
  }
  request_.body_complete = body == Body::complete;
  stream_.never_expire();

  Response response(500);
  bool broken = false;
  try {
    response = co_await context_->handler.handle(request_);
  } catch (const std::exception& error) {
    log_thrown(error);
    broken = true;
  }
  if (broken) response = context_->handler.refuse(500, request_);
  if (share_) drop_body();
  const bool close = broken || closes_after(response);
  if (!co_await answer(response, close)) co_return false;
  give_back(out_);
  stream_.trim();
  if (++in_a_row_ >= kTurn) {
    in_a_row_ = 0;
    co_await asio::post(state_->loop, asio::deferred);
  }
  co_return true;
}

void Connection::log_thrown(const std::exception& error) const {
  log::error(
      "http", "a handler threw",
      {{"listener", context_->options.name}, {"request", request_.id}, {"what", error.what()}});
}

bool Connection::closes_after(const Response& response) const {
  return !framing_.keep_alive || !framing_.http11 || response.closes() || !request_.body_complete ||
         state_->draining;
}

int Connection::status_of(Head fault) {
  switch (fault) {
    case Head::slow:
      return 408;
    case Head::too_large:
      return 431;
    default:
      return 400;
  }
}

int Connection::status_of(Body fault) {
  switch (fault) {
    case Body::slow:
      return 408;
    case Body::no_room:
      return 503;
    default:
      return 400;
  }
}

void Connection::forget_head() {
  request_.method = Method::other;
  request_.method_name = request_.target = request_.path = request_.query = {};
  request_.headers.clear();
  request_.now = context_->clock.now();
  state_->ids.next(id_);
  request_.id = {id_.data(), id_.size()};
  begun_ = std::chrono::steady_clock::now();
}

Task<void> Connection::refuse(int status) {
  request_.body = {};
  request_.body_complete = false;  // so that what follows is drained
  Response response = context_->handler.refuse(status, request_);
  co_await answer(response, true);
}

bool Connection::has_no_body(int status) const {
  return request_.method == Method::head || status == 204 || status == 304;
}

void Connection::write_head(const Response& response, bool close, std::uint64_t length) {
  out_.clear();
  const int status = response.status();
  if (status == 200)
    out_ += "HTTP/1.1 200 OK\r\n";
  else
    fmt::format_to(std::back_inserter(out_), "HTTP/1.1 {} {}\r\n", status, reason_phrase(status));
  out_ += state_->date.at(request_.now);
  out_ += response.head_lines();
  if (status != 204 && (status != 304 || response.declared_length())) {
    const fmt::format_int digits(length);
    out_.append("Content-Length: ").append(digits.data(), digits.size()).append("\r\n");
  }
  out_ += close ? "Connection: close\r\n\r\n" : "\r\n";
}

Task<bool> Connection::answer(Response& response, bool close) {
  const bool bodiless = has_no_body(response.status());
  BodySource* const source = response.source();
  std::uint64_t length = source != nullptr ? source->size() : response.body_bytes().size();
  if (bodiless) length = response.declared_length().value_or(length);
  write_head(response, close, length);
  sent_body_ = 0;
  source_failure_ = {};
  bool whole = false;
  if (source != nullptr && !bodiless && length > 0) {
    whole = co_await send_source(*source);
  } else {
    Stream::Pieces pieces{out_, bodiless ? std::string_view{} : response.body_bytes()};
    if (pieces.second.size() <= kOneBuffer) pieces = {out_.append(pieces.second), {}};
    auto io = stream_.try_write(pieces);
    if (!io) io = co_await stream_.flush(pieces, limits().write_timeout);
    whole = io == Io::ok;
    if (whole && !bodiless) sent_body_ = length;
  }
  if (!whole && response.note().reason.empty())
    response.note().reason = aborted_                  ? "shutdown"
                             : source_failure_.empty() ? "client_left"
                                                       : source_failure_;
  finish(response, !whole);
  if (!whole) stream_.reset();
  // Closing with bytes unread would reset the connection and might take the answer with it.
  const bool more = !request_.body_complete || !unread().empty() || !leftover_.empty();
  if (whole && close && (more || !stream_.quiet())) {
    stream_.expire_after(kLinger);
    co_await stream_.linger(kLingerBytes);
  }
  co_return whole && !close;
}

Task<bool> Connection::send_source(BodySource& source) {
  BatchBuffers::Buffer batch = state_->batches.take();
  std::uint64_t remaining = source.size();
  std::string_view head = out_;
  bool going = true;
  while (going && remaining > 0) {
    const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(remaining, kBatchBytes));
    const BodySource::Pull pulled = co_await pull(source, {batch.get(), room});
    if (pulled.status != BodySource::Status::ok || pulled.bytes == 0 || pulled.bytes > room) {
      source_failure_ = source.failure();
      going = false;
      break;
    }
    Stream::Pieces pieces{head, {batch.get(), pulled.bytes}};
    auto io = stream_.try_write(pieces);
    if (!io) io = co_await stream_.flush(pieces, limits().write_timeout);
    going = io == Io::ok;
    if (going) {
      head = {};
      sent_body_ += pulled.bytes;
      remaining -= pulled.bytes;
    }
    // A client that takes everything at once would keep this loop to itself.
    if (going && remaining > 0) co_await asio::post(state_->loop, asio::deferred);
  }
  state_->batches.give_back(std::move(batch));
  co_return going;
}

// ok or failed; sees to the rest.
Task<BodySource::Pull> Connection::pull(BodySource& source, std::span<char> out) {
  BodySource::Pull pulled = source.pull(out, false);
  for (;;) {
    if (pulled.status == BodySource::Status::would_block) {
      pulled = co_await run_blocking(context_->blocking,
                                     [&source, out] { return source.pull(out, true); });
      if (pulled.status == BodySource::Status::would_block) co_return BodySource::Pull{};
    }
    if (pulled.status != BodySource::Status::wait) co_return pulled;
    if (aborted_) co_return BodySource::Pull{};
    pause_.expires_after(std::max(pulled.wait, milliseconds(1)));
    co_await pause_.async_wait(asio::as_tuple(asio::deferred));
    if (aborted_) co_return BodySource::Pull{};
    pulled = source.pull(out, false);
  }
}

void Connection::finish(const Response& response, bool aborted) {
  context_->observer.finished({.listener = context_->options.name,
                               .method = request_.method,
                               .method_name = request_.method_name,
                               .path = request_.path,
                               .status = response.status(),
                               .bytes_sent = sent_body_,
                               .duration = std::chrono::steady_clock::now() - begun_,
                               .client = request_.client,
                               .id = request_.id,
                               .aborted = aborted,
                               .note = response.note()});
}

}  // namespace valetkey::http
