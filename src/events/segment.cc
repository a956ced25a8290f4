// SPDX-License-Identifier: Apache-2.0
#include "events/segment.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace valetkey::events {
namespace {

constexpr std::string_view kSegmentMagic = "VKEVLOG2";
constexpr std::string_view kOnePartitionMagic = "VKEVLOG1";
constexpr std::string_view kFamily = "VKEVLOG";  // of every format
constexpr std::string_view kFrameMagic = "VKFR";
constexpr std::size_t kWrappedBytes = kAesKeyBytes + kAesTagBytes;
// magic, key id, number, wrap nonce, wrapped key; then its checksum and zeros
constexpr std::size_t kHeaderFields = 8 + 4 + 8 + kAesNonceBytes + kWrappedBytes;
constexpr std::uint32_t kMaxSealedBytes = 64 << 20;

void put_big_endian(std::string& out, std::uint64_t n, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0;) out.push_back(static_cast<char>(n >> (8 * i)));
}
std::uint64_t get_big_endian(std::string_view bytes) {
  std::uint64_t n = 0;
  for (const char c : bytes) n = n << 8 | static_cast<std::uint8_t>(c);
  return n;
}
std::string nonce_of(std::uint32_t frame) {
  std::string nonce;
  put_big_endian(nonce, frame, 4);
  nonce.resize(kAesNonceBytes, '\0');
  return nonce;
}
// Binds a wrapped key to its place: another segment's header does not open this one.
std::string wrap_aad(std::string_view magic_id_number) {
  return std::string("event-log\0", 10) + std::string(magic_id_number);
}

Result<void> remove_without_frames(const std::filesystem::path& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (error || bytes > kSegmentHeaderBytes || ::unlink(path.c_str()) == 0) return {};
  return fail_errno("cannot remove " + path.string());
}

Result<void> begin_file(const FileDescriptor& fd, const std::filesystem::path& path,
                        std::string_view header) {
  VALETKEY_CHECK(write_all(fd.get(), header, path.string()));
  VALETKEY_CHECK(sync_file(fd.get(), path.string()));
  return sync_folder(path.parent_path());
}

}  // namespace

std::filesystem::path segment_path(const std::filesystem::path& folder, std::uint64_t number) {
  return folder / fmt::format("{:020}.log", number);
}

std::string encode_frame_header(const FrameHeader& header) {
  std::string out(kFrameMagic);
  put_big_endian(out, header.sealed_bytes, 4);
  put_big_endian(out, header.first, 8);
  put_big_endian(out, header.count, 4);
  put_big_endian(out, header.number, 4);
  put_big_endian(out, header.partition, 4);
  put_big_endian(out, crc32(0, out), 4);
  return out;
}

Result<FrameHeader> decode_frame_header(std::string_view bytes) {
  if (bytes.size() != kFrameHeaderBytes || !bytes.starts_with(kFrameMagic) ||
      get_big_endian(bytes.substr(28)) != crc32(0, bytes.substr(0, 28)))
    return fail(ErrorCode::corrupt, "not a frame header");
  const auto field = [&](std::size_t at, std::size_t size) {
    return get_big_endian(bytes.substr(at, size));
  };
  FrameHeader header{static_cast<std::uint32_t>(field(4, 4)), field(8, 8),
                     static_cast<std::uint32_t>(field(16, 4)),
                     static_cast<std::uint32_t>(field(20, 4)),
                     static_cast<std::uint32_t>(field(24, 4))};
  if (header.sealed_bytes < kAesTagBytes || header.sealed_bytes > kMaxSealedBytes)
    return fail(ErrorCode::corrupt, "a frame of an impossible size");
  return header;
}

SegmentWriter::SegmentWriter(std::filesystem::path path, FileDescriptor fd, std::string_view key)
    : path_(std::move(path)), fd_(std::move(fd)), aes_(key) {}

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::create(const std::filesystem::path& folder,
                                                             std::uint64_t number,
                                                             const Keyring& keyring,
                                                             Timestamp now) {
  VALETKEY_TRY(const Key* object_key, keyring.require_active(KeyPurpose::object, now));
  std::string header(kSegmentMagic);
  put_big_endian(header, object_key->id, 4);
  put_big_endian(header, number, 8);
  const Secret data_key(random_bytes(kAesKeyBytes));
  const auto nonce = random_bytes(kAesNonceBytes);
  const auto wrapped =
      aes_gcm_seal(object_key->seal.reveal(), nonce, wrap_aad(header), data_key.reveal());
  header += nonce;
  header += wrapped;
  put_big_endian(header, crc32(0, header), 4);
  header.resize(kSegmentHeaderBytes, '\0');

  auto path = segment_path(folder, number);
  VALETKEY_CHECK(remove_without_frames(path));
  VALETKEY_TRY(auto fd, open_file(path, O_RDWR | O_CREAT | O_EXCL));
  if (auto begun = begin_file(fd, path, header); !begun) {
    ::unlink(path.c_str());  // or the next attempt meets it
    return std::unexpected(std::move(begun).error());
  }
  return std::unique_ptr<SegmentWriter>(
      new SegmentWriter(std::move(path), std::move(fd), data_key.reveal()));
}

Result<void> SegmentWriter::append(std::string_view records, FrameHeader header) {
  header.sealed_bytes = static_cast<std::uint32_t>(records.size() + kAesTagBytes);
  header.number = next_frame_;
  buffer_ = encode_frame_header(header);
  buffer_.resize(kFrameHeaderBytes + header.sealed_bytes);
  aes_.seal(nonce_of(next_frame_), std::string_view(buffer_).substr(0, kFrameHeaderBytes), records,
            buffer_.data() + kFrameHeaderBytes);
  // Counted even if the write fails: a nonce is used once.
  ++next_frame_;
  if (auto written = write_all(fd_.get(), buffer_, path_.string()); !written) {
    VALETKEY_CHECK(cut());
    return written;
  }
  position_ += buffer_.size();
  return {};
}

Result<void> SegmentWriter::cut() {
  if (ftruncate(fd_.get(), static_cast<off_t>(position_)) == 0 &&
      lseek(fd_.get(), static_cast<off_t>(position_), SEEK_SET) >= 0)
    return {};
  return fail_errno("cannot cut " + path_.string());
}

Result<void> SegmentWriter::try_room(std::size_t bytes) {
  const std::string zeros(bytes, '\0');
  auto written = write_all(fd_.get(), zeros, path_.string());
  if (written) written = sync();
  VALETKEY_CHECK(cut());
  return written;
}

Result<void> SegmentWriter::sync() { return sync_file(fd_.get(), path_.string()); }

SegmentReader::SegmentReader(std::filesystem::path path, FileDescriptor fd, std::uint64_t number,
                             bool partitioned, std::string_view key)
    : path_(std::move(path)),
      fd_(std::move(fd)),
      number_(number),
      partitioned_(partitioned),
      aes_(key) {}

Result<std::unique_ptr<SegmentReader>> SegmentReader::open(const std::filesystem::path& path,
                                                           const Keyring& keyring) {
  VALETKEY_TRY(auto fd, open_file(path, O_RDONLY));
  std::string header(kSegmentHeaderBytes, '\0');
  VALETKEY_CHECK(read_exactly(fd.get(), 0, header, path.string()));
  const std::string_view fields = std::string_view(header).substr(0, kHeaderFields);
  const bool partitioned = fields.starts_with(kSegmentMagic);
  if (!fields.starts_with(kFamily) ||
      get_big_endian(std::string_view(header).substr(kHeaderFields, 4)) != crc32(0, fields))
    return fail(ErrorCode::corrupt, path.string() + " is not a segment of the event log");
  if (!partitioned && !fields.starts_with(kOnePartitionMagic))
    return fail(ErrorCode::unavailable,
                path.string() + " was written by a newer version of Valetkey; start that one");
  const auto key_id = static_cast<std::uint32_t>(get_big_endian(fields.substr(8, 4)));
  const Key* key = keyring.find(KeyPurpose::object, key_id);
  if (key == nullptr)
    return fail(ErrorCode::corrupt,
                fmt::format("{} needs object key {}, which the keyring does not "
                            "hold; give the keyring it was written with",
                            path.string(), key_id));
  auto data_key = aes_gcm_open(key->seal.reveal(), fields.substr(20, kAesNonceBytes),
                               wrap_aad(fields.substr(0, 20)), fields.substr(32));
  // The header is whole, so the keyring is another one: nothing of it may be taken for damage.
  if (!data_key)
    return fail(ErrorCode::unavailable,
                path.string() + " was written with another keyring; give that one");
  const Secret secret(std::move(*data_key));
  return std::unique_ptr<SegmentReader>(new SegmentReader(
      path, std::move(fd), get_big_endian(fields.substr(12, 8)), partitioned, secret.reveal()));
}

Result<SegmentReader::Frame> SegmentReader::frame_at(std::uint64_t position,
                                                     std::uint64_t end) const {
  if (position >= end) return fail(ErrorCode::not_found, "the end");
  if (position + kFrameHeaderBytes > end)
    return fail(ErrorCode::corrupt, path_.string() + " ends within a frame header");
  std::string bytes(kFrameHeaderBytes, '\0');
  VALETKEY_CHECK(read_exactly(fd_.get(), position, bytes, path_.string()));
  VALETKEY_TRY(auto header, decode_frame_header(bytes));
  if (!partitioned_) header.partition = 0;
  const Frame frame{header, position};
  if (frame.next() > end) return fail(ErrorCode::corrupt, path_.string() + " ends within a frame");
  return frame;
}

std::uint64_t SegmentReader::find_frame(std::uint64_t position, std::uint64_t end) const {
  constexpr std::uint64_t kWindow = 1 << 20;
  for (auto at = position + 1; at + kFrameHeaderBytes <= end;) {
    std::string window(std::min(kWindow, end - at), '\0');
    if (!read_exactly(fd_.get(), at, window, path_.string())) return end;
    for (auto hit = window.find(kFrameMagic); hit != std::string::npos;
         hit = window.find(kFrameMagic, hit + 1))
      if (frame_at(at + hit, end)) return at + hit;
    if (window.size() < kWindow) return end;
    at += kWindow - kFrameMagic.size() + 1;
  }
  return end;
}

Result<std::string_view> SegmentReader::records(const Frame& frame) {
  // Kept from frame to frame: fresh memory of this size costs more than opening what is in it.
  sealed_.resize(kFrameHeaderBytes + frame.header.sealed_bytes);
  records_.resize(frame.header.sealed_bytes - kAesTagBytes);
  VALETKEY_CHECK(read_exactly(fd_.get(), frame.position, sealed_, path_.string()));
  const std::string_view all = sealed_;
  if (!aes_.open(nonce_of(frame.header.number), all.substr(0, kFrameHeaderBytes),
                 all.substr(kFrameHeaderBytes), records_.data()))
    return fail(ErrorCode::corrupt,
                fmt::format("{} holds a damaged frame at byte {}", path_.string(), frame.position));
  return records_;
}

Result<std::string> SegmentReader::raw(std::uint64_t position, std::uint64_t end) const {
  std::string bytes(end - position, '\0');
  VALETKEY_CHECK(read_exactly(fd_.get(), position, bytes, path_.string()));
  return bytes;
}

}  // namespace valetkey::events
