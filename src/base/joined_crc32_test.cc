// SPDX-License-Identifier: Apache-2.0
#include "base/joined_crc32.h"

#include <gtest/gtest.h>

#include <string>

#include "base/crypto.h"

namespace valetkey {
namespace {

TEST(JoinedCrc32, IsThatOfTheWholeText) {
  const std::string text =
      "The quick brown fox jumps over the lazy dog" + std::string(100'000, 'x');
  for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{43}, text.size()}) {
    const std::string_view first = std::string_view(text).substr(0, cut);
    const std::string_view second = std::string_view(text).substr(cut);
    EXPECT_EQ(joined_crc32(crc32(0, first), crc32(0, second), second.size()), crc32(0, text));
  }
}

}  // namespace
}  // namespace valetkey
