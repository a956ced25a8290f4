// SPDX-License-Identifier: Apache-2.0
#include "s3/object_body.h"

#include <algorithm>

#include "base/log.h"

namespace valetkey::s3 {
namespace {

constexpr std::uint64_t kChunk = 64 * 1024;  // the store's cheapest unit
constexpr milliseconds kStalePoll{250};
constexpr milliseconds kMaxStale{10'000};
constexpr milliseconds kMaxPause{1000};  // how long a revocation may go unseen while pacing

http::BodySource::Pull wait_for(milliseconds time) {
  return {http::BodySource::Status::wait, 0, time};
}

}  // namespace

ObjectBody::ObjectBody(std::unique_ptr<storage::ObjectReader> reader, Span span, Meter meter,
                       Oversight oversight)
    : reader_(std::move(reader)), span_(span), meter_(std::move(meter)), oversight_(oversight) {
  reader_->expect(span_.offset, span_.length);
}

ObjectBody::~ObjectBody() { meter_.finish(); }

// Whether this batch must wait or must not be sent at all.
std::optional<http::BodySource::Pull> ObjectBody::hold(limits::SteadyTime now) {
  if (oversight_.revocation.revoked(meter_.session()->scope.claims())) {
    failure_ = "revoked";
    return Pull{};
  }
  if (!oversight_.revocation.fresh()) {
    // What has been revoked meanwhile is unknown: hold the bytes back for a while, then give up.
    if (!stale_since_) stale_since_ = now;
    if (now - *stale_since_ <= kMaxStale) return wait_for(kStalePoll);
    failure_ = "control_store_unseen";
    return Pull{};
  }
  stale_since_.reset();
  const milliseconds pause = meter_.pause(now);
  if (pause.count() == 0) return std::nullopt;
  return wait_for(std::min(pause, kMaxPause));
}

// What is read at once: up to the end of a chunk, so that none is opened twice; little while
// pacing.
std::span<char> ObjectBody::batch(std::span<char> out) const {
  const std::uint64_t rate = meter_.bytes_per_s();
  const std::uint64_t at_once = rate == 0 ? out.size() : std::max(kChunk, rate / 4);
  std::uint64_t bytes = std::min({span_.length - sent_, std::uint64_t{out.size()}, at_once});
  const std::uint64_t end = span_.offset + sent_ + bytes;
  const std::uint64_t beyond = end % kChunk;
  if (end < span_.offset + span_.length && beyond < bytes) bytes -= beyond;
  return out.first(bytes);
}

http::BodySource::Pull ObjectBody::failed(storage::ReadFailure failure) {
  if (failure == storage::ReadFailure::would_block) return {Status::would_block, 0, {}};
  if (failure == storage::ReadFailure::corrupt) {
    failure_ = "corrupt";
    oversight_.hooks.corrupt_object(reader_->info().key);
  } else {
    log::error("s3", "an object could not be read", {{"key", reader_->info().key}});
  }
  return {};
}

http::BodySource::Pull ObjectBody::pull(std::span<char> out, bool may_block) {
  const limits::SteadyTime now = std::chrono::steady_clock::now();
  if (const auto held = hold(now)) return *held;
  const auto mode = may_block ? storage::ReadMode::blocking : storage::ReadMode::cached_only;
  const auto read = reader_->read(span_.offset + sent_, batch(out), mode);
  if (!read) return failed(read.error());
  if (*read == 0) return failed(storage::ReadFailure::io);  // shorter than its own size
  sent_ += *read;
  meter_.sent(*read, now);
  return {Status::ok, *read, {}};
}

}  // namespace valetkey::s3
