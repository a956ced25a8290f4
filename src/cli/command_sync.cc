// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/json_text.h"
#include "base/keyed_hash.h"
#include "cli/absence.h"
#include "cli/commands.h"
#include "cli/export_path.h"
#include "cli/printable.h"
#include "client/mirror.h"
#include "http/co_try.h"
#include "terminal/output.h"
#include "terminal/progress.h"
#include "terminal/size.h"

namespace valetkey::cli {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

// What a person, or a program with --json, sees of a sync.
class Report {
 public:
  Report(const SyncFlags& flags, const client::TransferTotals& totals, Streams streams)
      : flags_(flags), totals_(totals), streams_(streams), bar_(streams.err) {}

  void file(const char* action, const std::string& name, std::uint64_t bytes) {
    if (flags_.json) {
      streams_.out << fmt::format(R"({{"event":"{}","name":{},"bytes":{}}})"
                                  "\n",
                                  action, quote_json(name), bytes);
    } else if (flags_.verbose || flags_.dry_run) {
      clear();
      streams_.out << action << ' ' << printable(quote_json(name)) << ' '
                   << terminal::size_text(bytes) << '\n';
    }
  }

  void bar() {
    if (!flags_.json)
      bar_.show({totals_.files, totals_.files_done, totals_.bytes, totals_.bytes_done});
  }
  void clear() { bar_.clear(); }

  void done(std::uint64_t deleted) {
    clear();
    const double elapsed =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
    if (flags_.json)
      streams_.out << fmt::format(
          R"({{"event":"done","fetched":{},"bytes":{},"unchanged":{},"deleted":{},"seconds":{:.3f}}})"
          "\n",
          totals_.files_done, totals_.bytes_done, totals_.unchanged, deleted, elapsed);
    else
      streams_.out << fmt::format("{} fetched ({}), {} unchanged, {} deleted, {:.1f} s\n",
                                  totals_.files_done, terminal::size_text(totals_.bytes_done),
                                  totals_.unchanged, deleted, elapsed);
  }

 private:
  const SyncFlags& flags_;
  const client::TransferTotals& totals_;
  Streams streams_;
  terminal::Progress bar_;
  const SteadyTime started_ = std::chrono::steady_clock::now();
};

struct Sync {
  Context& context;
  const Selection& selection;
  const SyncFlags& flags;
  client::TransferTotals totals;
  std::uint64_t deleted = 0;
  Report report;
  std::unique_ptr<client::Folder> folder;

  Task<Result<void>> run();
  bool is_empty(const std::vector<std::string>& prefixes) const;
  Result<void> remove_others(const std::vector<std::string>& prefixes,
                             const std::vector<client::ListedObject>& objects);
};

// A typing error must not look like an export without data; nor must an export whose data have
// gone keep the mirror from losing them.
bool Sync::is_empty(const std::vector<std::string>& prefixes) const {
  return std::ranges::all_of(prefixes, [this](const std::string& prefix) {
    const auto files = folder->files(prefix);
    return files && files->empty();
  });
}

Result<void> Sync::remove_others(const std::vector<std::string>& prefixes,
                                 const std::vector<client::ListedObject>& objects) {
  NameSet listed;
  NameSet days;
  for (const client::ListedObject& object : objects) {
    listed.insert(object.key);
    days.insert(day_of(object.key));
  }
  for (const std::string& prefix : prefixes) {
    VALETKEY_TRY(const auto files, folder->files(prefix));
    for (const std::string& name : files) {
      if (listed.contains(name) || !selection.takes(name)) continue;
      // A day that is not complete was left out of the list, so the list says nothing of it.
      if (selection.only_complete && !days.contains(day_of(name))) continue;
      if (!flags.dry_run) VALETKEY_CHECK(folder->remove(name));
      ++deleted;
      report.file(flags.dry_run ? "would_delete" : "deleted", name, 0);
    }
  }
  return {};
}

Task<Result<void>> Sync::run() {
  VALETKEY_CO_TRY(auto grant, co_await context.session().get());
  VALETKEY_CO_TRY(auto prefixes, co_await prefixes_of(context, selection));
  VALETKEY_CO_TRY(auto objects, co_await objects_of(context, selection, prefixes));
  if (objects.empty() && !flags.delete_) co_return co_await nothing_matches(context, selection);
  VALETKEY_CO_TRY(auto opened, flags.dry_run
                                   ? client::Folder::look(flags.output, grant->s3_path())
                                   : client::Folder::open(flags.output, grant->s3_path()));
  folder = std::move(opened);
  if (objects.empty() && is_empty(prefixes)) co_return co_await nothing_matches(context, selection);
  VALETKEY_CO_TRY(auto wanted, client::missing_in(*folder, objects, totals));
  if (flags.dry_run) {
    for (const auto& object : wanted) report.file("would_fetch", object.key, object.size);
  } else {
    client::FetchOptions options{
        .connections = flags.connections,
        .done = [this](const auto& object) { report.file("fetched", object.key, object.size); },
        .moved = [this] { report.bar(); }};
    auto brought = co_await client::bring(context.data(), *folder, std::move(wanted),
                                          std::move(options), totals);
    if (!brought) co_return brought;
  }
  if (flags.delete_) {
    auto removed = remove_others(prefixes, objects);
    if (!removed) co_return removed;
    if (!flags.dry_run) {
      auto finished = folder->finish();
      if (!finished) co_return finished;
    }
  }
  co_return Result<void>{};
}

}  // namespace

Result<void> run_sync(Context& context, const Selection& selection, const SyncFlags& flags,
                      Streams streams) {
  VALETKEY_CHECK(check_output(flags.output));
  Sync sync{context, selection, flags, {}, 0, Report(flags, sync.totals, streams), nullptr};
  auto result = context.run(sync.run(), [&sync] {
    sync.report.clear();
    if (sync.folder && !sync.flags.dry_run) static_cast<void>(sync.folder->finish());
  });
  sync.report.clear();
  if (result) sync.report.done(sync.deleted);
  return terminal::with_room_advice(
      std::move(result), std::filesystem::absolute(flags.output),
      "choose another --output; run again, it goes on where it stopped");
}

}  // namespace valetkey::cli
