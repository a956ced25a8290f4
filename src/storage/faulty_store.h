// SPDX-License-Identifier: Apache-2.0
// An ObjectStore whose n-th call fails, for tests: every call site meets its failure once.
// Thread-safe as the store it wraps. Failing calls do not reach that store.
#pragma once

#include <atomic>
#include <memory>

#include "storage/object_store.h"

namespace valetkey::storage {

class FaultyStore final : public ObjectStore {
 public:
  explicit FaultyStore(ObjectStore& inner) : inner_(inner) {}

  // Call number `call` from now, the first being 1, fails so. 0: none. Counted are head, open,
  // list, create, publish and the calls of readers and writers; open_cached then knows nothing.
  void fail_call(std::uint64_t call, ErrorCode code = ErrorCode::io,
                 ReadFailure failure = ReadFailure::io);
  std::uint64_t calls() const { return calls_.load(); }  // since the last fail_call()

  const std::string& bucket() const override { return inner_.bucket(); }
  Result<ObjectInfo> head(std::string_view key) override;
  Result<std::unique_ptr<ObjectReader>> open(std::string_view key) override;
  std::optional<Result<std::unique_ptr<ObjectReader>>> open_cached(std::string_view key) override;
  Result<ListPage> list(const ListQuery& query) override;
  Result<std::unique_ptr<ObjectWriter>> create(std::string_view key, Timestamp now) override;
  Result<void> publish(Publication publication) override;
  std::uint64_t generation() const override { return inner_.generation(); }

  // For its readers and writers.
  Result<void> count_call();
  ReadFailure read_failure() const { return failure_.load(); }

 private:
  ObjectStore& inner_;
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<std::uint64_t> failing_{0};
  std::atomic<ErrorCode> code_{ErrorCode::io};
  std::atomic<ReadFailure> failure_{ReadFailure::io};
};

}  // namespace valetkey::storage
