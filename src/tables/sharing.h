// SPDX-License-Identifier: Apache-2.0
// The export as a Delta Share, `account-<id>`, of one schema, `export`, and the tables `decisions` and `events`, in
// the form "parquet". Files are handed out as presigned addresses that end with the session that signed them.
// Thread-safe; may block. Source: https://github.com/delta-io/delta-sharing/blob/main/PROTOCOL.md
#pragma once

#include <string>

#include "storage/part_catalog.h"
#include "tables/call.h"
#include "tables/engine_credentials.h"
#include "tables/page_token.h"
#include "tables/predicate.h"
#include "tables/snapshots.h"

namespace valetkey::tables {

inline constexpr std::uint64_t kFilesOfPage = 1'000;     // of a query that asks for pages
inline constexpr std::uint64_t kFilesOfAnswer = 10'000;  // of one that does not

class DeltaShares {
 public:
  // All outlive it.
  DeltaShares(storage::PartCatalog& catalog, Snapshots& snapshots,
              EngineCredentials& engine_credentials)
      : catalog_(catalog), snapshots_(snapshots), engine_credentials_(engine_credentials) {}
  // `call.path` is behind /delta-sharing.
  Answer<http::Response> answer(const Call& call);

  // Whether a call may walk through the account's parts: it comes with a place to do so.
  static bool walks(const Call& call);

  static http::Response refuse(const Refusal& refusal);

 private:
  Answer<http::Response> of_share(const Call& call, std::span<const std::string> path);
  Answer<http::Response> of_table(const Call& call, layout::RowType type, std::string_view what);
  Answer<http::Response> query(const Call& call, layout::RowType type, const Snapshot& snapshot);

  storage::PartCatalog& catalog_;
  Snapshots& snapshots_;
  EngineCredentials& engine_credentials_;
};

}  // namespace valetkey::tables
