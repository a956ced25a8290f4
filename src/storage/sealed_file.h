// SPDX-License-Identifier: Apache-2.0
// One encrypted object in one file: a header, then chunks of 64 KiB under AES-256-GCM, each with
// its tag; a range decrypts only the chunks it touches. Nothing unauthenticated is ever returned.
// Format: docs/formats.md, "Sealed file". Classes here are for one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "base/file.h"
#include "base/result.h"
#include "base/secret.h"
#include "storage/object_id.h"
#include "storage/object_store.h"

namespace valetkey::storage {

inline constexpr std::size_t kChunkBytes = 64 * 1024;
inline constexpr std::size_t kSealedChunkBytes = kChunkBytes + kAesTagBytes;
inline constexpr std::size_t kSealedHeaderBytes = 24;
inline constexpr std::size_t kBatchChunks = 4;  // read or written by one system call
inline constexpr std::uint64_t kMaxObjectBytes = std::uint64_t{1}
                                                 << 47;  // chunk numbers have 32 bits

std::uint64_t chunk_count(std::uint64_t plain_size);  // at least 1
std::uint64_t sealed_size(std::uint64_t plain_size);  // of the file
std::string sealed_header(const ObjectId& id);
std::array<char, kAesNonceBytes> chunk_nonce(std::uint64_t chunk, bool last);

struct SealedContent {
  std::uint64_t size = 0;
  std::array<std::uint8_t, 16> md5{};
  std::uint32_t crc32 = 0;
};

class SealedWriter {
 public:
  // `file` is empty and open for writing; `name` is for errors. One data key serves one file.
  SealedWriter(FileDescriptor file, std::string name, const ObjectId& id, const Secret& data_key);
  // After a failure every further call fails alike.
  Result<void> write(std::string_view plain);
  // Writes the last chunk. To make file and folder durable is the caller's.
  Result<SealedContent> finish();
  // fsyncs what was written.
  Result<void> sync();

 private:
  Result<void> seal_chunk(std::string_view plain, bool last);
  Result<void> flush();

  FileDescriptor file_;
  std::string name_;
  AesGcm aes_;
  Md5 md5_;
  SealedContent content_;
  std::string held_;  // up to one chunk: the last one is known only at the end
  std::string out_;   // sealed, not yet written
  std::uint64_t next_chunk_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t writeback_ = 0;
  bool failed_ = false;
};

class SealedReader {
 public:
  // Never blocks: looks only at the file's length, which must be that of `size` plain bytes
  // (`corrupt`).
  static Result<SealedReader> open(FileDescriptor file, const std::string& name, const ObjectId& id,
                                   const Secret& data_key, std::uint64_t size);
  // As ObjectReader::read.
  Result<std::size_t, ReadFailure> read(std::uint64_t offset, std::span<char> out, ReadMode mode);
  std::uint64_t failed_chunk() const { return failed_chunk_; }  // after ReadFailure::corrupt

 private:
  SealedReader(FileDescriptor file, const ObjectId& id, const Secret& data_key, std::uint64_t size);
  Result<void, ReadFailure> check_header(ReadMode mode);
  Result<std::size_t, ReadFailure> read_batch(std::uint64_t offset, std::span<char> out,
                                              ReadMode mode);
  Result<void, ReadFailure> open_chunk(std::uint64_t chunk, std::string_view sealed, char* out);
  void ask_ahead(std::uint64_t from);

  FileDescriptor file_;
  ObjectId id_;
  AesGcm aes_;
  std::uint64_t size_;
  std::uint64_t failed_chunk_ = 0;
  std::uint64_t asked_until_ = 0;
  bool header_checked_ = false;
};

}  // namespace valetkey::storage
