// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/log.h"
#include "bucket/internal/s3_reader.h"

namespace valetkey::bucket {

using storage::ReadFailure;
using storage::ReadMode;

void S3Reader::expect(std::uint64_t offset, std::uint64_t length) {
  expected_from_ = std::min(offset, info_.size);
  expected_until_ = expected_from_ + std::min(length, info_.size - expected_from_);
}

Result<std::size_t, ReadFailure> S3Reader::read(std::uint64_t offset, std::span<char> out,
                                                ReadMode mode) {
  if (offset >= info_.size || out.empty()) return std::size_t{0};
  if (mode == ReadMode::cached_only) return read_now(offset, out);
  const std::size_t count = std::min<std::uint64_t>(out.size(), info_.size - offset);
  const auto filled = fill(offset, out.first(count));
  if (filled) return count;
  coming_.reset();
  log::warn("bucket", "an object could not be read",
            {{"key", info_.key}, {"why", filled.error().detail}});
  const bool changed = filled.error().code == ErrorCode::already_exists ||
                       filled.error().code == ErrorCode::not_found;
  return std::unexpected(changed ? ReadFailure::changed : ReadFailure::io);
}

// What the connection already has: no thread need wait for it.
Result<std::size_t, ReadFailure> S3Reader::read_now(std::uint64_t offset, std::span<char> out) {
  const bool goes_on = coming_ && at_ == offset;
  const std::size_t got =
      goes_on ? coming_->read_now(out.first(std::min<std::uint64_t>(out.size(), end_ - at_))) : 0;
  if (got == 0) return std::unexpected(ReadFailure::would_block);
  at_ += got;
  if (at_ == end_) coming_.reset();
  return got;
}

// A connection that breaks off is followed by another, from where it did.
Result<void> S3Reader::fill(std::uint64_t offset, std::span<char> out) {
  int broken = 0;
  while (!out.empty()) {
    if (!coming_ || at_ != offset) VALETKEY_CHECK(ask_for(offset, out.size()));
    const auto got = coming_->read(out.first(std::min<std::uint64_t>(out.size(), end_ - at_)));
    if (!got || *got == 0) {
      coming_.reset();
      if (++broken < kAttempts) continue;
      return got ? fail(ErrorCode::io, "its bytes end too early") : std::unexpected(got.error());
    }
    broken = 0;
    at_ += *got;
    if (at_ == end_) coming_.reset();
    offset += *got;
    out = out.subspan(*got);
  }
  return {};
}

// All that is expected from there on; else twice as much as before, where the reading goes on.
Result<void> S3Reader::ask_for(std::uint64_t offset, std::size_t wanted) {
  length_ = offset == end_ ? std::min(length_ * 2, kMost) : kLeast;
  std::uint64_t end = offset + std::max<std::uint64_t>(length_, wanted);
  if (offset >= expected_from_ && offset < expected_until_) end = expected_until_;
  end = std::min(end, info_.size);
  aws::S3Request request{.bucket = bucket_, .key = info_.key};
  request.headers = {{"Range", "bytes=" + std::to_string(offset) + "-" + std::to_string(end - 1)}};
  if (!info_.etag.empty()) request.headers.emplace_back("If-Match", "\"" + info_.etag + "\"");
  coming_.reset();  // its connection serves the next request, if all of it was read
  VALETKEY_TRY(coming_, calls_.open(request));
  if (coming_->announced() != end - offset)
    return fail(ErrorCode::already_exists, info_.key + " changed while it was read");
  at_ = offset;
  end_ = end;
  return {};
}

}  // namespace valetkey::bucket
