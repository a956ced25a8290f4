// SPDX-License-Identifier: Apache-2.0
// One part in place of many, in a store that cannot do it at once: the plan is in the ledger before anything of it, so
// that a death leaves no row twice for longer than until somebody looks. docs/decisions/0021. For one thread at a time.
#pragma once

#include "exporter/export_parts.h"

namespace valetkey::exporter {

// Notes what `output` will stand for; nothing where the store replaces parts all at once.
Result<void> plan_merge(ExportParts& parts, const PlannedMerge& merge);
// The output is there and the inputs are gone.
Result<void> finish_merge(ExportParts& parts, const std::string& output);

// Takes the inputs of outputs that are there away. Where an output is not there, its plan stays, since a late one must
// still find it, but for those of days up to `forget_through`: nobody merges these any more, or their inputs are about to
// change.
Result<void> settle_merges(ExportParts& parts, Date forget_through);

// Whether the store has an object of that key.
Result<bool> is_there(storage::ObjectStore& store, const std::string& key);

}  // namespace valetkey::exporter
