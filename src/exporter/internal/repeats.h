// SPDX-License-Identifier: Apache-2.0
// What came again when its uuid was no longer compared, and so lies twice in the export of a day: found by merging the
// day's seen files, and left once, where it came first, before the day is closed. For one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "exporter/export_parts.h"
#include "exporter/seen_uuids.h"

namespace valetkey::exporter {

class Repeats {
 public:
  explicit Repeats(ExportParts& parts) : parts_(parts) {}
  // All that the day will have is exported, and nobody writes to it any more. Harmless when it is repeated.
  Result<void> leave_once(Date day);

 private:
  struct Part {
    AccountId account;
    layout::RowType type = layout::RowType::decisions;
    storage::ObjectInfo info;
    std::vector<std::uint64_t> rows{};  // that go, by their number in the file
    std::uint64_t events = 0;           // whose first row that goes is among them
  };
  struct Row {
    std::uint32_t uuid = 0;  // index into Found::uuids
    std::uint32_t part = 0;
    std::uint64_t number = 0;
    std::int64_t received = 0;
  };
  struct Found {                                // in accounts that are looked at together
    std::vector<Part> parts;                    // that have such rows
    std::vector<Row> rows;                      // of uuids that were exported more than once
    std::map<UuidDigest, std::uint32_t> uuids;  // by the digest with the key
    std::vector<UuidDigest> other_forms;        // of each uuid
    std::uint32_t number_of(const UuidDigest& uuid, const UuidDigest& other_form);
  };
  using Digests = std::vector<UuidDigest>;  // sorted

  Result<std::vector<SeenFile>> files_of(unsigned partition, Date day);
  Result<void> leave_once(Date day, Digests repeated);
  Result<void> leave_once(Date day, Found found);
  Result<void> look_at(const Digests& repeated, Part part, Found& found);
  Result<bool> read(const Digests& repeated, const Part& part, Found& found);
  Result<std::vector<bool>> certain(Date day, const Found& found);
  static void choose(const std::vector<bool>& certain, Found& found);
  Result<void> rewrite(const Part& part);

  ExportParts& parts_;
};

}  // namespace valetkey::exporter
