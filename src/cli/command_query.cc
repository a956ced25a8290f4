// SPDX-License-Identifier: Apache-2.0
#include "cli/command_query.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <thread>

#include "cli/query_cache.h"
#include "cli/query_output.h"
#include "cli/query_views.h"
#include "cli/sync.h"
#include "client/output_file.h"
#include "events/duckdb.h"
#include "events/duckdb_library.h"
#include "events/partition.h"
#include "terminal/progress.h"
#include "terminal/width.h"

namespace valetkey::cli {
namespace {

namespace fs = std::filesystem;
using events::Duckdb;
constexpr std::size_t kMaxSql = 1 << 20;
constexpr std::size_t kMaxSpillMib = 16 * 1024;
constexpr auto kLongestWait = std::chrono::minutes(30);

Result<fs::path> cache_folder(const client::Environment& env) {
  const char* xdg = env("XDG_CACHE_HOME");
  const char* home = env("HOME");
  if ((!xdg || !*xdg) && (!home || !*home))
    return fail(ErrorCode::invalid, "there is no HOME to keep fetched data in");
  fs::path folder =
      fs::absolute(xdg && *xdg ? fs::path(xdg) : fs::path(home) / ".cache") / "valetkey" / "query";
  if (folder.string().find_first_of("*?[") != std::string::npos)
    return fail(ErrorCode::invalid, "the path of the cache, " + folder.string() +
                                        ", holds a *, ? or [: set XDG_CACHE_HOME to another");
  return folder;
}

Result<std::string> sql_of(const QueryFlags& flags) {
  if (flags.sql != "-") return flags.sql;
  return read_all(STDIN_FILENO, kMaxSql, "the SQL on standard input");
}

Result<std::string> format_of(const QueryFlags& flags) {
  std::string format = flags.format;
  const std::string ending = fs::path(flags.output).extension().string();
  if (format.empty() && (ending == ".parquet" || ending == ".json" || ending == ".csv"))
    format = ending.substr(1);
  if (format.empty())
    format = flags.output.empty() && ::isatty(STDOUT_FILENO) == 1 ? "table" : "csv";
  if (format == "parquet" && flags.output.empty())
    return fail(ErrorCode::invalid, "Parquet goes to a file: name it with --output");
  return format;
}

Result<std::unique_ptr<Duckdb>> open_duckdb(const client::Environment& env, const QueryFlags& flags,
                                            const fs::path& folder) {
  const char* configured = env("VALETKEY_DUCKDB_LIBRARY");
  events::DuckdbOptions options;
  VALETKEY_TRY(options.library,
               events::find_duckdb(configured ? configured : "", "VALETKEY_DUCKDB_LIBRARY",
                                   events::running_program()));
  options.sha256 = events::kDuckdbSha256;
  options.folder = folder;
  options.memory_limit_mib = std::max<std::uint64_t>(flags.memory_bytes >> 20, 64);
  options.max_spill_mib = kMaxSpillMib;
  options.threads = std::max(1U, std::thread::hardware_concurrency());
  options.settings = {"SET TimeZone='UTC'"};
  return Duckdb::open(options);
}

// What rows must be called where names lie together; whoever asks for that folder gets them all.
std::string row_name(const std::string& asked) {
  return asked == events::kOtherPartition ? "" : asked;
}

Result<void> make_views(Duckdb& database, const QueryData& data) {
  for (const std::string& statement : view_statements(data))
    VALETKEY_CHECK(database.run(statement));
  return {};
}

// --- fetching ---

struct Filling {
  Context& context;
  const QueryFlags& flags;
  const std::vector<Selection>& selections;
  const fs::path& cache_folder;
  Snapshot& snapshot;
  Streams streams;
  std::unique_ptr<QueryCache> cache = {};
  SyncTotals totals = {};
  terminal::Progress progress{streams.err};
  std::vector<std::string> prefixes = {};
  std::vector<client::ListedObject> listed = {};

  Task<Result<void>> run();

 private:
  Task<Result<void>> open();
  Task<Result<void>> list(const Selection& selection);
  Task<Result<void>> fill();
  Result<std::vector<client::ListedObject>> missing(
      const std::vector<client::ListedObject>& objects);
};

Task<Result<void>> Filling::open() {
  auto grant = co_await context.session().get();
  if (!grant) co_return std::unexpected(grant.error());
  const std::string service = (*grant)->endpoint + " " + (*grant)->s3_path();
  const auto until = std::chrono::steady_clock::now() + kLongestWait;
  for (bool said = false;; said = true) {
    auto opened = QueryCache::open(cache_folder, service);
    if (opened) {
      cache = std::move(*opened);
      co_return Result<void>{};
    }
    if (opened.error().code != ErrorCode::busy || std::chrono::steady_clock::now() > until)
      co_return std::unexpected(opened.error());
    if (!said) progress.say("another query fetches; waiting for it");
    co_await client::pause(context.loop(), milliseconds(100));
  }
}

Result<std::vector<client::ListedObject>> Filling::missing(
    const std::vector<client::ListedObject>& objects) {
  std::vector<client::ListedObject> found;
  totals = {};
  for (const client::ListedObject& object : objects) {
    VALETKEY_TRY(const bool held, cache->folder().holds(object));
    if (held) {
      ++totals.unchanged;
      continue;
    }
    ++totals.files;
    totals.bytes += object.size;
    found.push_back(object);
  }
  return found;
}

Task<Result<void>> Filling::list(const Selection& selection) {
  auto some = co_await prefixes_of(context.data(), selection);
  if (!some) co_return std::unexpected(some.error());
  auto objects = co_await objects_of(context.data(), selection, *some);
  if (!objects) co_return std::unexpected(objects.error());
  prefixes.insert(prefixes.end(), some->begin(), some->end());
  std::ranges::copy_if(*objects, std::back_inserter(listed), [](const auto& object) {
    return !parse_part_name(object.key).type.empty();
  });
  co_return Result<void>{};
}

Task<Result<void>> Filling::fill() {
  auto room = cache->make_room(prefixes, listed, flags.cache_bytes);
  if (!room) co_return room;
  auto wanted = missing(listed);
  if (!wanted) co_return std::unexpected(wanted.error());
  Fetcher fetcher(
      context, cache->folder(), totals,
      {[](const auto&) {},
       [this] {
         progress.show({totals.files, totals.files_done, totals.bytes, totals.bytes_done});
       }});
  auto fetched = co_await fetcher.fetch(std::move(*wanted), flags.connections);
  auto finished = cache->folder().finish();
  progress.clear();
  if (!fetched) co_return fetched;
  if (!finished) co_return finished;
  co_return cache->take(listed, snapshot);
}

Task<Result<void>> Filling::run() {
  auto opened = co_await open();
  if (!opened) co_return opened;
  // A part that was replaced between list and read has another name, or ETag, in the next list.
  Result<void> filled;
  for (int attempt = 0; attempt < 3; ++attempt) {
    prefixes.clear();
    listed.clear();
    filled = {};
    for (std::size_t i = 0; filled && i < selections.size(); ++i)
      filled = co_await list(selections[i]);
    if (filled) filled = co_await fill();
    if (filled ||
        (filled.error().code != ErrorCode::busy && filled.error().code != ErrorCode::not_found))
      break;
  }
  cache.reset();
  co_return filled;
}

// --- running ---

// Ctrl-C ends what DuckDB runs while this lives. One that comes just before a statement begins
// would be forgotten by it: hence again and again.
class Interruption {
 public:
  explicit Interruption(Duckdb& database) : database_(database) {
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
  Duckdb& database_;
  asio::io_context loop_{1};
  asio::signal_set signals_{loop_, SIGINT, SIGTERM};
  client::Timer timer_{loop_};
  std::atomic<bool> came_ = false;
  std::thread thread_;
};

// SHOW and DESCRIBE are no views, but can be read from.
Result<void> make_result_view(Duckdb& database, std::string sql) {
  constexpr std::string_view kView = "CREATE OR REPLACE TEMP VIEW valetkey_result AS ";
  if (database.run(std::string(kView) + sql)) return {};
  sql.erase(sql.find_last_not_of("; \t\r\n") + 1);
  return database.run(std::string(kView) + "FROM (" + sql + "\n)");
}

std::string as_text(const std::vector<events::ResultColumn>& columns) {
  std::string sql = "SELECT ";
  for (std::size_t i = 1; i <= columns.size(); ++i)
    sql += fmt::format("{}#{}::VARCHAR", i == 1 ? "" : ", ", i);
  return sql + " FROM valetkey_result";
}

Result<void> write_rows(Duckdb& database, const std::string& format, Writer write,
                        std::optional<std::size_t> width = std::nullopt) {
  VALETKEY_TRY(const auto found, database.check_select("FROM valetkey_result"));
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
    sql = "SELECT to_json(valetkey_result)::VARCHAR FROM valetkey_result";
    rows = make_json(std::move(write));
  }
  VALETKEY_CHECK(rows->begin());
  VALETKEY_CHECK(database.read(sql, [&rows](Cells cells) { return rows->row(cells); }));
  return rows->end();
}

// Where one of DuckDB's threads fails, another may be heard first, that only says that it was told
// to stop. Asked again, it mostly names the cause.
Result<void> with_cause(Duckdb& database, Result<void> done) {
  constexpr int kAttempts = 5;
  for (int i = 0; i < kAttempts && !done && done.error().detail.contains("INTERRUPT Error"); ++i) {
    VALETKEY_TRY(const auto columns, database.check_select("FROM valetkey_result"));
    if (auto again = database.read(as_text(columns), [](Cells) { return Result<void>(); }); !again)
      done = std::move(again);
  }
  return done;
}

Result<void> write_result(Duckdb& database, const std::string& format, const QueryFlags& flags,
                          const fs::path& folder, Streams streams) {
  if (flags.output.empty()) {
    const Writer write = [&streams](std::string_view bytes) -> Result<void> {
      streams.out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      if (streams.out) return {};
      return fail(ErrorCode::io, "the output could not be written");
    };
    return write_rows(database, format, write, terminal::columns_of(STDOUT_FILENO));
  }
  VALETKEY_TRY(auto output, client::OutputFile::create(flags.output));
  if (format == "parquet") {
    // DuckDB writes only in the snapshot; its path has no quote that is not ours to escape.
    std::string file = (folder / "result.parquet").string();
    for (std::size_t at = 0; (at = file.find('\'', at)) != std::string::npos; at += 2)
      file.insert(at, "'");
    VALETKEY_CHECK(database.run("COPY (FROM valetkey_result) TO '" + file + "' (FORMAT parquet)"));
    VALETKEY_CHECK(output->write_content_of(folder / "result.parquet"));
  } else {
    VALETKEY_CHECK(write_rows(database, format,
                              [&output](std::string_view bytes) { return output->write(bytes); }));
  }
  return output->finish();
}

}  // namespace

Result<std::vector<Selection>> selections_of(const Selection& asked, bool decisions, bool events) {
  std::vector<Selection> found;
  for (const std::string type : {"decisions", "events"}) {
    Selection selection = asked;
    selection.type = type;
    (type == "decisions" ? selection.event : selection.experiment).clear();
    VALETKEY_CHECK(selection.check());
    const bool needed = type == "decisions" ? decisions : events;
    if (needed && (asked.type.empty() || asked.type == type)) found.push_back(std::move(selection));
  }
  if ((asked.type == "events" && !asked.experiment.empty()) ||
      (asked.type == "decisions" && !asked.event.empty()))
    return fail(ErrorCode::invalid, "--experiment goes with decisions, --event with events");
  return found;
}

Result<void> run_query(Context& context, const Selection& selection, const QueryFlags& flags,
                       const client::Environment& env, Streams streams) {
  VALETKEY_TRY(const auto sql, sql_of(flags));
  VALETKEY_TRY(const auto format, format_of(flags));
  const QueryNeeds needs = needs_of(sql);
  VALETKEY_TRY(const auto selections, selections_of(selection, needs.decisions, needs.events));
  VALETKEY_TRY(const auto folder, cache_folder(env));
  VALETKEY_TRY(auto snapshot, Snapshot::make(folder));
  VALETKEY_TRY(auto database, open_duckdb(env, flags, snapshot->folder()));
  // What is wrong with the SQL is found out before anything is fetched.
  VALETKEY_CHECK(make_views(*database, {snapshot->folder()}));
  VALETKEY_CHECK(database->check_select(sql));

  Filling filling{context, flags, selections, folder, *snapshot, streams};
  VALETKEY_CHECK(context.run(filling.run(), [&filling, &snapshot] {
    if (filling.cache) static_cast<void>(filling.cache->folder().finish());
    snapshot->remove();
  }));
  if (flags.verbose)
    streams.err << fmt::format("{} parts fetched ({}), {} from the cache\n", filling.totals.files,
                               bytes_text(filling.totals.bytes), filling.totals.unchanged);
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

}  // namespace valetkey::cli
