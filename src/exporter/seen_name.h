// SPDX-License-Identifier: Apache-2.0
// The names of seen files: whose they are, and how far the log was exported when they were made. docs/formats.md, "Seen
// uuids".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "exporter/ledger.h"

namespace valetkey::exporter {

// The folder of a partition; the first one's is that of all others, too, since it was the only one once.
std::string seen_folder(unsigned partition);
// `end`: where the newest batch in it ended; `name`: of the batch, or a fresh uuid.
std::string seen_key(unsigned partition, std::uint64_t end, std::string_view name);
// 0 of a file that an earlier release made.
std::uint64_t end_of(const SeenFile& file);
// Of files of one partition, by day and end.
bool is_older(const SeenFile& a, const SeenFile& b);

}  // namespace valetkey::exporter
