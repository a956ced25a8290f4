// SPDX-License-Identifier: Apache-2.0
// Statistics of parts that came without them: of imports, and of folders of earlier releases. Thread-safe.
#pragma once

#include <string>

#include "base/result.h"
#include "exporter/parquet_footer.h"
#include "storage/object_store.h"

namespace valetkey::exporter {

// What the footer of a file tells that is a part by its key. Of another Parquet file, the rows alone.
Result<layout::PartStatistics> read_part(const std::string& key, std::uint64_t size,
                                         const ReadAt& read_at);

// Reads the footers of at most so many parts that the store has no statistics of, and keeps what they say: how many it
// were. One that is damaged is noted as such. 0: there is none left, or the store keeps no statistics.
Result<std::size_t> read_unread_parts(storage::ObjectStore& store, std::size_t limit);

}  // namespace valetkey::exporter
