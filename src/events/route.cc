// SPDX-License-Identifier: Apache-2.0
#include "events/route.h"

#include <cstdint>

namespace valetkey::events {
namespace {

// FNV-1a, 64 bits. Its low bits depend on the low bits of the text alone, so the high ones are folded in.
constexpr std::uint64_t kBasis = 0xcbf29ce484222325;
constexpr std::uint64_t kPrime = 0x100000001b3;

std::uint64_t add(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * kPrime;
  return hash;
}
std::uint64_t fold(std::uint64_t hash) {
  hash = (hash ^ (hash >> 32)) * 0x9e3779b97f4a7c15;
  return hash >> 32;
}

}  // namespace

unsigned partition_of(const Route& route, unsigned partitions, unsigned spread) {
  auto hash = add(kBasis, route.account);
  if (spread > 1) {
    const auto place = fold(add(kBasis, route.visitor)) % spread;
    hash = (add(hash, std::string_view("\0", 1)) ^ place) * kPrime;
  }
  return static_cast<unsigned>(fold(hash) % partitions);
}

}  // namespace valetkey::events
