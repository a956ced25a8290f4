// SPDX-License-Identifier: Apache-2.0
// The server's exporter: a thread of low priority that exports what is due, closes days, applies
// retention, and serves requests from `valetkeyd export` and `account erase-visitor`. A failure is
// logged and tried again, later and later; the events wait meanwhile. Thread-safe.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "admin/export_wiring.h"
#include "server/export_health.h"
#include "server/intake_counters.h"

namespace valetkey::server {

class ExportLoop {
 public:
  // `intake`: whose losses are written down, once a second and at the end. parts.holdings: of several nodes, which work
  // is this one's.
  ExportLoop(const admin::ExporterParts& parts, config::Config::Export config,
             IntakeCounters& intake)
      : parts_(parts), config_(std::move(config)), intake_(intake) {}
  ~ExportLoop() { stop(); }
  ExportLoop(const ExportLoop&) = delete;
  ExportLoop& operator=(const ExportLoop&) = delete;
  void start();
  void stop();  // lets the running batch end
  ExportHealth health() const;

 private:
  void run();
  Result<void> work();
  Result<void> export_waiting(bool everything);
  Result<std::optional<Date>> day_that_is_over();
  Result<void> apply_retention();
  Result<void> rewrite_parts();
  void read_parts();
  Result<void> look();
  Result<void> keep_losses();
  bool is_asked();
  bool holds(exporter::Work work) const {
    return parts_.holdings == nullptr || parts_.holdings->holds(work);
  }
  void note_outcome(const Result<void>& worked, Timestamp began);
  bool stopping() const;

  const admin::ExporterParts parts_;
  const config::Config::Export config_;
  IntakeCounters& intake_;
  // The thread's own.
  std::unique_ptr<exporter::Exporter> exporter_;
  std::vector<exporter::LogCursor> cursors_;  // by partition of the log
  bool asked_ = false;                        // by `valetkeyd export`, and not yet done
  std::optional<Timestamp> served_;           // the time of the last request that it took up
  const Timestamp made_ = parts_.clock.now();
  std::uint64_t gained_ = 0, gained_days_ = 0;  // of parts_.holdings, at the last look
  std::optional<Date> hurried_;                 // the last day whose end made it export everything
  std::optional<Date> retained_;
  bool parts_unreadable_ = false;  // the last attempt to read footers failed

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  exporter::ExportCounts totals_;
  std::uint64_t runs_ = 0, run_events_ = 0;
  std::optional<Timestamp> oldest_;
  std::uint64_t failures_ = 0;
  std::string problem_;
  std::thread thread_;
};

}  // namespace valetkey::server
