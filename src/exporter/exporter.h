// SPDX-License-Identifier: Apache-2.0
// The exporter: batches of events become parts, days that are over are closed, visitors are erased, parts are brought
// into another format. Each partition of the log, and the days, are one node's at a time: owners.h says whose, and
// the ledger's leases hold it. A call runs on its caller's thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "exporter/batches.h"
#include "exporter/days.h"
#include "exporter/erasure.h"
#include "exporter/export_parts.h"
#include "exporter/rewriting.h"

namespace valetkey::exporter {

class Exporter {
 public:
  using Mark = Batches::Mark;
  using NoteErased = Erasure::NoteErased;

  explicit Exporter(ExportParts parts) : parts_(std::move(parts)) {}
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  Result<Mark> arrived() const { return batches_.arrived(); }
  Result<bool> reached_here(const Mark& mark) { return batches_.reached_here(mark); }
  Result<bool> consumed_here(const Mark& mark) { return batches_.consumed_here(mark); }
  // This node has got work that another one has done meanwhile.
  void forget_work_of_others() {
    parts_.drop_leases();
    batches_.forget_partitions_known();
  }
  Result<bool> run_batch(const Mark& mark = {}) { return held(batches_.run_batch(mark)); }
  Result<void> drain() { return held(batches_.drain()); }
  Result<std::size_t> close_days() { return held(days_.close_days()); }
  Result<std::size_t> apply_retention() { return held(days_.apply_retention()); }
  Result<bool> is_ready_to_erase(const AccountId& account, std::string_view visitor_sha256) {
    return held(erasure_.is_ready(account, visitor_sha256));
  }
  Result<std::vector<std::string>> erase_visitor(const AccountId& account,
                                                 std::string_view visitor_sha256,
                                                 const NoteErased& note) {
    return held(erasure_.erase_visitor(account, visitor_sha256, note));
  }
  Result<std::vector<std::string>> erase_account(const AccountId& account) {
    return held(erasure_.erase_account(account));
  }
  Result<void> carry_out_erasures(const Erasure::PurgeAccount& purge_account) {
    return held(erasure_.carry_out(purge_account));
  }
  Result<bool> rewrite_some(std::size_t limit) { return held(rewriting_.rewrite_some(limit)); }

 private:
  // An exporter that lost a lease takes it again at the next attempt, if it may.
  template <class T>
  Result<T> held(Result<T> done) {
    if (!done && done.error().code == ErrorCode::busy) parts_.drop_leases();
    return done;
  }
  ExportParts parts_;
  Batches batches_{parts_};
  Days days_{parts_, batches_};
  Erasure erasure_{parts_, batches_};
  Rewriting rewriting_{parts_};
};

}  // namespace valetkey::exporter
