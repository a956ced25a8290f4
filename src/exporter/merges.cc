// SPDX-License-Identifier: Apache-2.0
#include "exporter/merges.h"

#include "exporter/part_publisher.h"
#include "layout/part_key.h"

namespace valetkey::exporter {
namespace {

bool is_of_day_up_to(const std::string& key, Date day) {
  const auto of = layout::DayKey::containing(key);
  return !of || of->folder.day <= day;
}

Result<void> settle(ExportParts& parts, const PlannedMerge& merge, Date forget_through) {
  VALETKEY_TRY(const bool there, is_there(parts.store, merge.output));
  if (!there && !is_of_day_up_to(merge.output, forget_through)) return {};
  if (there) VALETKEY_CHECK(remove_objects(parts.store, merge.inputs));
  return finish_merge(parts, merge.output);
}

}  // namespace

Result<bool> is_there(storage::ObjectStore& store, const std::string& key) {
  const auto found = store.head(key);
  if (found) return true;
  if (found.error().code == ErrorCode::not_found) return false;
  return std::unexpected(found.error());
}

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

Result<void> settle_merges(ExportParts& parts, Date forget_through) {
  if (parts.store.capabilities().atomic_groups) return {};
  VALETKEY_TRY(const auto planned, parts.ledger.planned_merges());
  for (const auto& merge : planned) VALETKEY_CHECK(settle(parts, merge, forget_through));
  return {};
}

}  // namespace valetkey::exporter
