// SPDX-License-Identifier: Apache-2.0
// Reads one object of S3, bound to the version that was opened. One request is under way at a time, for as
// much as the caller has said it will read, or more and more for one who reads on; its bytes go from
// the connection to the caller and are kept nowhere. For one thread at a time.
#pragma once

#include <memory>

#include "bucket/internal/calls.h"
#include "storage/object_store.h"

namespace valetkey::bucket {

class S3Reader final : public storage::ObjectReader {
 public:
  S3Reader(const Calls& calls, std::string bucket, storage::ObjectInfo info)
      : calls_(calls), bucket_(std::move(bucket)), info_(std::move(info)) {}
  const storage::ObjectInfo& info() const override { return info_; }
  void expect(std::uint64_t offset, std::uint64_t length) override;
  Result<std::size_t, storage::ReadFailure> read(std::uint64_t offset, std::span<char> out,
                                                 storage::ReadMode mode) override;

 private:
  Result<std::size_t, storage::ReadFailure> read_now(std::uint64_t offset, std::span<char> out);
  Result<void> ask_for(std::uint64_t offset, std::size_t wanted);
  Result<void> fill(std::uint64_t offset, std::span<char> out);

  static constexpr std::uint64_t kLeast = 256 * 1024, kMost = 64 << 20;
  const Calls& calls_;
  const std::string bucket_;
  const storage::ObjectInfo info_;
  std::uint64_t expected_from_ = 0, expected_until_ = 0;
  std::uint64_t length_ = kLeast;
  std::unique_ptr<http::Download> coming_;  // bytes from at_ to end_
  std::uint64_t at_ = 0, end_ = UINT64_MAX;
};

}  // namespace valetkey::bucket
