// SPDX-License-Identifier: Apache-2.0
// What one stored version of an object is called: 16 random bytes. It names the file, stands in its
// header and is bound into the wrapping of its data key. Pure but for the random source.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/result.h"

namespace valetkey::storage {

struct ObjectId {
  std::array<std::uint8_t, 16> bytes{};

  static ObjectId make();                                // random
  static Result<ObjectId> parse(std::string_view text);  // 32 lower-case hex digits
  static Result<ObjectId> from_bytes(std::string_view raw);
  std::string_view raw() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  std::string str() const;        // 32 hex digits
  std::string file_path() const;  // "xx/<32 hex digits>": where below objects/
  friend auto operator<=>(const ObjectId&, const ObjectId&) = default;
};

}  // namespace valetkey::storage
