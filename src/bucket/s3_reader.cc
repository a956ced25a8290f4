// SPDX-License-Identifier: Apache-2.0
#include "bucket/internal/s3_reader.h"

#include <algorithm>
#include <cstring>

#include "base/log.h"

namespace valetkey::bucket {

using storage::ReadFailure;
using storage::ReadMode;

Result<std::size_t, ReadFailure> S3Reader::read(std::uint64_t offset, std::span<char> out,
                                                ReadMode mode) {
  std::size_t done = 0;
  while (done < out.size() && offset + done < info_.size) {
    if (const auto there = show(offset + done, out.size() - done, mode); !there) {
      // What is in memory is better than nothing.
      if (done > 0 && there.error() == ReadFailure::would_block) return done;
      return std::unexpected(there.error());
    }
    const std::size_t from = offset + done - window_.at;
    const std::size_t count = std::min(out.size() - done, window_.bytes.size() - from);
    std::memcpy(out.data() + done, window_.bytes.data() + from, count);
    done += count;
    fetch_ahead();
  }
  return done;
}

// Makes the window hold the byte at `offset`.
Result<void, ReadFailure> S3Reader::show(std::uint64_t offset, std::size_t wanted, ReadMode mode) {
  if (window_.holds(offset) || take_next(offset, mode)) return {};
  if (mode == ReadMode::cached_only) return std::unexpected(ReadFailure::would_block);
  length_ = kLeast;
  auto fetched = fetch(offset, std::max(length_, std::min(wanted, kMost)));
  if (!fetched) {
    log::warn("bucket", "an object could not be read",
              {{"key", info_.key}, {"why", fetched.error().detail}});
    const bool changed = fetched.error().code == ErrorCode::already_exists ||
                         fetched.error().code == ErrorCode::not_found;
    return std::unexpected(changed ? ReadFailure::changed : ReadFailure::io);
  }
  window_ = *std::move(fetched);
  return {};
}

// What was fetched ahead, if it is what is wanted now.
bool S3Reader::take_next(std::uint64_t offset, ReadMode mode) {
  if (!ahead_.valid() || offset != window_.end()) return false;
  if (mode == ReadMode::cached_only &&
      ahead_.wait_for(std::chrono::seconds(0)) != std::future_status::ready)
    return false;
  auto next = ahead_.get();
  if (!next) return false;  // asked for again, to be told why
  window_ = *std::move(next);
  return window_.holds(offset);
}

void S3Reader::fetch_ahead() {
  if (ahead_.valid() || window_.end() >= info_.size) return;
  length_ = std::min(length_ * 2, kMost);
  const std::uint64_t at = window_.end();
  std::size_t length = length_;
  // Engines keep and check blocks: a range that ends with one reads none of them twice.
  if (length > kBlock) length -= (at + length) % kBlock;
  ahead_ = std::async(std::launch::async, [this, at, length] { return fetch(at, length); });
}

Result<S3Reader::Window> S3Reader::fetch(std::uint64_t offset, std::size_t length) const {
  const std::uint64_t end = std::min<std::uint64_t>(offset + length, info_.size);
  aws::S3Request request{.bucket = bucket_, .key = info_.key};
  request.headers = {{"Range", "bytes=" + std::to_string(offset) + "-" + std::to_string(end - 1)}};
  if (!info_.etag.empty()) request.headers.emplace_back("If-Match", "\"" + info_.etag + "\"");
  VALETKEY_TRY(auto answer, calls_.expect(request));
  if (answer.body.size() != end - offset)
    return fail(ErrorCode::already_exists, info_.key + " changed while it was read");
  return Window{offset, std::move(answer.body)};
}

}  // namespace valetkey::bucket
