// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "storage/sealed_file.h"

namespace valetkey::storage {
namespace {

constexpr std::size_t kBatchBytes = kBatchChunks * kSealedChunkBytes;
constexpr std::uint64_t kAheadBytes = 2 * 1024 * 1024;

std::uint64_t chunk_offset(std::uint64_t chunk) {
  return kSealedHeaderBytes + chunk * kSealedChunkBytes;
}

// What a batch is read into and what a chunk that is asked for in part is opened into. One per
// thread: a server has thousands of readers and few threads.
struct Buffers {
  std::vector<char> sealed = std::vector<char>(kBatchBytes);
  std::vector<char> chunk = std::vector<char>(kChunkBytes);
};
Buffers& thread_buffers() {
  thread_local Buffers buffers;
  return buffers;
}

ReadFailure failure_of_errno(ReadMode mode) {
  // EOPNOTSUPP: a file system without RWF_NOWAIT; the pool reads then.
  const bool waits = errno == EAGAIN || errno == EOPNOTSUPP;
  return mode == ReadMode::cached_only && waits ? ReadFailure::would_block : ReadFailure::io;
}

// All of `out`, or why not.
Result<void, ReadFailure> read_fully(int file, std::uint64_t offset, std::span<char> out,
                                     ReadMode mode) {
  while (!out.empty()) {
    const iovec part{out.data(), out.size()};
    const ssize_t got = preadv2(file, &part, 1, static_cast<off_t>(offset),
                                mode == ReadMode::cached_only ? RWF_NOWAIT : 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(failure_of_errno(mode));
    if (got == 0) return std::unexpected(ReadFailure::corrupt);  // shorter than when it was opened
    offset += static_cast<std::uint64_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

}  // namespace

Result<SealedReader> SealedReader::open(FileDescriptor file, const std::string& name,
                                        const ObjectId& id, const Secret& data_key,
                                        std::uint64_t size) {
  struct stat status{};
  if (fstat(file.get(), &status) != 0) return fail_errno(name);
  if (size > kMaxObjectBytes || static_cast<std::uint64_t>(status.st_size) != sealed_size(size))
    return fail(ErrorCode::corrupt, fmt::format("{} has {} bytes, its index row says {}", name,
                                                status.st_size, sealed_size(size)));
  return SealedReader(std::move(file), id, data_key, size);
}

SealedReader::SealedReader(FileDescriptor file, const ObjectId& id, const Secret& data_key,
                           std::uint64_t size)
    : file_(std::move(file)), id_(id), aes_(data_key.reveal()), size_(size) {}

Result<std::size_t, ReadFailure> SealedReader::read(std::uint64_t offset, std::span<char> out,
                                                    ReadMode mode) {
  if (!header_checked_) VALETKEY_CHECK(check_header(mode));
  // The one chunk of an empty object authenticates its emptiness.
  if (size_ == 0) {
    VALETKEY_CHECK(read_batch(0, {}, mode));
    return 0;
  }
  if (offset >= size_) return 0;
  out = out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), size_ - offset)));
  std::size_t done = 0;
  while (done < out.size()) {
    VALETKEY_TRY(const std::size_t got, read_batch(offset + done, out.subspan(done), mode));
    done += got;
  }
  if (mode == ReadMode::blocking && done >= kBatchChunks * kChunkBytes) ask_ahead(offset + done);
  return done;
}

Result<void, ReadFailure> SealedReader::check_header(ReadMode mode) {
  std::array<char, kSealedHeaderBytes> header{};
  VALETKEY_CHECK(read_fully(file_.get(), 0, header, mode));
  failed_chunk_ = 0;
  if (std::string_view(header.data(), header.size()) != sealed_header(id_))
    return std::unexpected(ReadFailure::corrupt);
  header_checked_ = true;
  return {};
}

Result<std::size_t, ReadFailure> SealedReader::read_batch(std::uint64_t offset, std::span<char> out,
                                                          ReadMode mode) {
  const std::uint64_t first = offset / kChunkBytes;
  const std::uint64_t behind =
      (offset + std::max<std::size_t>(out.size(), 1) - 1) / kChunkBytes + 1;
  const std::uint64_t end = std::min({behind, first + kBatchChunks, chunk_count(size_)});
  const std::uint64_t from = chunk_offset(first);
  const std::uint64_t bytes = std::min(chunk_offset(end), sealed_size(size_)) - from;
  Buffers& buffers = thread_buffers();
  failed_chunk_ = first;
  VALETKEY_CHECK(read_fully(file_.get(), from, {buffers.sealed.data(), bytes}, mode));

  std::size_t done = 0;
  std::string_view rest(buffers.sealed.data(), bytes);
  for (std::uint64_t chunk = first; chunk < end; ++chunk) {
    const std::string_view sealed = rest.substr(0, kSealedChunkBytes);
    rest.remove_prefix(sealed.size());
    const std::size_t plain = sealed.size() - kAesTagBytes;
    const std::size_t skip = chunk == first ? static_cast<std::size_t>(offset % kChunkBytes) : 0;
    if (skip == 0 && out.size() - done >= plain) {
      VALETKEY_CHECK(open_chunk(chunk, sealed, out.data() + done));
      done += plain;
      continue;
    }
    VALETKEY_CHECK(open_chunk(chunk, sealed, buffers.chunk.data()));
    const std::size_t take = std::min(plain - skip, out.size() - done);
    std::memcpy(out.data() + done, buffers.chunk.data() + skip, take);
    done += take;
  }
  return done;
}

Result<void, ReadFailure> SealedReader::open_chunk(std::uint64_t chunk, std::string_view sealed,
                                                   char* out) {
  const auto nonce = chunk_nonce(chunk, chunk + 1 == chunk_count(size_));
  if (aes_.open({nonce.data(), nonce.size()}, {}, sealed, out)) return {};
  failed_chunk_ = chunk;
  return std::unexpected(ReadFailure::corrupt);
}

// A large read that had to come to the pool will need what follows.
void SealedReader::ask_ahead(std::uint64_t from) {
  const std::uint64_t wanted = from + kAheadBytes;
  if (from >= size_ || wanted < asked_until_ + kAheadBytes / 2) return;
  const std::uint64_t start = std::max(from, asked_until_);
  posix_fadvise(file_.get(), static_cast<off_t>(chunk_offset(start / kChunkBytes)),
                static_cast<off_t>(wanted - start), POSIX_FADV_WILLNEED);
  asked_until_ = wanted;
}

}  // namespace valetkey::storage
