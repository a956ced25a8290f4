// SPDX-License-Identifier: Apache-2.0
#include "upkeep/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>

#include "base/crypto.h"
#include "base/encoding.h"
#include "layout/part_key.h"
#include "upkeep/internal/import_group.h"
#include "upkeep/internal/import_queue.h"
#include "upkeep/internal/tree_walk.h"

namespace valetkey::upkeep {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::size_t kMaxReasons = 100;

struct Outcome {
  enum class What : std::uint8_t { added, replaced, unchanged };
  What what;
  std::optional<std::uint64_t> rows;
};

class Import {
 public:
  Import(storage::ObjectStore& store, const Clock& clock, const ImportOptions& options,
         const Tree& tree, ImportProgress& progress)
      : store_(store), clock_(clock), options_(options), tree_(tree), progress_(progress) {}

  Result<ImportSummary> run();

 private:
  bool stopping() const { return options_.stop != nullptr && options_.stop->load(); }
  void count_files();
  void fill_queue();
  void work();
  void take(const std::string& key, std::string& buffer);
  Result<Outcome> take_file(const std::string& key, std::string& buffer);
  Result<void> read_through(const Tree::File& file, std::string& buffer, bool count_bytes,
                            const std::function<Result<void>(std::string_view)>& each);
  Result<bool> is_same(const Tree::File& file, const storage::ObjectInfo& there,
                       std::string& buffer);
  Result<std::optional<std::uint64_t>> write(const Tree::File& file, std::string& buffer);
  Result<std::optional<layout::PartStatistics>> read_part(const Tree::File& file) const;
  void advance(std::uint64_t files, std::uint64_t bytes);
  void refuse(const std::string& path, const Error& error);
  void finish_file(const std::string& key, const Outcome& outcome);
  void end_with(Error error);
  // A store that fails ends the import, unlike a file that cannot be read.
  template <class T>
  Result<T> of_store(Result<T> result) {
    if (!result) end_with(result.error());
    return result;
  }
  bool ended();

  storage::ObjectStore& store_;
  const Clock& clock_;
  const ImportOptions& options_;
  const Tree& tree_;
  ImportProgress& progress_;
  ImportGroup group_{store_};
  ImportQueue queue_;
  std::mutex mutex_;  // of all below
  ImportTotals totals_;
  ImportSummary summary_;
  std::optional<Error> fatal_;
};

// Counting first costs a second walk and gives people a total to measure progress by.
void Import::count_files() {
  ImportTotals found;
  tree_.walk({[&](const std::string&, std::uint64_t size) {
                found.files += 1;
                found.bytes += size;
                return !stopping();
              },
              [](const std::string&, const Error&) {}});
  const std::lock_guard lock(mutex_);
  totals_ = found;
  progress_.advanced(totals_);
}

void Import::fill_queue() {
  tree_.walk({[&](const std::string& key, std::uint64_t) {
                return !stopping() && !ended() && queue_.push(key);
              },
              [&](const std::string& path, const Error& error) { refuse(path, error); }});
  queue_.close();
}

Result<ImportSummary> Import::run() {
  count_files();
  const std::size_t wanted =
      options_.workers != 0 ? options_.workers : std::thread::hardware_concurrency();
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < std::clamp<std::size_t>(wanted, 1, 64); ++i)
      workers.emplace_back([this] { work(); });
    fill_queue();
  }
  // Also after a failure: what is written and can be published is not lost.
  if (auto published = group_.publish_all(); !published) end_with(std::move(published.error()));
  summary_.stopped = stopping();
  if (fatal_) return std::unexpected(std::move(*fatal_));
  return std::move(summary_);
}

void Import::work() {
  std::string buffer(kReadBytes, '\0');
  while (!ended()) {
    const auto key = queue_.pop();
    if (!key) return;
    if (!stopping()) take(*key, buffer);
  }
  queue_.close();  // nobody takes more, so nobody may wait to give
}

void Import::take(const std::string& key, std::string& buffer) {
  const auto outcome = take_file(key, buffer);
  if (outcome)
    finish_file(key, *outcome);
  else if (!stopping() && !ended())
    refuse(key, outcome.error());
}

Result<Outcome> Import::take_file(const std::string& key, std::string& buffer) {
  VALETKEY_TRY(const Tree::File file, tree_.open_file(key));
  const auto there = store_.head(key);
  // A row that does not authenticate is replaced like one with other content.
  const bool known = there.has_value() || there.error().code == ErrorCode::corrupt;
  if (!known && there.error().code != ErrorCode::not_found) {
    end_with(there.error());
    return std::unexpected(there.error());
  }
  if (there && there->size == static_cast<std::uint64_t>(file.status.st_size)) {
    VALETKEY_TRY(const bool same, is_same(file, *there, buffer));
    if (same) {
      advance(0, there->size);
      return Outcome{Outcome::What::unchanged, there->rows};
    }
  }
  VALETKEY_TRY(const auto rows, write(file, buffer));
  return Outcome{known ? Outcome::What::replaced : Outcome::What::added, rows};
}

Result<void> Import::read_through(const Tree::File& file, std::string& buffer, bool count_bytes,
                                  const std::function<Result<void>(std::string_view)>& each) {
  const auto size = static_cast<std::uint64_t>(file.status.st_size);
  for (std::uint64_t at = 0; at < size;) {
    if (stopping() || ended()) return fail(ErrorCode::unavailable, "the import was stopped");
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size - at));
    if (!read_exactly(file.descriptor.get(), at, {buffer.data(), part}, file.name)) {
      VALETKEY_CHECK(file.check_unchanged());
      return fail(ErrorCode::io, file.name + " could not be read to its end");
    }
    VALETKEY_CHECK(each({buffer.data(), part}));
    at += part;
    if (count_bytes) advance(0, part);
    VALETKEY_CHECK(of_store(group_.publish_if_due()));
  }
  return file.check_unchanged();
}

Result<bool> Import::is_same(const Tree::File& file, const storage::ObjectInfo& there,
                             std::string& buffer) {
  Md5 md5;
  VALETKEY_CHECK(read_through(file, buffer, false, [&](std::string_view bytes) -> Result<void> {
    md5.update(bytes);
    return {};
  }));
  const auto digest = md5.finish();
  return hex({reinterpret_cast<const char*>(digest.data()), digest.size()}) == there.etag;
}

Result<std::optional<std::uint64_t>> Import::write(const Tree::File& file, std::string& buffer) {
  VALETKEY_TRY(const auto statistics, read_part(file));
  VALETKEY_TRY(const auto writer, of_store(store_.create(file.name, clock_.now())));
  VALETKEY_CHECK(read_through(
      file, buffer, true, [&](std::string_view bytes) { return of_store(writer->write(bytes)); }));
  std::optional<std::uint64_t> rows;
  if (statistics) {
    writer->describe(*statistics);
    rows = statistics->rows;
  }
  VALETKEY_TRY(auto staged, of_store(writer->finish(rows)));
  {
    const std::lock_guard lock(mutex_);
    summary_.bytes += staged->info().size;
    if (statistics && statistics->timestamps != layout::TimestampUnit::microseconds &&
        statistics->timestamps != layout::TimestampUnit::none)
      summary_.not_microseconds += 1;
  }
  VALETKEY_CHECK(of_store(group_.add(std::move(staged))));
  return rows;
}

Result<std::optional<layout::PartStatistics>> Import::read_part(const Tree::File& file) const {
  if (!options_.read_part || !file.name.ends_with(".parquet")) return std::nullopt;
  const auto read_at = [&](std::uint64_t offset, std::span<char> out) {
    return read_exactly(file.descriptor.get(), offset, out, file.name);
  };
  auto read =
      options_.read_part(file.name, static_cast<std::uint64_t>(file.status.st_size), read_at);
  if (read) return std::optional(std::move(*read));
  return fail(ErrorCode::invalid,
              fmt::format("{} is not a readable Parquet file: {}", file.name, read.error().detail));
}

void Import::advance(std::uint64_t files, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  totals_.files_done += files;
  totals_.bytes_done += bytes;
  progress_.advanced(totals_);
}

void Import::refuse(const std::string& path, const Error& error) {
  const std::lock_guard lock(mutex_);
  summary_.refused += 1;
  if (summary_.reasons.size() < kMaxReasons) summary_.reasons.push_back(error);
  progress_.refused(path, error);
}

void Import::finish_file(const std::string& key, const Outcome& outcome) {
  {
    const std::lock_guard lock(mutex_);
    (outcome.what == Outcome::What::added      ? summary_.added
     : outcome.what == Outcome::What::replaced ? summary_.replaced
                                               : summary_.unchanged) += 1;
    if (const auto account = layout::account_in(key)) {
      ImportedAccount& of = summary_.accounts[account->str()];
      of.files += 1;
      of.rows += outcome.rows.value_or(0);
      if (const auto day = layout::DayKey::containing(key))
        of.days.insert(format_date(day->folder.day));
    }
  }
  advance(1, 0);
}

void Import::end_with(Error error) {
  const std::lock_guard lock(mutex_);
  if (!fatal_) fatal_ = std::move(error);
}

bool Import::ended() {
  const std::lock_guard lock(mutex_);
  return fatal_.has_value();
}

}  // namespace

std::string ImportSummary::str() const {
  return fmt::format("{} added, {} replaced, {} unchanged, {} refused, {} bytes written{}", added,
                     replaced, unchanged, refused, bytes, stopped ? "; stopped early" : "");
}

Result<ImportSummary> import_tree(storage::ObjectStore& store, const Clock& clock,
                                  const ImportOptions& options, ImportProgress& progress) {
  VALETKEY_TRY(const Tree tree, Tree::open(options.folder));
  return Import(store, clock, options, tree, progress).run();
}

}  // namespace valetkey::upkeep
