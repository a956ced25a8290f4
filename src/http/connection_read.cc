// SPDX-License-Identifier: Apache-2.0
// The reading half of Connection: heads and bodies, with a limit on each and on their time.
#include <algorithm>
#include <cstring>

#include "http/connection.h"

namespace valetkey::http {
namespace {

constexpr std::size_t kFirstBuffer = 4096;
constexpr std::size_t kBodyStep = 64 * 1024;
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

Task<int> Connection::read_head() {
  if (!leftover_.empty()) make_room();
  idle_ = unread().empty();
  if (!first_) stream_.expire_after(idle_ ? limits().idle_timeout : limits().head_timeout);
  HeadFinder finder;
  bool blank_line = false;
  for (;;) {
    const auto found = finder.look(unread());
    if (found == HeadFinder::Found::malformed) co_return 400;
    if (found == HeadFinder::Found::complete) {
      if (finder.size() > 2) break;
      if (blank_line) co_return 400;
      blank_line = true;  // RFC 9112 section 2.2: some clients end a body with one
      begin_ += 2;
      finder = {};
      continue;
    }
    if (!unread().empty() && !is_letter(unread().front()) && unread().front() != '\r')
      co_return 400;
    if (!make_room()) co_return 431;
    if (idle_ && state_->draining) co_return kGone;
    const auto got = co_await stream_.read({buffer_.get() + end_, capacity_ - end_});
    if (got.io != Io::ok) co_return got.io == Io::timed_out && !idle_ ? 408 : kGone;
    end_ += got.bytes;
    in_a_row_ = 0;
    if (idle_ && !first_) stream_.expire_after(limits().head_timeout);
    idle_ = false;
  }
  idle_ = false;
  first_ = false;
  if (finder.size() > limits().max_head_bytes) co_return 431;
  const std::string_view head = unread().substr(0, finder.size());
  begin_ += finder.size();
  switch (parse_request_head(head, limits().max_headers, request_, framing_)) {
    case HeadFault::malformed:
      co_return 400;
    case HeadFault::too_many_headers:
      co_return 431;
    case HeadFault::none:
      break;
  }
  start_request();
  co_return 0;
}

void Connection::start_request() {
  state_->ids.next(id_);
  request_.id = {id_.data(), id_.size()};
  request_.body = {};
  request_.body_complete = true;
  request_.tls = stream_.tls() != nullptr;
  request_.now = service_->clock.now();
  request_.client = service_->proxies.client_of(peer_, request_.headers);
}

SteadyTime Connection::body_deadline(SteadyTime begun, std::uint64_t received) const {
  const SteadyTime silence = coarse_now() + limits().body_timeout;
  if (limits().min_body_bytes_per_s == 0) return silence;
  const auto earned = milliseconds(received * 1000 / limits().min_body_bytes_per_s);
  return std::min(silence, begun + limits().body_grace + earned);
}

Task<Connection::Body> Connection::read_body() {
  const std::size_t max_bytes = service_->handler.max_body_bytes(request_);
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

Task<Connection::Body> Connection::read_sized_body(std::uint64_t length) {
  const std::string_view here = unread().substr(0, length);
  begin_ += here.size();
  if (here.size() == length) {
    request_.body = here;
    co_return Body::complete;
  }
  // The buffer grows with what has arrived, not with what was announced.
  body_.assign(here);
  const SteadyTime begun = coarse_now();
  std::size_t have = body_.size();
  while (have < length) {
    if (have == body_.size())
      body_.resize(std::min<std::size_t>(length, have + std::max(kBodyStep, have)));
    stream_.expire_at(body_deadline(begun, have));
    const auto got = co_await stream_.read({body_.data() + have, body_.size() - have});
    if (got.io != Io::ok) co_return got.io == Io::timed_out ? Body::slow : Body::gone;
    have += got.bytes;
  }
  request_.body = body_;
  co_return Body::complete;
}

Task<Connection::Body> Connection::read_chunked_body(std::size_t max_bytes) {
  ChunkDecoder decoder(max_bytes);
  body_.clear();
  const SteadyTime begun = coarse_now();
  std::string raw(unread());  // the head must stay where it is, so the rest is read elsewhere
  begin_ = end_;
  std::string_view rest = raw;
  for (;;) {
    const auto state = decoder.feed(rest, body_);
    if (state == ChunkDecoder::State::malformed) co_return Body::malformed;
    if (state == ChunkDecoder::State::too_large) co_return Body::unread;
    if (state == ChunkDecoder::State::done) break;
    raw.resize(kBodyStep / 4);
    stream_.expire_at(body_deadline(begun, body_.size()));
    const auto got = co_await stream_.read(raw);
    if (got.io != Io::ok) co_return got.io == Io::timed_out ? Body::slow : Body::gone;
    rest = std::string_view(raw).substr(0, got.bytes);
  }
  leftover_ = rest;
  request_.body = body_;
  co_return Body::complete;
}

}  // namespace valetkey::http
