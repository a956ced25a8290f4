// SPDX-License-Identifier: Apache-2.0
// Brings what a query runs over into its snapshot: from the service, or from the cache alone while
// the service is away and the cache holds all of it. One loop.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "cli/command_query.h"
#include "cli/query_cache.h"
#include "cli/query_notes.h"
#include "client/mirror.h"
#include "terminal/progress.h"

namespace valetkey::cli {

class Filling {
 public:
  // What a filling works with; all of it outlives the filling.
  struct Parts {
    Context& context;
    const QueryFlags& flags;
    std::vector<Selection>& selections;  // each of one type
    const std::filesystem::path& cache_folder;
    Snapshot& snapshot;
    QueryNotes& notes;
    Streams streams;
  };
  explicit Filling(const Parts& parts) : parts_(parts), progress_(parts.streams.err) {}
  Task<Result<void>> run();
  // Keeps what has come so far, where the process ends.
  void finish();
  const client::TransferTotals& totals() const { return totals_; }

 private:
  Task<Result<void>> ask();
  Task<Result<void>> open(std::string service);
  Task<Result<void>> list(const Selection& selection);
  Task<Result<void>> check_matches();
  Task<Result<void>> fetch(Timestamp listed_at);
  Result<void> resolve(const client::Grant& grant);
  std::optional<Timestamp> noted() const;
  Task<Result<void>> answer_from_cache(Error why);

  Parts parts_;
  terminal::Progress progress_;
  std::unique_ptr<QueryCache> cache_;
  client::TransferTotals totals_;
  std::vector<client::ListedObject> listed_;
  std::vector<const Selection*> unmatched_;
  bool away_ = false;  // the service, before anything was changed here
};

}  // namespace valetkey::cli
