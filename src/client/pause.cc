// SPDX-License-Identifier: Apache-2.0
#include "client/pause.h"

#include <algorithm>
#include <cstring>

#include "base/crypto.h"

namespace valetkey::client {

milliseconds jitter(milliseconds most) {
  if (most <= milliseconds(0)) return milliseconds(0);
  const std::string bytes = random_bytes(sizeof(std::uint32_t));
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return milliseconds(value % static_cast<std::uint64_t>(most.count() + 1));
}

milliseconds backoff(unsigned attempt, milliseconds first, milliseconds longest) {
  const milliseconds whole =
      std::min<milliseconds>(longest, first * (1LL << std::min(attempt, 20U)));
  return whole / 2 + jitter(whole - whole / 2);
}

}  // namespace valetkey::client
