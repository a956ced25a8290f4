// SPDX-License-Identifier: Apache-2.0
#include "layout/views.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <span>
#include <vector>

#include "base/text.h"

namespace valetkey::layout {
namespace {

struct ViewColumn {
  const char* name;
  const char* type;
};

constexpr const char* kAttributes =
    R"(STRUCT(id VARCHAR, "name" VARCHAR, "type" VARCHAR, "value" VARCHAR)[])";

constexpr ViewColumn kDecisions[] = {
    {"uuid", "VARCHAR"},          {"timestamp", "TIMESTAMP"},   {"process_timestamp", "TIMESTAMP"},
    {"visitor_id", "VARCHAR"},    {"session_id", "VARCHAR"},    {"account_id", "VARCHAR"},
    {"campaign_id", "VARCHAR"},   {"experiment_id", "VARCHAR"}, {"variation_id", "VARCHAR"},
    {"attributes", kAttributes},  {"user_ip", "VARCHAR"},       {"user_agent", "VARCHAR"},
    {"referer", "VARCHAR"},       {"is_holdback", "BOOLEAN"},   {"revision", "VARCHAR"},
    {"client_engine", "VARCHAR"}, {"client_version", "VARCHAR"}};

constexpr ViewColumn kEvents[] = {
    {"uuid", "VARCHAR"},
    {"timestamp", "TIMESTAMP"},
    {"process_timestamp", "TIMESTAMP"},
    {"visitor_id", "VARCHAR"},
    {"session_id", "VARCHAR"},
    {"account_id", "VARCHAR"},
    {"experiments",
     "STRUCT(campaign_id VARCHAR, experiment_id VARCHAR, variation_id VARCHAR, is_holdback "
     "BOOLEAN)[]"},
    {"entity_id", "VARCHAR"},
    {"attributes", kAttributes},
    {"user_ip", "VARCHAR"},
    {"user_agent", "VARCHAR"},
    {"referer", "VARCHAR"},
    {"event_type", "VARCHAR"},
    {"event_name", "VARCHAR"},
    {"revenue", "BIGINT"},
    {"value", "DOUBLE"},
    {"quantity", "BIGINT"},
    {"tags", "MAP(VARCHAR, VARCHAR)"},
    {"revision", "VARCHAR"},
    {"client_engine", "VARCHAR"},
    {"client_version", "VARCHAR"}};

// One row for a conversion and an experiment: the last decision that was made before it.
constexpr std::string_view kAttributed = R"(CREATE OR REPLACE TEMP VIEW attributed_conversions AS
WITH made AS (
  SELECT visitor_id, experiment_id, coalesce("timestamp", process_timestamp) AS decided_at,
         max_by({'campaign_id': campaign_id, 'variation_id': variation_id, 'is_holdback': is_holdback},
                (process_timestamp, uuid)) AS decision
  FROM decisions WHERE visitor_id IS NOT NULL AND experiment_id IS NOT NULL GROUP BY ALL),
met AS (SELECT DISTINCT visitor_id, experiment_id FROM made)
SELECT events.*, made.decision.campaign_id AS campaign_id, made.experiment_id AS experiment_id,
       made.decision.variation_id AS variation_id, made.decision.is_holdback AS is_holdback,
       made.decided_at AS decided_at
FROM events JOIN met ON met.visitor_id = events.visitor_id
ASOF JOIN made ON made.visitor_id = events.visitor_id AND made.experiment_id = met.experiment_id
  AND coalesce(events."timestamp", events.process_timestamp) >= made.decided_at)";

std::span<const ViewColumn> columns_of(RowType type) {
  if (type == RowType::decisions) return kDecisions;
  return kEvents;
}

// How each engine calls the file of a row, and finds its day and whether names lie together in it.
struct Words {
  std::string_view read, day, together;
};
constexpr Words kNative{
    "SELECT * FROM read_parquet({}, union_by_name=true, hive_partitioning=false, "
    "filename='valetkey_file')",
    "'/(\\d\\d\\d\\d-\\d\\d-\\d\\d)/[^/]+$'", "regexp_matches(valetkey_file, '/other-[^/]+$')"};
constexpr Words kBrowser{
    "SELECT * EXCLUDE (filename), filename AS valetkey_file FROM read_parquet({}, "
    "union_by_name=true, hive_partitioning=false, filename=true)",
    "'/date=(\\d\\d\\d\\d-\\d\\d-\\d\\d)/'", "contains(valetkey_file, '=__other__/')"};

}  // namespace

// A part may lack columns, or have them in another type: the empty first half says what they are.
std::string type_view(const ViewOf& view, SqlEngine engine) {
  const Words& words = engine == SqlEngine::native ? kNative : kBrowser;
  std::vector<std::string> cast, empty;
  for (const ViewColumn& column : columns_of(view.type)) {
    cast.push_back(fmt::format(R"(CAST("{0}" AS {1}) AS "{0}")", column.name, column.type));
    empty.push_back(fmt::format(R"(NULL::{1} AS "{0}")", column.name, column.type));
  }
  const std::string read =
      view.parts.empty()
          ? ""
          : " UNION ALL BY NAME " + fmt::format(fmt::runtime(words.read), view.parts);
  const std::string_view column = view.type == RowType::decisions ? "experiment_id" : "event_name";
  const std::string where = view.only.empty() ? ""
                                              : fmt::format(" WHERE \"{}\" = {} OR NOT {}", column,
                                                            sql_text(view.only), words.together);
  return fmt::format(
      "CREATE OR REPLACE TEMP VIEW {} AS SELECT {}, CAST(regexp_extract(valetkey_file, {}, 1) AS "
      "DATE) AS \"date\" FROM (SELECT {}, '' AS valetkey_file WHERE false{}){}",
      name_of(view.type), fmt::join(cast, ", "), words.day, fmt::join(empty, ", "), read, where);
}

std::string_view attributed_view() { return kAttributed; }

}  // namespace valetkey::layout
