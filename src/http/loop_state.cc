// SPDX-License-Identifier: Apache-2.0
#include "http/internal/loop_state.h"

#include <bit>

#include "base/crypto.h"

namespace valetkey::http {

std::string_view DateLine::at(Timestamp now) {
  const std::int64_t second = std::chrono::floor<seconds>(now).time_since_epoch().count();
  if (second != second_) {
    second_ = second;
    line_ = "Date: " + format_http_date(now) + "\r\n";
  }
  return line_;
}

RequestIds::RequestIds() {
  std::array<std::uint8_t, 64> seed;
  random_bytes(std::span(seed));
  std::seed_seq sequence(seed.begin(), seed.end());
  random_.seed(sequence);
}

void RequestIds::next(Id& out) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  const std::array<std::uint64_t, 2> drawn{random_(), random_()};
  auto bytes = std::bit_cast<std::array<std::uint8_t, 16>>(drawn);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  char* at = out.data();
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
    *at++ = kDigits[bytes[i] >> 4];
    *at++ = kDigits[bytes[i] & 15];
  }
}

BatchBuffers::Buffer BatchBuffers::take() {
  if (free_.empty()) return std::make_unique_for_overwrite<char[]>(kBatchBytes);
  Buffer buffer = std::move(free_.back());
  free_.pop_back();
  return buffer;
}

void BatchBuffers::give_back(Buffer buffer) {
  constexpr std::size_t kKept = 8;
  if (free_.size() < kKept) free_.push_back(std::move(buffer));
}

}  // namespace valetkey::http
