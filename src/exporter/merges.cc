// SPDX-License-Identifier: Apache-2.0
#include "exporter/merges.h"

#include "exporter/part_publisher.h"

namespace valetkey::exporter {
namespace {

Result<bool> is_there(storage::ObjectStore& store, const std::string& key) {
  const auto found = store.head(key);
  if (found) return true;
  if (found.error().code == ErrorCode::not_found) return false;
  return std::unexpected(found.error());
}

Result<bool> any_is_there(storage::ObjectStore& store, const std::vector<std::string>& keys) {
  for (const auto& key : keys) {
    VALETKEY_TRY(const bool there, is_there(store, key));
    if (there) return true;
  }
  return false;
}

Result<void> settle(ExportParts& parts, const PlannedMerge& merge, Unbegun unbegun) {
  VALETKEY_TRY(const bool there, is_there(parts.store, merge.output));
  if (there) {
    VALETKEY_CHECK(remove_objects(parts.store, merge.inputs));
    return finish_merge(parts, merge.output);
  }
  if (unbegun == Unbegun::forget) return finish_merge(parts, merge.output);
  // Retention, or another merge, took them.
  VALETKEY_TRY(const bool any, any_is_there(parts.store, merge.inputs));
  return any ? Result<void>() : finish_merge(parts, merge.output);
}

}  // namespace

Result<void> plan_merge(ExportParts& parts, const PlannedMerge& merge) {
  if (parts.store.capabilities().atomic_groups) return {};
  VALETKEY_TRY(const auto lease, parts.lease(kDays));
  return parts.ledger.plan_merge(lease, merge);
}

Result<void> finish_merge(ExportParts& parts, const std::string& output) {
  if (parts.store.capabilities().atomic_groups) return {};
  VALETKEY_TRY(const auto lease, parts.lease(kDays));
  return parts.ledger.finish_merge(lease, output);
}

Result<void> settle_merges(ExportParts& parts, Unbegun unbegun) {
  if (parts.store.capabilities().atomic_groups) return {};
  VALETKEY_TRY(const auto planned, parts.ledger.planned_merges());
  for (const auto& merge : planned) VALETKEY_CHECK(settle(parts, merge, unbegun));
  return {};
}

}  // namespace valetkey::exporter
