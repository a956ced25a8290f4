// SPDX-License-Identifier: Apache-2.0
// The chunked transfer coding, RFC 9112 section 7.1, strictly: CRLF only, hexadecimal sizes of at
// most 16 digits, extensions and trailers of limited length, which are dropped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace valetkey::http {

class ChunkDecoder {
 public:
  enum class State : std::uint8_t { more, done, malformed, too_large };
  explicit ChunkDecoder(std::uint64_t max_body_bytes) : left_(max_body_bytes) {}
  // Takes from the front of `in` and appends what it decodes to `out`. What is left in `in` when
  // done is the next message's.
  State feed(std::string_view& in, std::string& out);

 private:
  enum class At : std::uint8_t {
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,
    trailer_lf
  };
  State step(char c);
  State take_size(char c);
  State end_size_line();

  At at_ = At::size;
  std::uint64_t left_;       // what the body may still hold
  std::uint64_t chunk_ = 0;  // of the current chunk, still to come
  unsigned digits_ = 0;
  std::size_t overhead_ = 0;  // extension and trailer bytes
  std::size_t trailer_line_ = 0;
};

}  // namespace valetkey::http
