// SPDX-License-Identifier: Apache-2.0
// One file of the event log: a header with the wrapped data key, then frames, each sealed on its
// own. A segment is written by one thread; several may read it up to a length that the writer
// published.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "base/file.h"
#include "base/keyring.h"
#include "base/result.h"
#include "events/event_log.h"

namespace valetkey::events {

inline constexpr std::size_t kSegmentHeaderBytes = 96;
inline constexpr std::size_t kFrameHeaderBytes = 32;

struct FrameHeader {
  std::uint32_t sealed_bytes = 0;  // ciphertext and tag
  Offset first = 0;                // in its partition
  std::uint32_t count = 0;
  std::uint32_t number = 0;  // of the frame in its segment: the nonce
  std::uint32_t partition = 0;
};
std::string encode_frame_header(const FrameHeader& header);
// `corrupt` unless magic and checksum are right.
Result<FrameHeader> decode_frame_header(std::string_view bytes);

class SegmentWriter {
 public:
  // On failure nothing is left. A file of this name that holds no frame is what a failed creation
  // left, and is replaced; one that holds more is `already_exists`.
  static Result<std::unique_ptr<SegmentWriter>> create(const std::filesystem::path& folder,
                                                       std::uint64_t number, const Keyring& keyring,
                                                       Timestamp now);
  // Seals and writes one frame of the header's partition, first and count; not yet durable. On failure the file is as
  // before.
  Result<void> append(std::string_view records, FrameHeader header);
  Result<void> sync();
  // Whether there is room for so many bytes more: writes zeros, syncs them and cuts them off again.
  Result<void> try_room(std::size_t bytes);
  std::uint64_t bytes() const { return position_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  SegmentWriter(std::filesystem::path path, FileDescriptor fd, std::string_view key);
  Result<void> cut();
  std::filesystem::path path_;
  FileDescriptor fd_;
  AesGcm aes_;
  std::uint64_t position_ = kSegmentHeaderBytes;
  std::uint32_t next_frame_ = 0;
  std::string buffer_;
};

class SegmentReader {
 public:
  // Of the first format, too: all its frames are of partition 0. `corrupt`: not a segment, or its header was altered;
  // `unavailable`: the keyring is not the one it was written with, or the format is a newer one.
  static Result<std::unique_ptr<SegmentReader>> open(const std::filesystem::path& path,
                                                     const Keyring& keyring);
  std::uint64_t number() const { return number_; }

  struct Frame {
    FrameHeader header;
    std::uint64_t position = 0;  // of its header
    std::uint64_t next() const { return position + kFrameHeaderBytes + header.sealed_bytes; }
  };
  // The header at `position`; `not_found` at `end`; `corrupt` if there is none or it reaches beyond
  // `end`.
  Result<Frame> frame_at(std::uint64_t position, std::uint64_t end) const;
  // The next position behind `position` with a sound header, or `end`.
  std::uint64_t find_frame(std::uint64_t position, std::uint64_t end) const;
  // The records of a frame, valid until the next call; `corrupt` if they do not authenticate.
  Result<std::string_view> records(const Frame& frame);
  // The bytes of a stretch, to set aside.
  Result<std::string> raw(std::uint64_t position, std::uint64_t end) const;

 private:
  SegmentReader(std::filesystem::path path, FileDescriptor fd, std::uint64_t number,
                bool partitioned, std::string_view key);
  std::filesystem::path path_;
  FileDescriptor fd_;
  std::uint64_t number_;
  bool partitioned_;
  AesGcm aes_;
  std::string sealed_, records_;  // of the frame read last
};

std::filesystem::path segment_path(const std::filesystem::path& folder, std::uint64_t number);

}  // namespace valetkey::events
