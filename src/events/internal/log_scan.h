// SPDX-License-Identifier: Apache-2.0
// The walk through the folder of a file log when it is opened: a torn tail is cut, damaged stretches are set aside.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/keyring.h"
#include "base/result.h"
#include "events/internal/segment_table.h"

namespace valetkey::events {

// `unavailable`: a segment is of another keyring, or of a newer version of this program.
Result<FoundSegments> scan_segments(const std::filesystem::path& folder, const Keyring& keyring,
                                    unsigned partitions);

// Damaged bytes are kept in bad/ for a person to look at; the name is their place, so twice is once.
Result<void> set_aside(const std::filesystem::path& segment, std::uint64_t position,
                       std::string_view bytes);

}  // namespace valetkey::events
