// SPDX-License-Identifier: Apache-2.0
// Gives up what cannot be read of a run, so that the others of its partition are cut: docs/operations.md, "A damaged
// run". Beside exporters that work.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "base/timestamp.h"
#include "exporter/ledger.h"
#include "storage/object_store.h"

namespace valetkey::exporter {

// The accounts whose events can be read keep them, in an object of the same key; the others' count as dropped. How many
// events those are; nothing: the run is sound, or was cut meanwhile, or the store cannot tell now.
Result<std::optional<std::uint64_t>> give_up_damage(storage::ObjectStore& store, Ledger& ledger,
                                                    const Run& run, Timestamp now);

// Whether the store answers and has no object of that key, which a refused or a failed read does not prove.
Result<bool> is_missing(storage::ObjectStore& store, const std::string& key);

}  // namespace valetkey::exporter
