// SPDX-License-Identifier: Apache-2.0
// Erasures as commands ask for them. The exporter erases: the running server, or the command
// where none runs. The request is in the ledger first, so it is carried out even if the command
// ends.
#pragma once

#include "admin/engines.h"
#include "exporter/ledger.h"

namespace valetkey::admin {

struct ErasingParts {
  const Engines& engines;
  const KeySource& keys;
  storage::ObjectStore& objects;
  control::ControlStore& control;
  exporter::Ledger& ledger;
};
// Of the visitor whose id has this SHA-256 (hex); empty: everything of the account, which must be
// deleted. Waits until it is done, an hour at most (`unavailable`: it goes on by itself).
Result<exporter::ErasureResult> erase_wherever_exported(const ErasingParts& parts,
                                                        const AccountId& account,
                                                        const std::string& visitor_sha256);

}  // namespace valetkey::admin
