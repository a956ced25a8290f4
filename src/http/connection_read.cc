// SPDX-License-Identifier: Apache-2.0
// The reading half of Connection: heads and bodies, with a limit on each and on their time.
#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <cstring>

#include "http/internal/connection.h"

namespace valetkey::http {
namespace {

constexpr std::size_t kFirstBuffer = 4096;
constexpr std::size_t kBodyStep = 16 * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

// Space for at least one more byte of a head, unless the head is as long as it may be.
bool Connection::make_room() {
  if (unread().size() >= limits().max_head_bytes) return false;
  const std::string_view kept = unread();
  const std::size_t wanted = kept.size() + leftover_.size() + 1;
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ < capacity_ && leftover_.empty()) return true;
  std::unique_ptr<char[]> larger;
  if (wanted > capacity_) {
    capacity_ = std::max({kFirstBuffer, 2 * capacity_, wanted});
    larger = std::make_unique_for_overwrite<char[]>(capacity_);
  }
  char* to = larger ? larger.get() : buffer_.get();
  if (!kept.empty()) std::memmove(to, kept.data(), kept.size());
  if (!leftover_.empty()) std::memcpy(to + kept.size(), leftover_.data(), leftover_.size());
  begin_ = 0;
  end_ = kept.size() + leftover_.size();
  leftover_.clear();
  if (larger) buffer_ = std::move(larger);
  return true;
}

Task<Connection::Head> Connection::read_head() {
  if (!leftover_.empty()) make_room();
  idle_ = unread().empty();
  if (!first_) stream_.expire_after(idle_ ? limits().idle_timeout : limits().head_timeout);
  HeadFinder finder;
  bool blank_line = false;
  for (;;) {
    const auto found = finder.look(unread());
    if (found == HeadFinder::Found::malformed) co_return Head::malformed;
    if (found == HeadFinder::Found::complete) {
      if (finder.size() > 2) break;
      if (blank_line) co_return Head::malformed;
      blank_line = true;  // RFC 9112 section 2.2: some clients end a body with one
      begin_ += 2;
      finder = {};
      continue;
    }
    if (!unread().empty() && !is_letter(unread().front()) && unread().front() != '\r')
      co_return Head::malformed;
    if (!make_room()) co_return Head::too_large;
    if (idle_ && state_->draining) co_return Head::gone;
    const auto got = co_await stream_.read({buffer_.get() + end_, capacity_ - end_});
    if (got.io != Io::ok) co_return got.io == Io::timed_out && !idle_ ? Head::slow : Head::gone;
    end_ += got.bytes;
    in_a_row_ = 0;
    if (idle_ && !first_) stream_.expire_after(limits().head_timeout);
    idle_ = false;
  }
  co_return take_head(finder.size());
}

Connection::Head Connection::take_head(std::size_t bytes) {
  idle_ = false;
  first_ = false;
  if (bytes > limits().max_head_bytes) return Head::too_large;
  const std::string_view text = unread().substr(0, bytes);
  begin_ += bytes;
  switch (parse_request_head(text, limits().max_headers, request_, framing_)) {
    case HeadFault::malformed:
      return Head::malformed;
    case HeadFault::too_many_headers:
      return Head::too_large;
    case HeadFault::none:
      break;
  }
  start_request();
  return Head::complete;
}

void Connection::start_request() {
  state_->ids.next(id_);
  request_.id = {id_.data(), id_.size()};
  request_.body = {};
  request_.body_complete = true;
  request_.tls = stream_.tls() != nullptr;
  request_.now = context_->clock.now();
  request_.client = context_->proxies.client_of(peer_, request_.headers);
}

SteadyTime Connection::body_deadline(SteadyTime begun, std::uint64_t received) const {
  const SteadyTime silence = coarse_now() + limits().body_timeout;
  if (limits().min_body_bytes_per_s == 0) return silence;
  const auto earned = milliseconds(received * 1000 / limits().min_body_bytes_per_s);
  return std::min(silence, begun + limits().body_grace + earned);
}

Task<Connection::Body> Connection::read_body() {
  const std::size_t max_bytes = context_->handler.max_body_bytes(request_);
  const std::uint64_t length = framing_.content_length.value_or(0);
  if (!framing_.chunked && length > max_bytes) co_return Body::unread;
  if (framing_.expects_continue && framing_.http11 && unread().empty()) {
    if (max_bytes == 0) co_return Body::unread;
    if (co_await stream_.write({kContinue, {}}, limits().write_timeout) != Io::ok)
      co_return Body::gone;
  }
  if (framing_.chunked) co_return co_await read_chunked_body(max_bytes);
  co_return co_await read_sized_body(length);
}

void Connection::begin_body() {
  body_.clear();
  const Address block = request_.client.block();
  const bool counts = request_.client != peer_ || !context_->proxies.trusts(peer_);
  if (!self_) self_ = std::make_shared<Connection*>(this);
  share_.emplace(*context_->options.bodies, counts ? &block : nullptr,
                 [state = state_, self = std::weak_ptr(self_)] {
                   asio::post(state->loop, [self] {
                     if (const auto alive = self.lock()) (*alive)->stream_.cancel();
                   });
                 });
}

Task<bool> Connection::hold(std::size_t bytes, SteadyTime& begun) {
  constexpr milliseconds kLongestPause{100};
  const SteadyTime start = std::chrono::steady_clock::now();
  const SteadyTime end = start + context_->options.bodies->limits().longest_wait;
  SteadyTime now = start;
  for (milliseconds wait{2}; !share_->hold(bytes, now); wait = std::min(2 * wait, kLongestPause)) {
    if (aborted_ || share_->is_cut() || now >= end) co_return false;
    pause_.expires_after(wait);
    co_await pause_.async_wait(asio::as_tuple(asio::deferred));
    now = std::chrono::steady_clock::now();
  }
  begun += now - start;
  co_return true;
}

// To exactly so many bytes: a string that grows by itself would take up to twice as many.
Task<bool> Connection::grow_body(std::size_t bytes, SteadyTime& begun) {
  if (bytes <= body_.capacity()) co_return true;
  if (!co_await hold(bytes, begun)) co_return false;
  std::string larger;
  larger.reserve(bytes);
  larger = body_;
  body_.swap(larger);
  co_return true;
}

void Connection::drop_body() {
  request_.body = {};
  std::string().swap(body_);
  share_.reset();
}

Connection::Body Connection::end_of_body(Io io) const {
  if (share_->is_cut()) return Body::no_room;
  return io == Io::timed_out ? Body::slow : Body::gone;
}

Task<Connection::Body> Connection::read_sized_body(std::uint64_t length) {
  const std::string_view here = unread().substr(0, length);
  begin_ += here.size();
  if (here.size() == length) {
    request_.body = here;
    co_return Body::complete;
  }
  // The buffer grows with what has arrived, not with what was announced.
  begin_body();
  SteadyTime begun = coarse_now();
  std::size_t have = here.size();
  while (have < length) {
    if (have >= body_.size()) {
      const auto size = std::min<std::size_t>(length, have + std::max(kBodyStep, have));
      if (!co_await grow_body(size, begun)) co_return Body::no_room;
      if (body_.empty()) body_ = here;
      body_.resize(size);
    }
    if (share_->is_cut()) co_return Body::no_room;
    stream_.expire_at(body_deadline(begun, have));
    const auto got = co_await stream_.read({body_.data() + have, body_.size() - have});
    if (got.io != Io::ok) co_return end_of_body(got.io);
    have += got.bytes;
    share_->advance(have, coarse_now());
  }
  share_->settle();
  request_.body = body_;
  co_return Body::complete;
}

Task<Connection::Body> Connection::read_chunked_body(std::size_t max_bytes) {
  ChunkDecoder decoder(max_bytes);
  begin_body();
  SteadyTime begun = coarse_now();
  std::string raw(unread());  // the head must stay where it is, so the rest is read elsewhere
  begin_ = end_;
  std::string_view rest = raw;
  for (;;) {
    // What is decoded is never longer than what came.
    const std::size_t wanted = body_.size() + rest.size();
    if (wanted > body_.capacity() &&
        !co_await grow_body(std::max(wanted, std::min(2 * body_.size(), max_bytes)), begun))
      co_return Body::no_room;
    const auto state = decoder.feed(rest, body_);
    if (state == ChunkDecoder::State::malformed) co_return Body::malformed;
    if (state == ChunkDecoder::State::too_large) co_return Body::unread;
    if (state == ChunkDecoder::State::done) break;
    share_->advance(body_.size(), coarse_now());
    if (share_->is_cut()) co_return Body::no_room;
    raw.resize(kBodyStep);
    stream_.expire_at(body_deadline(begun, body_.size()));
    const auto got = co_await stream_.read(raw);
    if (got.io != Io::ok) co_return end_of_body(got.io);
    rest = std::string_view(raw).substr(0, got.bytes);
  }
  share_->settle();
  leftover_ = rest;
  request_.body = body_;
  co_return Body::complete;
}

}  // namespace valetkey::http
