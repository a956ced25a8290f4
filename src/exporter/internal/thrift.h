// SPDX-License-Identifier: Apache-2.0
// Thrift's compact protocol, as far as Parquet footers need it: a reader that trusts nothing, and a
// writer. Pure. Source:
// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace valetkey::exporter {

enum class ThriftType : std::uint8_t {
  stop = 0,
  true_ = 1,
  false_ = 2,
  byte = 3,
  i16 = 4,
  i32 = 5,
  i64 = 6,
  float64 = 7,
  binary = 8,
  list = 9,
  set = 10,
  map = 11,
  struct_ = 12
};

// Pulls values in the order in which they stand. After the first fault it stays failed, is at its
// end, and gives zeros; ask failed() once, behind the last value.
class ThriftReader {
 public:
  explicit ThriftReader(std::string_view bytes) : begin_(bytes.data()), rest_(bytes) {}
  bool failed() const { return failed_; }
  std::size_t position() const { return static_cast<std::size_t>(rest_.data() - begin_); }

  struct Field {
    std::int32_t id = 0;
    ThriftType type = ThriftType::stop;  // stop: no more fields
  };
  Field field(std::int32_t former_id);
  struct List {
    ThriftType item = ThriftType::stop;
    std::uint64_t size = 0;  // at most what is left could hold
  };
  List list();
  std::int64_t integer();  // i16, i32, i64
  std::string_view binary();
  void skip(ThriftType type, unsigned depth = 0);

 private:
  std::uint64_t varint();
  std::uint8_t byte();
  std::string_view take(std::uint64_t count);
  void skip_container(ThriftType type, unsigned depth);
  void skip_item(ThriftType type, unsigned depth);
  std::uint64_t fault();

  const char* begin_;
  std::string_view rest_;
  bool failed_ = false;
};

// Appends values to a buffer.
class ThriftWriter {
 public:
  explicit ThriftWriter(std::string& out) : out_(out) {}
  void field(std::int32_t id, std::int32_t former_id, ThriftType type);
  void list(ThriftType item, std::uint64_t size);
  void integer(std::int64_t value);
  void binary(std::string_view bytes);
  void stop() { out_.push_back('\0'); }
  void raw(std::string_view bytes) { out_.append(bytes); }

 private:
  void varint(std::uint64_t value);
  std::string& out_;
};

}  // namespace valetkey::exporter
