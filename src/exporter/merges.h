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

enum class Unbegun : std::uint8_t {
  keep,  // the inputs stay as they are and will be merged again: an output that came late still finds its plan
  forget,  // the inputs are about to change, and are no longer what the output would hold
};
// Takes the inputs of outputs that are there away.
Result<void> settle_merges(ExportParts& parts, Unbegun unbegun);

}  // namespace valetkey::exporter
