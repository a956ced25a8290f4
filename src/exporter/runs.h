// SPDX-License-Identifier: Apache-2.0
// Runs: the kept events of one batch as an object of their own, ordered by account, so that those of many batches are
// cut into parts together, a few accounts at a time. Format: docs/formats.md, "Runs".
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exporter/ledger.h"
#include "storage/object_store.h"

namespace valetkey::exporter {

inline constexpr std::string_view kRunsPrefix = "internal/runs/";
// The object of a batch's run.
std::string run_key(unsigned partition, std::string_view batch);

// What a run holds of one account: a stretch of records, of which some events were dropped.
struct RunOfAccount {
  std::string account;
  std::uint64_t offset = 0, bytes = 0;  // of the records, from the object's beginning
  std::uint32_t events = 0;             // that are kept
  std::vector<std::uint32_t> dropped;   // numbers of the others, ascending
};

// Puts a run together. What is added is copied when it is written.
class RunBuilder {
 public:
  // Events of one account, as they follow each other in a batch: `records` is their stretch, `kept` says which stay.
  // Strays without a kept event are left out.
  void add(std::string_view account, std::string_view records, const std::vector<bool>& kept);
  std::uint64_t events() const { return events_; }
  // Piece by piece to `write`.
  Result<void> write(const std::function<Result<void>(std::string_view)>& write) const;

 private:
  struct OfAccount {
    std::vector<std::string_view> records;
    std::uint32_t count = 0, kept = 0;
    std::vector<std::uint32_t> dropped;
  };
  std::map<std::string, OfAccount, std::less<>> accounts_;
  std::uint64_t events_ = 0;
};

// Visible at once; returns its size.
Result<std::uint64_t> store_run(storage::ObjectStore& store, const std::string& key,
                                const RunBuilder& builder, Timestamp now);

// What the head of a run says, by account. `corrupt` for anything that RunBuilder does not write. `size`: of the object.
Result<std::vector<RunOfAccount>> parse_run(std::string_view head, std::uint64_t size);
// How many bytes of the beginning are the head, as its first kRunStart bytes say.
inline constexpr std::size_t kRunStart = 16;
Result<std::uint64_t> run_head_bytes(std::string_view start);

// What follows fails with `corrupt`, and says the remedy, where the run is damaged, and only there.
Result<std::unique_ptr<storage::ObjectReader>> open_run(storage::ObjectStore& store,
                                                        const std::string& key);
Result<std::vector<RunOfAccount>> read_run(storage::ObjectReader& reader);
// Adds the records that the run holds of one account, and tells where in `records` each event lies and whether it stays.
using EachRecord = std::function<Result<void>(std::size_t place, bool kept)>;
Result<void> read_records(storage::ObjectReader& reader, const RunOfAccount& of,
                          std::string& records, const EachRecord& each);

// What a look at all of a run found. One whose bytes as a whole are not those that were written has nothing sound.
struct RunCondition {
  std::vector<RunOfAccount> sound, lost;
};
Result<RunCondition> look_at_run(storage::ObjectReader& reader);

}  // namespace valetkey::exporter
