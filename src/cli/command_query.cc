// SPDX-License-Identifier: Apache-2.0
#include "cli/command_query.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <thread>

#include "base/text.h"
#include "cli/export_path.h"
#include "cli/printable.h"
#include "cli/query_filling.h"
#include "cli/query_output.h"
#include "cli/query_views.h"
#include "client/output_file.h"
#include "duckdb/database.h"
#include "duckdb/library.h"
#include "layout/partition.h"
#include "terminal/output.h"
#include "terminal/progress.h"
#include "terminal/size.h"
#include "terminal/width.h"

namespace valetkey::cli {
namespace {

namespace fs = std::filesystem;
using duckdb::Database;
constexpr std::size_t kMaxSql = 1 << 20;
constexpr std::size_t kMaxSpillMib = 16 * 1024;

Result<fs::path> cache_folder(const client::Environment& env) {
  VALETKEY_TRY(const fs::path top, client::cache_folder(env));
  fs::path folder = top / "query";
  // Its path stands in SQL, as a pattern.
  if (folder.string().find_first_of("*?[") == std::string::npos) return folder;
  return fail(ErrorCode::invalid, folder.string() + " holds a *, ? or [");
}

// Where the parts lie while the query runs, and after it where that can be.
struct Place {
  fs::path cache;
  fs::path temporary;  // to be removed with all that is in it; empty: the cache stays
  std::unique_ptr<Snapshot> snapshot;

  void remove() {
    if (snapshot) snapshot->remove();
    std::error_code ignored;
    if (!temporary.empty()) fs::remove_all(temporary, ignored);
  }
  Place() = default;
  Place(Place&&) = default;
  Place& operator=(Place&&) = delete;
  ~Place() { remove(); }
};

// In the cache; in a temporary folder where HOME cannot be written.
Result<Place> make_place(const client::Environment& env, Streams streams) {
  Place place;
  Result<fs::path> cache = cache_folder(env);
  Result<void> usable = cache ? Result<void>{} : std::unexpected(cache.error());
  if (cache) {
    place.cache = *cache;
    auto made = Snapshot::make(*cache);
    if (made) {
      place.snapshot = std::move(*made);
      return place;
    }
    if (made.error().code == ErrorCode::full) return std::unexpected(made.error());
    usable = std::unexpected(made.error());
  }
  const char* temporary = env("TMPDIR");
  std::string folder =
      (fs::absolute(temporary && *temporary ? temporary : "/tmp") / "valetkey-query-XXXXXX")
          .string();
  if (::mkdtemp(folder.data()) == nullptr)
    return fail_errno(usable.error().detail + ", and nothing can be kept in " +
                      fs::path(folder).parent_path().string() +
                      " either (XDG_CACHE_HOME and TMPDIR can name other folders)");
  place.cache = place.temporary = folder;
  VALETKEY_TRY(place.snapshot, Snapshot::make(folder));
  streams.err << "valetkey: nothing is kept for later queries: " << printable(usable.error().detail)
              << "; XDG_CACHE_HOME can name another folder\n";
  return place;
}

Result<std::string> sql_of(const QueryFlags& flags) {
  if (flags.sql != "-") return flags.sql;
  return read_all(STDIN_FILENO, kMaxSql, "the SQL on standard input");
}

// What the ending of a file says; "" for one that has none, or is no file.
Result<std::string> format_of_ending(const std::string& output) {
  const fs::path path(output);
  const std::string ending = lowered(path.extension().string());
  if (ending.empty() || path.string().starts_with("/dev/")) return std::string();
  for (const char* known : {"csv", "json", "parquet"})
    if (ending.substr(1) == known) return std::string(known);
  return fail(ErrorCode::invalid, output + ": the ending " + ending +
                                      " says no format: use .csv, .json or .parquet, or say "
                                      "--format csv, json, parquet or table");
}

Result<std::string> format_of(const QueryFlags& flags) {
  VALETKEY_CHECK(check_output(flags.output));
  std::string format = flags.format;
  if (format.empty()) {
    VALETKEY_TRY(format, format_of_ending(flags.output));
  }
  if (format.empty())
    format = flags.output.empty() && ::isatty(STDOUT_FILENO) == 1 ? "table" : "csv";
  if (format == "parquet" && flags.output.empty())
    return fail(ErrorCode::invalid, "Parquet goes to a file: name it with --output");
  return format;
}

Result<std::unique_ptr<Database>> open_duckdb(const client::Environment& env,
                                              const QueryFlags& flags, const fs::path& folder) {
  const char* configured = env("VALETKEY_DUCKDB_LIBRARY");
  duckdb::Options options;
  VALETKEY_TRY(options.library,
               duckdb::find_library(configured ? configured : "", "VALETKEY_DUCKDB_LIBRARY",
                                    duckdb::running_program()));
  options.sha256 = duckdb::kLibrarySha256;
  options.folder = folder;
  options.memory_limit_mib = std::max<std::uint64_t>(flags.memory_bytes >> 20, 64);
  options.max_spill_mib = kMaxSpillMib;
  options.threads = std::max(1U, std::thread::hardware_concurrency());
  options.settings = {"SET TimeZone='UTC'"};
  return Database::open(options);
}

// What rows must be called where names lie together; asking for that folder gets them all.
std::string row_name(const std::string& asked) {
  return asked == layout::kOtherPartition ? "" : asked;
}

Result<void> make_views(Database& database, const QueryData& data) {
  for (const std::string& statement : view_statements(data))
    VALETKEY_CHECK(database.run(statement));
  return {};
}

// Ctrl-C ends what DuckDB runs while this lives. One that comes just before a statement begins
// would be forgotten by it: hence again and again.
class Interruption {
 public:
  explicit Interruption(Database& database) : database_(database) {
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (error) return;
      came_ = true;
      interrupt();
    });
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Interruption() {
    loop_.stop();
    thread_.join();
  }
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  bool came() const { return came_; }

 private:
  void interrupt() {
    database_.interrupt();
    timer_.expires_after(milliseconds(20));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) interrupt();
    });
  }
  Database& database_;
  asio::io_context loop_{1};
  asio::signal_set signals_{loop_, SIGINT, SIGTERM};
  client::Timer timer_{loop_};
  std::atomic<bool> came_ = false;
  std::thread thread_;
};

// In a schema of its own, so that SHOW TABLES does not show it. SHOW and DESCRIBE are no views, but
// can be read from.
Result<void> make_result_view(Database& database, std::string sql) {
  constexpr std::string_view kView = "CREATE OR REPLACE VIEW valetkey.result AS ";
  VALETKEY_CHECK(database.run("CREATE SCHEMA IF NOT EXISTS valetkey"));
  if (database.run(std::string(kView) + sql)) return {};
  sql.erase(sql.find_last_not_of("; \t\r\n") + 1);
  return database.run(std::string(kView) + "FROM (" + sql + "\n)");
}

std::string as_text(const std::vector<duckdb::ResultColumn>& columns) {
  std::string sql = "SELECT ";
  for (std::size_t i = 1; i <= columns.size(); ++i)
    sql += fmt::format("{}#{}::VARCHAR", i == 1 ? "" : ", ", i);
  return sql + " FROM valetkey.result";
}

Result<void> write_rows(Database& database, const std::string& format, Writer write,
                        std::optional<std::size_t> width = std::nullopt) {
  VALETKEY_TRY(const auto found, database.check_select("FROM valetkey.result"));
  std::vector<QueryColumn> columns;
  for (const auto& column : found) columns.push_back({column.name, column.number});
  std::string sql = as_text(found);
  std::unique_ptr<RowFormat> rows;
  if (format == "table") {
    sql += fmt::format(" LIMIT {}", kTableRows + 1);
    rows = make_table(std::move(columns), std::move(write), width);
  } else if (format == "csv") {
    rows = make_csv(std::move(columns), std::move(write));
  } else {
    sql = "SELECT to_json(result)::VARCHAR FROM valetkey.result";
    rows = make_json(std::move(write));
  }
  VALETKEY_CHECK(rows->begin());
  VALETKEY_CHECK(database.read(sql, [&rows](Cells cells) { return rows->row(cells); }));
  return rows->end();
}

// Where one of DuckDB's threads fails, another may be heard first, that only says that it was told
// to stop. Asked again, it mostly names the cause.
Result<void> with_cause(Database& database, Result<void> done) {
  constexpr int kAttempts = 5;
  for (int i = 0; i < kAttempts && !done && done.error().detail.contains("INTERRUPT Error"); ++i) {
    VALETKEY_TRY(const auto columns, database.check_select("FROM valetkey.result"));
    if (auto again = database.read(as_text(columns), [](Cells) { return Result<void>(); }); !again)
      done = std::move(again);
  }
  return done;
}

Result<void> write_file(Database& database, const std::string& format, const QueryFlags& flags,
                        const fs::path& folder) {
  const auto checked = [&flags](Result<void> done) {
    return terminal::with_room_advice(std::move(done), fs::absolute(flags.output).parent_path(),
                                      "choose another --output");
  };
  auto output = client::OutputFile::create(flags.output);
  if (!output) return checked(std::unexpected(output.error()));
  if (format == "parquet") {
    // DuckDB writes only in the snapshot; its path has no quote that is not ours to escape.
    std::string file = (folder / "result.parquet").string();
    for (std::size_t at = 0; (at = file.find('\'', at)) != std::string::npos; at += 2)
      file.insert(at, "'");
    VALETKEY_CHECK(database.run("COPY (FROM valetkey.result) TO '" + file + "' (FORMAT parquet)"));
    VALETKEY_CHECK(checked((*output)->write_content_of(folder / "result.parquet")));
  } else {
    VALETKEY_CHECK(write_rows(database, format, [&](std::string_view bytes) {
      return checked((*output)->write(bytes));
    }));
  }
  return checked((*output)->finish());
}

Result<void> write_result(Database& database, const std::string& format, const QueryFlags& flags,
                          const fs::path& folder, Streams streams) {
  if (!flags.output.empty()) return write_file(database, format, flags, folder);
  const Writer write = [&streams](std::string_view bytes) {
    return terminal::write_out(streams.out, bytes);
  };
  return write_rows(database, format, write, terminal::columns_of(STDOUT_FILENO));
}

}  // namespace

Result<std::vector<Selection>> selections_of(const Selection& asked, bool decisions, bool events) {
  std::vector<Selection> found;
  for (const std::string type : {"decisions", "events"}) {
    Selection selection = asked;
    if (asked.prefixes.empty()) selection.type = type;
    (type == "decisions" ? selection.event : selection.experiment).clear();
    VALETKEY_CHECK(selection.check());
    selection.type = type;
    const bool needed = type == "decisions" ? decisions : events;
    if (needed && (asked.type.empty() || asked.type == type)) found.push_back(std::move(selection));
  }
  if ((asked.type == "events" && !asked.experiment.empty()) ||
      (asked.type == "decisions" && !asked.event.empty()))
    return fail(ErrorCode::invalid, "--experiment goes with decisions, --event with events");
  if (found.empty())
    return fail(ErrorCode::invalid, "the SQL asks for nothing of --type " + asked.type);
  return found;
}

namespace {

struct Question {
  std::string sql, format;
  QueryNeeds needs;
  std::vector<Selection> selections;
};

Result<void> answer(Context& context, const Selection& selection, const QueryFlags& flags,
                    Question& question, Place& place, const client::Environment& env,
                    Streams streams) {
  auto& [sql, format, needs, selections] = question;
  const auto& snapshot = place.snapshot;
  VALETKEY_TRY(auto database, open_duckdb(env, flags, snapshot->folder()));
  // What is wrong with the SQL is found out before anything is fetched.
  VALETKEY_CHECK(make_views(*database, {snapshot->folder()}));
  VALETKEY_CHECK(database->check_select(sql));

  QueryNotes notes(place.cache, context.profile());
  Filling filling({context, flags, selections, place.cache, *snapshot, notes, streams});
  VALETKEY_CHECK(context.run(filling.run(), [&filling, &place] {
    filling.finish();
    place.remove();
  }));
  if (flags.verbose)
    streams.err << fmt::format("{} parts fetched ({}), {} from the cache\n", filling.totals().files,
                               terminal::size_text(filling.totals().bytes),
                               filling.totals().unchanged);
  const Interruption interruption(*database);
  VALETKEY_CHECK(make_views(
      *database, {snapshot->folder(), snapshot->holds("decisions"), snapshot->holds("events"),
                  needs, row_name(selection.experiment), row_name(selection.event)}));
  auto done = make_result_view(*database, sql);
  if (done) done = write_result(*database, format, flags, snapshot->folder(), streams);
  if (!interruption.came()) done = with_cause(*database, std::move(done));
  if (interruption.came()) return fail(ErrorCode::unavailable, "interrupted");
  return done;
}

}  // namespace

Result<void> run_query(Context& context, const Selection& selection, const QueryFlags& flags,
                       const client::Environment& env, Streams streams) {
  Question question;
  VALETKEY_TRY(question.sql, sql_of(flags));
  VALETKEY_TRY(question.format, format_of(flags));
  question.needs = needs_of(question.sql);
  VALETKEY_TRY(question.selections,
               selections_of(selection, question.needs.decisions, question.needs.events));
  auto place = make_place(env, streams);
  return terminal::with_room_advice(
      place ? answer(context, selection, flags, question, *place, env, streams)
            : std::unexpected(place.error()),
      place ? place->cache : client::cache_folder(env).value_or(fs::path("/tmp")),
      "let XDG_CACHE_HOME name a folder with more");
}

}  // namespace valetkey::cli
