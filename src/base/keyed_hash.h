// SPDX-License-Identifier: Apache-2.0
// A hash for tables whose keys strangers choose: SipHash-2-4 under a key that is drawn when the
// process starts, so that nobody can make up keys that collide. Thread-safe.
// Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace valetkey {

std::uint64_t siphash(std::uint64_t key_low, std::uint64_t key_high, std::string_view text);

struct KeyedHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const;
};

// Of names that come from outside.
template <class Value>
using NameMap = std::unordered_map<std::string, Value, KeyedHash, std::equal_to<>>;
using NameSet = std::unordered_set<std::string, KeyedHash, std::equal_to<>>;

}  // namespace valetkey
