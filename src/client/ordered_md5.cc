// SPDX-License-Identifier: Apache-2.0
#include "client/internal/ordered_md5.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/file.h"

namespace valetkey::client {
namespace {
constexpr std::uint64_t kBlockBytes = 256 << 10;
}  // namespace

OrderedMd5::OrderedMd5(int fd, std::uint64_t size, std::string name)
    : fd_(fd), size_(size), name_(std::move(name)), thread_([this] { run(); }) {}

OrderedMd5::~OrderedMd5() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    given_up_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void OrderedMd5::arrived(std::uint64_t begin, std::uint64_t end) {
  const std::lock_guard lock(mutex_);
  ahead_.emplace(begin, end);
  while (!ahead_.empty() && ahead_.begin()->first == whole_to_) {
    whole_to_ = ahead_.begin()->second;
    ahead_.erase(ahead_.begin());
  }
  wake_.notify_all();
}

Result<std::string> OrderedMd5::finish() {
  {
    const std::lock_guard lock(mutex_);
    given_up_ = whole_to_ < size_;
  }
  wake_.notify_all();
  thread_.join();
  if (given_up_) return fail(ErrorCode::internal, name_ + ": not all of its pieces have arrived");
  VALETKEY_CHECK(std::move(result_));
  const auto digest = md5_.finish();
  return hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

void OrderedMd5::run() {
  std::unique_lock lock(mutex_);
  for (std::uint64_t at = 0; at < size_ && result_;) {
    wake_.wait(lock, [&] { return whole_to_ > at || given_up_; });
    if (given_up_) return;
    const std::uint64_t end = whole_to_;
    lock.unlock();
    auto done = read(at, end);
    lock.lock();
    result_ = std::move(done);
    at = end;
  }
}

Result<void> OrderedMd5::read(std::uint64_t begin, std::uint64_t end) {
  std::string block;
  for (std::uint64_t at = begin; at < end; at += block.size()) {
    block.resize(std::min(kBlockBytes, end - at));
    VALETKEY_CHECK(read_exactly(fd_, at, block, name_));
    md5_.update(block);
  }
  return {};
}

}  // namespace valetkey::client
