// SPDX-License-Identifier: Apache-2.0
// What the tests of the exporter stand on.
#pragma once

#include <chrono>
#include <filesystem>

#include "base/timestamp.h"

namespace valetkey::exporter {

extern const std::filesystem::path kLibrary;  // DuckDB, where script/bootstrap has installed it
inline constexpr auto kNoon =
    std::chrono::sys_days(std::chrono::year(2026) / 3 / 10) + std::chrono::hours(12);

}  // namespace valetkey::exporter
