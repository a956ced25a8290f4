// SPDX-License-Identifier: Apache-2.0
#include "exporter/internal/thrift.h"

namespace valetkey::exporter {
namespace {
constexpr unsigned kMaxDepth = 16;  // FileMetaData needs 7
constexpr std::uint8_t kLastType = static_cast<std::uint8_t>(ThriftType::struct_);
}  // namespace

std::uint64_t ThriftReader::fault() {
  failed_ = true;
  rest_.remove_prefix(rest_.size());
  return 0;
}

std::uint8_t ThriftReader::byte() {
  if (rest_.empty()) return static_cast<std::uint8_t>(fault());
  const auto b = static_cast<std::uint8_t>(rest_.front());
  rest_.remove_prefix(1);
  return b;
}

std::string_view ThriftReader::take(std::uint64_t count) {
  if (count > rest_.size()) {
    fault();
    return {};
  }
  const auto taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}

std::uint64_t ThriftReader::varint() {
  std::uint64_t n = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto b = byte();
    if (shift == 63 && b > 1) break;
    n |= static_cast<std::uint64_t>(b & 0x7f) << shift;
    if (b < 0x80) return n;
  }
  return fault();
}

std::int64_t ThriftReader::integer() {
  const auto n = varint();
  return static_cast<std::int64_t>(n >> 1) ^ -static_cast<std::int64_t>(n & 1);
}

std::string_view ThriftReader::binary() { return take(varint()); }

ThriftReader::Field ThriftReader::field(std::int32_t former_id) {
  const auto b = byte();
  const auto type = static_cast<std::uint8_t>(b & 0x0f);
  if (type == 0) return {};
  if (type > kLastType) {
    fault();
    return {};
  }
  const std::int64_t id = b >> 4 == 0 ? integer() : former_id + (b >> 4);
  if (failed_ || id < 0 || id > 32767) {
    fault();
    return {};
  }
  return {static_cast<std::int32_t>(id), static_cast<ThriftType>(type)};
}

ThriftReader::List ThriftReader::list() {
  const auto b = byte();
  const auto item = static_cast<std::uint8_t>(b & 0x0f);
  const std::uint64_t size = b >> 4 == 15 ? varint() : b >> 4;
  // Every item takes a byte at least, so a size beyond what is left is a lie.
  if (size > rest_.size() || item > kLastType || (item == 0 && size > 0)) {
    fault();
    return {};
  }
  return {static_cast<ThriftType>(item), size};
}

void ThriftReader::skip(ThriftType type, unsigned depth) {
  switch (type) {
    case ThriftType::true_:
    case ThriftType::false_:
      return;  // the type is the value
    case ThriftType::byte:
      byte();
      return;
    case ThriftType::i16:
    case ThriftType::i32:
    case ThriftType::i64:
      varint();
      return;
    case ThriftType::float64:
      take(8);
      return;
    case ThriftType::binary:
      binary();
      return;
    default:
      break;
  }
  if (depth >= kMaxDepth)
    fault();
  else
    skip_container(type, depth + 1);
}

// Inside a container a boolean is a byte of its own.
void ThriftReader::skip_item(ThriftType type, unsigned depth) {
  if (type == ThriftType::true_ || type == ThriftType::false_)
    byte();
  else
    skip(type, depth);
}

void ThriftReader::skip_container(ThriftType type, unsigned depth) {
  if (type == ThriftType::struct_) {
    for (auto f = field(0); f.type != ThriftType::stop; f = field(f.id)) skip(f.type, depth);
  } else if (type == ThriftType::map) {
    const auto size = varint();
    if (size == 0) return;
    const auto types = byte();
    const auto key = static_cast<ThriftType>(types >> 4),
               value = static_cast<ThriftType>(types & 15);
    for (std::uint64_t i = 0; i < size && !failed_; ++i) {
      skip_item(key, depth);
      skip_item(value, depth);
    }
  } else if (type == ThriftType::list || type == ThriftType::set) {
    const auto items = list();
    for (std::uint64_t i = 0; i < items.size && !failed_; ++i) skip_item(items.item, depth);
  } else {
    fault();
  }
}

void ThriftWriter::varint(std::uint64_t n) {
  for (; n >= 0x80; n >>= 7) out_.push_back(static_cast<char>(0x80 | (n & 0x7f)));
  out_.push_back(static_cast<char>(n));
}

void ThriftWriter::field(std::int32_t id, std::int32_t former_id, ThriftType type) {
  const auto delta = id - former_id;
  const auto low = static_cast<std::uint8_t>(type);
  if (delta > 0 && delta <= 15) {
    out_.push_back(static_cast<char>(delta << 4 | low));
    return;
  }
  out_.push_back(static_cast<char>(low));
  integer(id);
}

void ThriftWriter::list(ThriftType item, std::uint64_t size) {
  const auto low = static_cast<std::uint8_t>(item);
  out_.push_back(static_cast<char>((size < 15 ? size : 15) << 4 | low));
  if (size >= 15) varint(size);
}

void ThriftWriter::integer(std::int64_t value) {
  varint((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
}

void ThriftWriter::binary(std::string_view bytes) {
  varint(bytes.size());
  out_.append(bytes);
}

}  // namespace valetkey::exporter
