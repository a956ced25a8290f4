// SPDX-License-Identifier: Apache-2.0
#include "console/preview.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "exporter/part_publisher.h"
#include "layout/partition.h"

namespace valetkey::console {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::uint64_t kMaxBytes = 64 << 20;  // of a part that is copied for this
constexpr std::size_t kMaxText = 500;          // of a value

// Removed with all that is in it.
struct Folder {
  fs::path path;
  explicit Folder(fs::path at) : path(std::move(at)) { fs::create_directories(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

std::string quote_column(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

json::object empty_document(json::value key) {
  return {{"key", std::move(key)}, {"columns", json::array{}}, {"rows", json::array{}}};
}

}  // namespace

Answer<std::optional<storage::ObjectInfo>> Preview::find_latest(const Call& call) {
  if (figures_ == nullptr)
    return api::problem(ProblemCode::not_implemented,
                        "This server keeps no figures of the export.");
  for (const auto type : {layout::RowType::decisions, layout::RowType::events}) {
    if (layout::name_of(type) != call.ids.at(0)) continue;
    VALETKEY_TRY(const auto days,
                 or_hide(figures_->days(account_of(call).str()), "reading sums", call));
    std::optional<Date> newest;
    for (const auto& day : days)
      if (day.type == call.ids[0] && day.sums.any()) newest = day.day;
    if (!newest) return std::nullopt;
    return or_hide(figures_->latest(layout::day_prefix(account_of(call), type, *newest)),
                   "finding the latest part", call);
  }
  return not_found("There is no such type: it is decisions or events.");
}

Answer<Reply> Preview::rows(const Call& call) {
  VALETKEY_TRY(const auto part, find_latest(call));
  if (!part) return reply_with(empty_document(nullptr));
  if (part->size > kMaxBytes) return reply_with(empty_document(json::value(part->key)));
  VALETKEY_TRY(const json::object document, or_hide(read(*part), "reading rows of a part", call));
  return reply_with(document);
}

Result<json::object> Preview::read(const storage::ObjectInfo& part) {
  const Folder folder(folder_ / std::to_string(next_++));
  const fs::path file = folder.path / "part.parquet";
  VALETKEY_CHECK(exporter::fetch_object(objects_, part.key, file));
  VALETKEY_TRY(const duckdb::Options options, options_(folder.path));
  VALETKEY_TRY(const auto database, duckdb::Database::open(options));
  const std::string from =
      fmt::format("FROM read_parquet({}, hive_partitioning=false)", sql_text(file.string()));
  VALETKEY_TRY(const auto columns, database->check_select("SELECT * " + from));
  json::object document = empty_document(json::value(part.key));
  std::vector<std::string> wanted;
  for (const auto& column : columns) {
    document["columns"].as_array().push_back(
        json::object{{"name", column.name}, {"type", column.number ? "number" : "text"}});
    wanted.push_back(
        fmt::format("substr(CAST({} AS VARCHAR), 1, {})", quote_column(column.name), kMaxText));
  }
  VALETKEY_CHECK(database->read(fmt::format("SELECT {} {} LIMIT 10", fmt::join(wanted, ", "), from),
                                [&](duckdb::TextRow row) -> Result<void> {
                                  json::array cells;
                                  for (const auto& cell : row)
                                    cells.push_back(cell ? json::value(*cell) : nullptr);
                                  document["rows"].as_array().push_back(std::move(cells));
                                  return {};
                                }));
  return document;
}

}  // namespace valetkey::console
