// SPDX-License-Identifier: Apache-2.0
// The export as an Iceberg REST catalog, read only: one namespace, `export`, of the tables `decisions` and `events`,
// in the account that the token opens. Thread-safe; may block.
// Source: https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml
#pragma once

#include <string>

#include "tables/call.h"
#include "tables/engine_credentials.h"
#include "tables/snapshots.h"

namespace valetkey::tables {

class IcebergCatalog {
 public:
  // All outlive it.
  IcebergCatalog(storage::PartCatalog& catalog, Snapshots& snapshots,
                 EngineCredentials& engine_credentials)
      : catalog_(catalog), snapshots_(snapshots), engine_credentials_(engine_credentials) {}
  // `call.path` is behind /iceberg/v1.
  Answer<http::Response> answer(const Call& call);

  static http::Response refuse(const Refusal& refusal);

 private:
  Answer<http::Response> of_namespace(const Call& call, std::span<const std::string> path);
  Answer<http::Response> of_table(const Call& call, std::span<const std::string> path);
  Answer<http::Response> load(const Call& call, layout::RowType type);
  Answer<http::Response> credentials(const Call& call, layout::RowType type);
  Answer<std::string> storage(const Call& call, layout::RowType type, std::string_view action);
  std::string credentials_list(const Call& call, std::string_view storage) const;

  storage::PartCatalog& catalog_;
  Snapshots& snapshots_;
  EngineCredentials& engine_credentials_;
};

}  // namespace valetkey::tables
