// SPDX-License-Identifier: Apache-2.0
#include "base/keyed_hash.h"

#include <array>
#include <bit>

#include "base/crypto.h"

namespace valetkey {
namespace {

struct State {
  std::uint64_t a, b, c, d;

  void rounds(int count) {
    for (; count > 0; --count) {
      a += b;
      c += d;
      b = std::rotl(b, 13) ^ a;
      d = std::rotl(d, 16) ^ c;
      a = std::rotl(a, 32) + d;
      c += b;
      d = std::rotl(d, 21) ^ a;
      b = std::rotl(b, 17) ^ c;
      c = std::rotl(c, 32);
    }
  }
  void take(std::uint64_t word) {
    d ^= word;
    rounds(2);
    a ^= word;
  }
};

// Up to 8 bytes, the first one lowest.
std::uint64_t word_of(std::string_view bytes) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    word |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(bytes[i])) << (8 * i);
  return word;
}

struct Key {
  std::uint64_t low, high;
};
Key random_key() {
  std::array<std::uint8_t, 16> bytes{};
  random_bytes(bytes);
  return std::bit_cast<Key>(bytes);
}

}  // namespace

std::uint64_t siphash(std::uint64_t key_low, std::uint64_t key_high, std::string_view text) {
  // "somepseudorandomlygeneratedbytes"
  State state{key_low ^ 0x736f6d6570736575U, key_high ^ 0x646f72616e646f6dU,
              key_low ^ 0x6c7967656e657261U, key_high ^ 0x7465646279746573U};
  const std::uint64_t length = text.size();
  for (; text.size() >= 8; text.remove_prefix(8)) state.take(word_of(text.substr(0, 8)));
  state.take(word_of(text) | length << 56);
  state.c ^= 0xff;
  state.rounds(4);
  return state.a ^ state.b ^ state.c ^ state.d;
}

std::size_t KeyedHash::operator()(std::string_view text) const {
  static const Key key = random_key();
  return siphash(key.low, key.high, text);
}

}  // namespace valetkey
