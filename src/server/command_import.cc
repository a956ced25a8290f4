// SPDX-License-Identifier: Apache-2.0
#include <boost/json/array.hpp>
#include <csignal>

#include "events/parquet_footer.h"
#include "server/commands.h"
#include "server/progress_bar.h"
#include "storage/disk_store.h"
#include "storage/import.h"

namespace valetkey::server {
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

class ShownProgress final : public storage::ImportProgress {
 public:
  explicit ShownProgress(const Session& session)
      : session_(session), bar_(session.err, session.terminal) {}
  void advanced(const storage::ImportTotals& t) override {
    bar_.show(t.files, t.files_done, t.bytes, t.bytes_done);
  }
  void refused(const std::string& path, const Error& error) override {
    bar_.clear();
    // The detail names the path in most cases; never leave the reader without it.
    const bool named = error.detail.find(path) != std::string::npos;
    session_.err << (named ? error.detail : path + ": " + error.detail) << '\n';
  }

 private:
  const Session& session_;
  ProgressBar bar_;
};

json::object document_of(const storage::ImportSummary& s) {
  json::array reasons;
  for (const Error& reason : s.reasons) reasons.emplace_back(reason.detail);
  return {{"written", s.added + s.replaced}, {"added", s.added},         {"replaced", s.replaced},
          {"unchanged", s.unchanged},        {"bytes", s.bytes},         {"refused", s.refused},
          {"reasons", std::move(reasons)},   {"complete", s.complete()}, {"stopped", s.stopped}};
}

Result<storage::ImportSummary> import_with_bar(const Session& session, storage::DiskStore& objects,
                                               const std::string& folder, unsigned workers) {
  const StopOnSignal stop;
  ShownProgress progress(session);
  return storage::import_tree(objects, session.clock,
                              {.folder = folder,
                               .workers = workers,
                               .count_rows = events::count_parquet_rows,
                               .stop = &stop_asked},
                              progress);
}

}  // namespace

Result<int> import_folder(Session& session, const std::string& folder, unsigned workers) {
  VALETKEY_TRY(const auto keys, session.open_keys());
  VALETKEY_TRY(const auto objects, session.open_objects(*keys));
  VALETKEY_TRY(const auto summary, import_with_bar(session, *objects, folder, workers));
  VALETKEY_CHECK(session.record("import", std::nullopt, folder));
  if (session.json)
    session.print(document_of(summary));
  else
    session.out << summary.str() << '\n';
  return summary.complete() ? 0 : 1;
}

}  // namespace valetkey::server
