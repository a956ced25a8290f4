// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <cstring>

namespace valetkey {

void wipe(std::string& bytes) {
  // A short string that was moved from, or shrunk, still holds its old bytes beyond size().
  bytes.resize(bytes.capacity());
  explicit_bzero(bytes.data(), bytes.size());
  bytes.clear();
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  // volatile: the compiler may neither stop early nor turn the loop into memcmp.
  const volatile char* x = a.data();
  const volatile char* y = b.data();
  unsigned different = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    different |= static_cast<unsigned>(static_cast<unsigned char>(x[i] ^ y[i]));
  return different == 0;
}

bool operator==(const Secret& a, const Secret& b) {
  return equal_in_constant_time(a.bytes_, b.bytes_);
}

Secret::Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { wipe(other.bytes_); }

Secret& Secret::operator=(const Secret& other) {
  if (this == &other) return *this;
  wipe(bytes_);
  bytes_ = other.bytes_;
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe(bytes_);
  bytes_ = std::move(other.bytes_);
  wipe(other.bytes_);
  return *this;
}

Secret::~Secret() { wipe(bytes_); }

}  // namespace valetkey
