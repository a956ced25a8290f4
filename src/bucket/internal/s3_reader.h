// SPDX-License-Identifier: Apache-2.0
// Reads one object of S3 in ranges, each bound to the version that was opened. Whoever reads on gets
// larger ranges, the next of which is fetched meanwhile: 8 MiB of memory at most. For one thread at
// a time.
#pragma once

#include <future>
#include <optional>

#include "bucket/calls.h"
#include "storage/object_store.h"

namespace valetkey::bucket {

class S3Reader final : public storage::ObjectReader {
 public:
  S3Reader(const Calls& calls, std::string bucket, storage::ObjectInfo info)
      : calls_(calls), bucket_(std::move(bucket)), info_(std::move(info)) {}
  const storage::ObjectInfo& info() const override { return info_; }
  Result<std::size_t, storage::ReadFailure> read(std::uint64_t offset, std::span<char> out,
                                                 storage::ReadMode mode) override;

 private:
  struct Window {
    std::uint64_t at = 0;
    std::string bytes;
    std::uint64_t end() const { return at + bytes.size(); }
    bool holds(std::uint64_t offset) const { return offset >= at && offset < end(); }
  };
  Result<void, storage::ReadFailure> show(std::uint64_t offset, std::size_t wanted,
                                          storage::ReadMode mode);
  Result<Window> fetch(std::uint64_t offset, std::size_t length) const;
  bool take_next(std::uint64_t offset, storage::ReadMode mode);
  void fetch_ahead();

  static constexpr std::size_t kLeast = 256 * 1024, kMost = 4 << 20;
  static constexpr std::uint64_t kBlock = 1 << 20;
  const Calls& calls_;
  const std::string bucket_;
  const storage::ObjectInfo info_;
  std::size_t length_ = kLeast;
  Window window_;
  std::future<Result<Window>> ahead_;  // of the bytes behind the window
};

}  // namespace valetkey::bucket
