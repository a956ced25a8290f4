// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <csignal>

#include "admin/internal/commands.h"
#include "exporter/part_reading.h"
#include "storage/disk_store.h"
#include "terminal/progress.h"
#include "terminal/size.h"
#include "upkeep/import.h"

namespace valetkey::admin {
namespace {

namespace json = boost::json;

// Set by the signal handler, which can reach nothing else.
std::atomic<bool> stop_asked{false};

// While it lives, the first SIGINT or SIGTERM asks the import to end tidily, a second one kills.
class StopOnSignal {
 public:
  StopOnSignal() {
    stop_asked = false;
    struct sigaction action = {};
    action.sa_handler = [](int) { stop_asked = true; };
    action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
    ::sigaction(SIGINT, &action, &former_int_);
    ::sigaction(SIGTERM, &action, &former_term_);
  }
  ~StopOnSignal() {
    ::sigaction(SIGINT, &former_int_, nullptr);
    ::sigaction(SIGTERM, &former_term_, nullptr);
  }
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

 private:
  struct sigaction former_int_ = {};
  struct sigaction former_term_ = {};
};

class ShownProgress final : public upkeep::ImportProgress {
 public:
  explicit ShownProgress(const CommandContext& context) : context_(context), bar_(context.err) {
    bar_.also_in_logs();
  }
  void advanced(const upkeep::ImportTotals& t) override {
    bar_.show({t.files, t.files_done, t.bytes, t.bytes_done});
  }
  void refused(const std::string& path, const Error& error) override {
    bar_.clear();
    // The detail names the path in most cases; never leave the reader without it.
    const bool named = error.detail.find(path) != std::string::npos;
    context_.err << (named ? error.detail : path + ": " + error.detail) << '\n';
  }

 private:
  const CommandContext& context_;
  terminal::Progress bar_;
};

// The accounts of the import that do not exist, so that nobody can read their data; true: deleted.
Result<std::map<std::string, bool>> unknown_accounts(const CommandContext& context,
                                                     const upkeep::ImportSummary& summary) {
  VALETKEY_TRY(const auto store, context.open_control());
  std::map<std::string, bool> out;
  for (const auto& [id, imported] : summary.accounts) {
    const auto parsed = AccountId::parse(id);
    const auto account = parsed ? store->account(*parsed) : std::unexpected(parsed.error());
    if (account && account->state != control::AccountState::deleted) continue;
    if (!account && account.error().code != ErrorCode::not_found &&
        account.error().code != ErrorCode::invalid)
      return std::unexpected(account.error());
    out.emplace(id, account.has_value());
  }
  return out;
}

json::array document_of(const std::map<std::string, upkeep::ImportedAccount>& accounts) {
  json::array out;
  for (const auto& [id, a] : accounts) {
    json::object each{{"id", id}, {"days", a.days.size()}, {"files", a.files}, {"rows", a.rows}};
    each["first_day"] = a.days.empty() ? json::value() : json::value(*a.days.begin());
    each["last_day"] = a.days.empty() ? json::value() : json::value(*a.days.rbegin());
    out.push_back(std::move(each));
  }
  return out;
}

void print_accounts(const CommandContext& context,
                    const std::map<std::string, upkeep::ImportedAccount>& accounts) {
  for (const auto& [id, a] : accounts)
    context.out << fmt::format(
        "Account {}: {}{}, {}, {}.\n", id, terminal::count_text(a.days.size(), "day"),
        a.days.empty() ? "" : fmt::format(" ({} to {})", *a.days.begin(), *a.days.rbegin()),
        terminal::count_text(a.files, "file"), terminal::count_text(a.rows, "row"));
}

json::object document_of(const upkeep::ImportSummary& s) {
  json::array reasons;
  for (const Error& reason : s.reasons) reasons.emplace_back(reason.detail);
  return {{"written", s.added + s.replaced},
          {"added", s.added},
          {"replaced", s.replaced},
          {"unchanged", s.unchanged},
          {"bytes", s.bytes},
          {"refused", s.refused},
          {"reasons", std::move(reasons)},
          {"complete", s.complete()},
          {"stopped", s.stopped},
          {"not_microseconds", s.not_microseconds}};
}

Result<upkeep::ImportSummary> import_with_bar(const CommandContext& context,
                                              storage::ObjectStore& objects,
                                              const std::string& folder, unsigned workers) {
  const StopOnSignal stop;
  ShownProgress progress(context);
  return upkeep::import_tree(
      objects, context.clock,
      {.folder = folder, .workers = workers, .read_part = exporter::read_part, .stop = &stop_asked},
      progress);
}

}  // namespace

Result<int> import_folder(CommandContext& context, const std::string& folder, unsigned workers) {
  VALETKEY_TRY(const auto keys, context.open_keys());
  VALETKEY_TRY(const auto objects,
               context.open_disk(*keys, "copy the tree into it with any client of S3"));
  VALETKEY_TRY(const auto summary, import_with_bar(context, *objects, folder, workers));
  VALETKEY_CHECK(context.record("import", std::nullopt, folder));
  VALETKEY_TRY(const auto unknown, unknown_accounts(context, summary));
  if (context.json) {
    auto document = document_of(summary);
    document["accounts"] = document_of(summary.accounts);
    json::array ids;
    for (const auto& [id, deleted] : unknown) ids.emplace_back(id);
    document["unknown_accounts"] = std::move(ids);
    context.print(document);
  } else {
    context.out << summary.str() << '\n';
    print_accounts(context, summary.accounts);
  }
  if (summary.not_microseconds > 0)
    context.err << fmt::format(
        "{} of the files have timestamps that Iceberg tables cannot have. `valetkeyd export "
        "rewrite` "
        "brings them to microseconds; everything else reads them as they are.\n",
        summary.not_microseconds);
  for (const auto& [id, deleted] : unknown)
    context.err << (deleted ? fmt::format("Account {} is deleted, so nobody can read what was "
                                          "imported for it; `valetkeyd account delete {} --purge` "
                                          "removes it\n",
                                          id, id)
                            : fmt::format("There is no account {}, so nobody can read what was "
                                          "imported for it. Next: valetkeyd account create {} "
                                          "--name NAME\n",
                                          id, id));
  return summary.complete() ? 0 : 1;
}

}  // namespace valetkey::admin
