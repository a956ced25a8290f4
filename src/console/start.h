// SPDX-License-Identifier: Apache-2.0
// The page that gets somebody started: what their token was seen doing, whether events arrive, and
// sample events for an account that has none. Thread-safe; every call blocks, briefly.
#pragma once

#include <functional>

#include "access/credentials.h"
#include "access/usage.h"
#include "console/call.h"
#include "control/audit.h"
#include "events/event_log.h"
#include "events/intake.h"
#include "limits/pace.h"
#include "storage/export_figures.h"

namespace valetkey::console {

// When the exporter was done last, and when it is due; nothing of it where no events are taken.
struct ExportTimes {
  std::optional<Timestamp> last{}, next{};
  std::optional<Date> closed_through{};
};
using ReadExportTimes = std::function<Result<ExportTimes>(Timestamp now)>;

class Start {
 public:
  struct Parts {
    control::ControlStore& store;
    control::AuditLog& audit;
    access::Usage& usage;
    storage::ExportFigures* figures;  // null: sums are not kept
    ReadExportTimes times;
    events::EventLog* log;  // null: no events are taken
    access::CredentialIssuer& issuer;
  };
  Start(Parts parts, const api::Options& options)
      : parts_(std::move(parts)), options_(options), samples_(1.0 / 30, std::chrono::seconds(60)) {}
  Answer<Reply> seen(const Call& call);  // of the token ids[0]
  Answer<Reply> arrivals(const Call& call);
  Answer<Reply> send_samples(const Call& call);

 private:
  Answer<void> store(const Call& call, const events::Intake& intake);
  Answer<boost::json::object> place(const Call& call);

  Parts parts_;
  const api::Options options_;
  limits::Rates samples_;  // by account
};

// The last hour of a shop with 40 visitors and one experiment, as an SDK reports it: a body of POST
// /v1/events. The uuids are new each time.
std::string sample_events(const AccountId& account, Timestamp now);

}  // namespace valetkey::console
