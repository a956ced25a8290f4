// SPDX-License-Identifier: Apache-2.0
// Makes written object files durable, bytes and names, before the index names them. A few are
// fsynced one by one, each of their folders once; of many, where each would wait for the device,
// the whole file system is synced at once. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace valetkey::storage {

struct WrittenFile {
  std::filesystem::path path;
  bool synced = false;  // its bytes are; its name may not be
};

class FileSync {
 public:
  virtual ~FileSync() = default;
  // How often a sync of the file system has failed. The kernel says once that bytes were lost, not
  // whose: nobody may rely on bytes written while this was less.
  virtual std::uint64_t failures() const = 0;
  // `files` were closed, and the first of them opened when failures() was `since`.
  virtual Result<void> sync(const std::vector<WrittenFile>& files, std::uint64_t since) = 0;
};

class DiskFileSync final : public FileSync {
 public:
  static constexpr std::size_t kFew = 16;

  // `objects` is a folder of the file system that the files are on.
  static Result<std::unique_ptr<FileSync>> open(const std::filesystem::path& objects);
  std::uint64_t failures() const override { return failures_.load(); }
  Result<void> sync(const std::vector<WrittenFile>& files, std::uint64_t since) override;

 private:
  DiskFileSync(std::filesystem::path objects, FileDescriptor folder)
      : objects_(std::move(objects)), folder_(std::move(folder)) {}
  Result<void> sync_all();

  std::filesystem::path objects_;
  FileDescriptor folder_;  // opened before any file, so that syncfs tells it of each lost write
  std::mutex mutex_;       // of syncfs: a waiting thread is served by a call that begins after
  std::atomic<std::uint64_t> failures_{0};
};

}  // namespace valetkey::storage
