// SPDX-License-Identifier: Apache-2.0
// `valetkey query`: fetches what is selected into a bounded cache and runs one SELECT over it.
#pragma once

#include <cstdint>
#include <string>

#include "cli/context.h"
#include "cli/selection.h"

namespace valetkey::cli {

struct QueryFlags {
  std::string sql;     // "-": standard input
  std::string format;  // table, csv, json, parquet; empty: by `output`, else by what stdout is
  std::string output;  // empty: standard output
  std::uint64_t cache_bytes = std::uint64_t{10} << 30;
  std::uint64_t memory_bytes = std::uint64_t{1} << 30;
  unsigned connections = 32;
  bool verbose = false;
  bool offline = false;         // sends no request
  std::string bucket, account;  // as of check_place()
};

// --experiment narrows decisions and --event events: unlike elsewhere, they go together.
Result<void> run_query(Context& context, const Selection& selection, const QueryFlags& flags,
                       const client::Environment& env, Streams streams);

// One selection for each type that is asked for and needed, checked.
Result<std::vector<Selection>> selections_of(const Selection& asked, bool decisions, bool events);

}  // namespace valetkey::cli
