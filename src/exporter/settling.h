// SPDX-License-Identifier: Apache-2.0
// Waiting until what arrived before some moment lies in the export, and nobody writes any of it any more: before days are
// merged and visitors erased. Does not block: a caller that is too early calls again. For one thread at a time.
#pragma once

#include <optional>
#include <string>

#include "exporter/batches.h"
#include "exporter/export_parts.h"

namespace valetkey::exporter {

class Settling {
 public:
  Settling(ExportParts& parts, Batches& batches) : parts_(parts), batches_(batches) {}
  // Exports what this node owns of it. True: everything that had arrived when `what` was asked for first is exported, by
  // whichever node; no batch is under way that may write to days up to `sealed`, and none will be; and the fence has
  // passed since. The owner of the days asks.
  Result<bool> settled(const std::string& what, std::optional<Date> sealed);
  void forget() { under_way_.reset(); }

 private:
  Result<bool> all_written(std::optional<Date> sealed);
  struct UnderWay {
    std::string what;
    Batches::Mark mark;
    std::optional<Timestamp> since;  // when all was seen to be written
  };
  ExportParts& parts_;
  Batches& batches_;
  std::optional<UnderWay> under_way_;
};

}  // namespace valetkey::exporter
