// SPDX-License-Identifier: Apache-2.0
#include "storage/sealed_file.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "storage/internal/big_endian.h"

namespace valetkey::storage {
namespace {

// Large files are pushed to the disk while they are still being encrypted, so that fsync has little
// left.
constexpr std::uint64_t kWritebackBytes = 4 * 1024 * 1024;

}  // namespace

std::uint64_t chunk_count(std::uint64_t plain_size) {
  return std::max<std::uint64_t>(1, (plain_size + kChunkBytes - 1) / kChunkBytes);
}

std::uint64_t sealed_size(std::uint64_t plain_size) {
  return kSealedHeaderBytes + plain_size + chunk_count(plain_size) * kAesTagBytes;
}

std::string sealed_header(const ObjectId& id) {
  // Magic, version 1, log2 of the chunk size, two reserved zeroes.
  std::string header("VKSF\x01\x10\x00\x00", 8);
  return header.append(id.raw());
}

std::array<char, kAesNonceBytes> chunk_nonce(std::uint64_t chunk, bool last) {
  std::array<char, kAesNonceBytes> nonce{};
  std::string number;
  append_big_endian(number, static_cast<std::uint32_t>(chunk));
  std::ranges::copy(number, nonce.begin());
  nonce.back() = last ? 1 : 0;
  return nonce;
}

SealedWriter::SealedWriter(FileDescriptor file, std::string name, const ObjectId& id,
                           const Secret& data_key)
    : file_(std::move(file)),
      name_(std::move(name)),
      aes_(data_key.reveal()),
      out_(sealed_header(id)) {}

Result<void> SealedWriter::write(std::string_view plain) {
  if (failed_) return fail(ErrorCode::io, name_ + ": an earlier write failed");
  if (content_.size + plain.size() > kMaxObjectBytes)
    return fail(ErrorCode::too_large, name_ + ": an object has at most 128 TiB");
  md5_.update(plain);
  content_.crc32 = crc32(content_.crc32, plain);
  content_.size += plain.size();
  while (!plain.empty()) {
    if (held_.size() == kChunkBytes) {
      VALETKEY_CHECK(seal_chunk(held_, false));
      held_.clear();
    }
    // Whole chunks with more behind them are sealed where they lie.
    while (held_.empty() && plain.size() > kChunkBytes) {
      VALETKEY_CHECK(seal_chunk(plain.substr(0, kChunkBytes), false));
      plain.remove_prefix(kChunkBytes);
    }
    const std::size_t take = std::min(plain.size(), kChunkBytes - held_.size());
    held_.append(plain.substr(0, take));
    plain.remove_prefix(take);
  }
  return {};
}

Result<SealedContent> SealedWriter::finish() {
  if (failed_) return fail(ErrorCode::io, name_ + ": an earlier write failed");
  VALETKEY_CHECK(seal_chunk(held_, true));
  wipe(held_);
  VALETKEY_CHECK(flush());
  content_.md5 = md5_.finish();
  return content_;
}

Result<void> SealedWriter::sync() { return sync_file(file_.get(), name_); }

Result<void> SealedWriter::seal_chunk(std::string_view plain, bool last) {
  const auto nonce = chunk_nonce(next_chunk_++, last);
  const std::size_t at = out_.size();
  out_.resize(at + plain.size() + kAesTagBytes);
  aes_.seal({nonce.data(), nonce.size()}, {}, plain, out_.data() + at);
  if (out_.size() < kBatchChunks * kSealedChunkBytes) return {};
  return flush();
}

Result<void> SealedWriter::flush() {
  failed_ = true;
  VALETKEY_CHECK(write_all(file_.get(), out_, name_));
  failed_ = false;
  written_ += out_.size();
  out_.clear();
  if (written_ - writeback_ < kWritebackBytes) return {};
  // Advice only: whether it succeeds, fsync decides.
  sync_file_range(file_.get(), static_cast<off64_t>(writeback_),
                  static_cast<off64_t>(written_ - writeback_), SYNC_FILE_RANGE_WRITE);
  writeback_ = written_;
  return {};
}

}  // namespace valetkey::storage
