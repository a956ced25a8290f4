// SPDX-License-Identifier: Apache-2.0
#include "tables/avro.h"

#include <libdeflate.h>

#include <array>
#include <new>
#include <stdexcept>

#include "base/crypto.h"

namespace valetkey::tables {
namespace {

constexpr std::string_view kMagic("Obj\1", 4);
constexpr std::size_t kSyncBytes = 16;
// Readers take a block at a time: small enough that theirs stay small, large enough to compress.
constexpr std::size_t kBlockBytes = 256 * 1024;
constexpr int kLevel = 4;  // half of the default's time for a tenth more bytes

void append_long(std::string& out, std::int64_t value) {
  auto zigzag = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  std::array<char, 10> bytes;
  std::size_t count = 0;
  for (; zigzag >= 0x80; zigzag >>= 7) bytes[count++] = static_cast<char>(zigzag | 0x80);
  bytes[count++] = static_cast<char>(zigzag);
  out.append(bytes.data(), count);
}

void append_bytes(std::string& out, std::string_view bytes) {
  append_long(out, static_cast<std::int64_t>(bytes.size()));
  out.append(bytes);
}

}  // namespace

// One state for all blocks of a file.
class AvroWriter::Deflater {
 public:
  Deflater() : compressor_(libdeflate_alloc_compressor(kLevel)) {
    if (!compressor_) throw std::bad_alloc();
  }

  std::string compress(std::string_view bytes) {
    std::string out(libdeflate_deflate_compress_bound(compressor_.get(), bytes.size()), '\0');
    const std::size_t made = libdeflate_deflate_compress(compressor_.get(), bytes.data(),
                                                         bytes.size(), out.data(), out.size());
    if (made == 0) throw std::logic_error("libdeflate exceeds its own bound");
    out.resize(made);
    out.shrink_to_fit();
    return out;
  }

 private:
  struct Free {
    void operator()(libdeflate_compressor* compressor) const {
      libdeflate_free_compressor(compressor);
    }
  };
  std::unique_ptr<libdeflate_compressor, Free> compressor_;
};

AvroWriter::AvroWriter(std::string_view schema,
                       const std::vector<std::pair<std::string, std::string>>& metadata)
    : header_(kMagic), deflater_(std::make_unique<Deflater>()) {
  append_long(header_, static_cast<std::int64_t>(metadata.size() + 2));
  append_bytes(header_, "avro.schema");
  append_bytes(header_, schema);
  append_bytes(header_, "avro.codec");
  append_bytes(header_, "deflate");
  for (const auto& [name, value] : metadata) {
    append_bytes(header_, name);
    append_bytes(header_, value);
  }
  append_long(header_, 0);
}

AvroWriter::~AvroWriter() = default;
AvroWriter::AvroWriter(AvroWriter&&) noexcept = default;

AvroWriter& AvroWriter::integer(std::int64_t value) {
  append_long(block_, value);
  return *this;
}

AvroWriter& AvroWriter::text(std::string_view bytes) {
  append_bytes(block_, bytes);
  return *this;
}

AvroWriter& AvroWriter::boolean(bool value) {
  block_.push_back(value ? 1 : 0);
  return *this;
}

AvroWriter& AvroWriter::begin_items(std::size_t count) {
  if (count > 0) append_long(block_, static_cast<std::int64_t>(count));
  return *this;
}

AvroWriter& AvroWriter::end_items() {
  append_long(block_, 0);
  return *this;
}

void AvroWriter::end_row() {
  ++rows_;
  ++block_rows_;
  if (block_.size() >= kBlockBytes) end_block();
}

void AvroWriter::end_block() {
  if (block_rows_ == 0) return;
  blocks_.emplace_back(block_rows_, deflater_->compress(block_));
  block_.clear();
  block_rows_ = 0;
}

std::string AvroWriter::finish() {
  end_block();
  Sha256 digest;
  digest.update(header_);
  for (const auto& [rows, bytes] : blocks_) digest.update(bytes);
  const Digest256 whole = digest.finish();
  const std::string_view sync = as_text(whole).substr(0, kSyncBytes);
  std::string out = std::move(header_);
  out.append(sync);
  for (const auto& [rows, bytes] : blocks_) {
    append_long(out, static_cast<std::int64_t>(rows));
    append_bytes(out, bytes);
    out.append(sync);
  }
  return out;
}

}  // namespace valetkey::tables
