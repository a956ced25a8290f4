// SPDX-License-Identifier: Apache-2.0
// A file of the console's pages, as the build embeds it: cmake/Assets.cmake writes the table.
#pragma once

#include <span>
#include <string_view>

namespace valetkey::console {

struct Asset {
  std::string_view path;  // "/assets/index-4f2a.js"
  std::string_view type;
  std::string_view etag;                 // with its quotes
  std::string_view plain, brotli, gzip;  // empty: packed, it would be no smaller
  bool immutable = false;                // its name changes with its content
};

// Of the program; none where it was built without npm. Defined in the target console_assets.
std::span<const Asset> embedded_assets();

}  // namespace valetkey::console
