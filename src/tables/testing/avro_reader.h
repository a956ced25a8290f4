// SPDX-License-Identifier: Apache-2.0
// A strict reader of Avro object container files, driven by the schema that the file brings: a second opinion on
// what AvroWriter writes. Refuses whatever is left over, overlong or out of range. Maps of Iceberg stay arrays.
#pragma once

#define ZLIB_CONST
#include <zlib.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"

namespace valetkey::tables {

struct AvroFile {
  std::map<std::string, std::string> metadata;
  std::vector<boost::json::value> rows;  // bytes as strings in hex
};

namespace avro_reading {

namespace json = boost::json;
inline constexpr std::size_t kMaxBytes = 64 << 20;

class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : rest_(bytes) {}

  std::optional<std::string_view> take(std::uint64_t count) {
    if (count > rest_.size()) return std::nullopt;
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  std::optional<std::int64_t> take_long() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      const auto byte = take(1);
      if (!byte) return std::nullopt;
      const auto bits = static_cast<unsigned char>(byte->front());
      if (shift == 63 && bits > 1) return std::nullopt;
      value |= static_cast<std::uint64_t>(bits & 0x7F) << shift;
      if ((bits & 0x80) != 0) continue;
      if (bits == 0 && shift > 0) return std::nullopt;  // overlong
      return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
    }
    return std::nullopt;
  }
  std::optional<std::string_view> take_text() {
    const auto length = take_long();
    if (!length || *length < 0) return std::nullopt;
    return take(static_cast<std::uint64_t>(*length));
  }
  bool empty() const { return rest_.empty(); }
  std::size_t left() const { return rest_.size(); }

 private:
  std::string_view rest_;
};

inline std::optional<json::value> read_value(const json::value& schema, Bytes& from, int depth);

inline std::optional<json::value> read_record(const json::object& schema, Bytes& from, int depth) {
  const auto* fields = schema.if_contains("fields");
  if (fields == nullptr || !fields->is_array()) return std::nullopt;
  json::object record;
  for (const json::value& field : fields->get_array()) {
    const auto* described = field.if_object();
    const auto* name = described == nullptr ? nullptr : described->if_contains("name");
    const auto* type = described == nullptr ? nullptr : described->if_contains("type");
    if (name == nullptr || !name->is_string() || type == nullptr) return std::nullopt;
    auto value = read_value(*type, from, depth + 1);
    if (!value || record.contains(name->get_string())) return std::nullopt;
    record.emplace(name->get_string(), std::move(*value));
  }
  return record;
}

inline std::optional<json::value> read_array(const json::object& schema, Bytes& from, int depth) {
  const auto* items = schema.if_contains("items");
  if (items == nullptr) return std::nullopt;
  json::array array;
  while (true) {
    const auto count = from.take_long();
    if (!count || *count < 0) return std::nullopt;
    if (*count == 0) return array;
    if (static_cast<std::uint64_t>(*count) > from.left())
      return std::nullopt;  // of at least a byte
    for (std::int64_t i = 0; i < *count; ++i) {
      auto value = read_value(*items, from, depth + 1);
      if (!value) return std::nullopt;
      array.push_back(std::move(*value));
    }
  }
}

inline std::optional<json::value> read_plain(std::string_view type, Bytes& from) {
  if (type == "null") return json::value(nullptr);
  if (type == "boolean") {
    const auto byte = from.take(1);
    if (!byte || static_cast<unsigned char>(byte->front()) > 1) return std::nullopt;
    return json::value(byte->front() == 1);
  }
  if (type == "int" || type == "long") {
    const auto value = from.take_long();
    if (!value || (type == "int" && *value != static_cast<std::int32_t>(*value)))
      return std::nullopt;
    return json::value(*value);
  }
  if (type != "string" && type != "bytes") return std::nullopt;
  const auto bytes = from.take_text();
  if (!bytes || (type == "string" && !is_utf8(*bytes))) return std::nullopt;
  return json::value(type == "bytes" ? hex(*bytes) : std::string(*bytes));
}

inline std::optional<json::value> read_value(const json::value& schema, Bytes& from, int depth) {
  if (depth > 16) return std::nullopt;
  if (const auto* type = schema.if_string()) return read_plain(*type, from);
  if (const auto* branches = schema.if_array()) {
    const auto branch = from.take_long();
    if (!branch || *branch < 0 || static_cast<std::uint64_t>(*branch) >= branches->size())
      return std::nullopt;
    return read_value((*branches)[static_cast<std::size_t>(*branch)], from, depth + 1);
  }
  const auto* described = schema.if_object();
  const auto* type = described == nullptr ? nullptr : described->if_contains("type");
  if (type == nullptr) return std::nullopt;
  if (type->is_string() && type->get_string() == "record")
    return read_record(*described, from, depth);
  if (type->is_string() && type->get_string() == "array")
    return read_array(*described, from, depth);
  return read_value(*type, from, depth + 1);
}

// All of `bytes` as one raw deflate stream.
inline std::optional<std::string> inflate_all(std::string_view bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return std::nullopt;
  stream.next_in = reinterpret_cast<const Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  int state = Z_OK;
  while (state == Z_OK && out.size() < kMaxBytes) {
    char piece[16384];
    stream.next_out = reinterpret_cast<Bytef*>(piece);
    stream.avail_out = sizeof piece;
    state = inflate(&stream, Z_NO_FLUSH);
    out.append(piece, sizeof piece - stream.avail_out);
  }
  const bool whole = state == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  if (!whole) return std::nullopt;
  return out;
}

inline bool read_metadata(Bytes& file, AvroFile& out) {
  while (true) {
    const auto count = file.take_long();
    if (!count || *count < 0) return false;
    if (*count == 0) return true;
    for (std::int64_t i = 0; i < *count; ++i) {
      const auto name = file.take_text();
      const auto value = name ? file.take_text() : std::nullopt;
      if (!value || !out.metadata.emplace(*name, *value).second) return false;
    }
  }
}

inline bool read_rows(const json::value& schema, std::int64_t count, std::string_view block,
                      AvroFile& out) {
  Bytes from(block);
  for (std::int64_t i = 0; i < count; ++i) {
    if (from.empty()) return false;
    auto row = read_value(schema, from, 0);
    if (!row) return false;
    out.rows.push_back(std::move(*row));
  }
  return from.empty();
}

}  // namespace avro_reading

// Nothing where anything is wrong.
inline std::optional<AvroFile> read_avro(std::string_view bytes) {
  using namespace avro_reading;
  Bytes file(bytes);
  AvroFile out;
  if (file.take(4) != std::string_view("Obj\1", 4) || !read_metadata(file, out))
    return std::nullopt;
  if (out.metadata["avro.codec"] != "deflate") return std::nullopt;
  boost::system::error_code wrong;
  const json::value schema = json::parse(out.metadata["avro.schema"], wrong);
  const auto sync = file.take(16);
  if (wrong || !sync) return std::nullopt;
  while (!file.empty()) {
    const auto count = file.take_long();
    const auto packed = count && *count > 0 ? file.take_text() : std::nullopt;
    if (!packed || file.take(16) != sync) return std::nullopt;
    const auto block = inflate_all(*packed);
    if (!block || !read_rows(schema, *count, *block, out)) return std::nullopt;
  }
  return out;
}

}  // namespace valetkey::tables
