// SPDX-License-Identifier: Apache-2.0
#include "cli/query_views.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

namespace valetkey::cli {
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
constexpr const char* kAttributed = R"(CREATE OR REPLACE TEMP VIEW attributed_conversions AS
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

std::string sql_text(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out.append(c == '\'' ? 2 : 1, c);
  return out + "'";
}

// A part may lack columns, or have them in another type: the empty first half says what they are.
std::string view_over_parts(const char* name, std::span<const ViewColumn> columns,
                            const std::string& parts, const std::string& of_others) {
  std::vector<std::string> cast, empty;
  for (const ViewColumn& column : columns) {
    cast.push_back(fmt::format(R"(CAST("{0}" AS {1}) AS "{0}")", column.name, column.type));
    empty.push_back(fmt::format(R"(NULL::{1} AS "{0}")", column.name, column.type));
  }
  const std::string read =
      parts.empty() ? ""
                    : fmt::format(
                          " UNION ALL BY NAME SELECT * FROM read_parquet({}, union_by_name=true, "
                          "hive_partitioning=false, filename='valetkey_file')",
                          sql_text(parts));
  return fmt::format(
      "CREATE OR REPLACE TEMP VIEW {} AS SELECT {}, CAST(regexp_extract(valetkey_file, "
      "'/(\\d\\d\\d\\d-\\d\\d-\\d\\d)/[^/]+$', 1) AS DATE) AS \"date\" "
      "FROM (SELECT {}, '' AS valetkey_file WHERE false{}){}",
      name, fmt::join(cast, ", "), fmt::join(empty, ", "), read, of_others);
}

std::string only_of_others(const char* column, const std::string& name) {
  if (name.empty()) return "";
  return fmt::format(" WHERE \"{}\" = {} OR NOT regexp_matches(valetkey_file, '/other-[^/]+$')",
                     column, sql_text(name));
}

}  // namespace

std::vector<std::string> view_statements(const QueryData& data) {
  const auto view = [&data](const char* type, std::span<const ViewColumn> columns, bool needed,
                            bool any, const std::string& of_others) {
    if (!needed) return fmt::format("DROP VIEW IF EXISTS {}", type);
    return view_over_parts(type, columns,
                           any ? (data.folder / type / "*" / "*.parquet").string() : "", of_others);
  };
  return {view("decisions", kDecisions, data.needs.decisions, data.decisions,
               only_of_others("experiment_id", data.experiment)),
          view("events", kEvents, data.needs.events, data.events,
               only_of_others("event_name", data.event)),
          data.needs.decisions && data.needs.events ? kAttributed
                                                    : "DROP VIEW IF EXISTS attributed_conversions"};
}

QueryNeeds needs_of(std::string_view sql) {
  std::string words(sql);
  std::ranges::transform(words, words.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const auto names = [&words](const char* view) { return words.find(view) != std::string::npos; };
  const bool both = names("attributed_conversions");
  const QueryNeeds needs{both || names("decisions"), both || names("events")};
  return needs.decisions || needs.events ? needs : QueryNeeds{};
}

}  // namespace valetkey::cli
