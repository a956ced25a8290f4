// SPDX-License-Identifier: Apache-2.0
// Writes one object of S3. A small one waits in memory for its publication; a large one, or one that
// finds too much waiting there, goes in parts of a multipart upload, which the publication completes.
// For one thread at a time.
#pragma once

#include <deque>
#include <future>
#include <map>

#include "base/crypto.h"
#include "bucket/internal/s3_store.h"

namespace valetkey::bucket {

// A multipart upload. Not completed: it is aborted when it goes.
class Upload {
 public:
  static Result<std::unique_ptr<Upload>> begin(S3Store& store, const std::string& key,
                                               std::optional<std::uint64_t> rows);
  ~Upload();
  // Sends the next part, while up to three others are on their way.
  Result<void> send(std::string part);
  Result<void> wait();                               // for all parts
  Result<std::string> complete(std::uint64_t size);  // the ETag

 private:
  Upload(S3Store& store, std::string key, std::string id)
      : store_(store), key_(std::move(key)), id_(std::move(id)) {}
  Result<void> wait_for_one();

  static constexpr std::size_t kMostParts = 4;
  S3Store& store_;
  const std::string key_, id_;
  unsigned last_ = 0;
  std::deque<std::pair<unsigned, std::future<Result<std::string>>>> under_way_;
  std::map<unsigned, std::string> etags_;  // as the engine wrote them
  bool completed_ = false;
};

class S3Staged final : public storage::StagedObject {
 public:
  S3Staged(S3Store& store, storage::ObjectInfo info, std::string bytes,
           std::unique_ptr<Upload> upload);
  ~S3Staged() override;
  const storage::ObjectInfo& info() const override { return info_; }
  // Makes it visible. Repeating it is fine.
  Result<void> put();

 private:
  S3Store& store_;
  storage::ObjectInfo info_;
  std::string bytes_;
  std::unique_ptr<Upload> upload_;  // null: the bytes wait here
};

class S3Writer final : public storage::ObjectWriter {
 public:
  S3Writer(S3Store& store, std::string key, Timestamp now);
  Result<void> write(std::string_view bytes) override;
  Result<std::unique_ptr<storage::StagedObject>> finish(std::optional<std::uint64_t> rows) override;

 private:
  Result<void> send_full_parts();

  S3Store& store_;
  storage::ObjectInfo info_;
  std::string waiting_;
  Md5 md5_;
  std::unique_ptr<Upload> upload_;
};

}  // namespace valetkey::bucket
