// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <functional>
#include <thread>
#include <vector>

#include "admin/engines.h"
#include "admin/export_wiring.h"
#include "admin/internal/backlog.h"
#include "admin/internal/commands.h"
#include "admin/internal/data_folder.h"
#include "terminal/size.h"
#include "terminal/table.h"

namespace valetkey::admin {
namespace {

namespace json = boost::json;
using SteadyClock = std::chrono::steady_clock;

constexpr milliseconds kLook{100};
constexpr milliseconds kAskAgain{5'000};
constexpr std::chrono::minutes kNoProgress{10};

json::object document_of(const exporter::ExportCounts& c) {
  return {{"received", c.events + c.duplicates},
          {"events", c.events},
          {"duplicates", c.duplicates},
          {"set_aside", c.set_aside},
          {"late", c.late},
          {"rows", c.rows},
          {"parts", c.parts},
          {"bytes", c.bytes}};
}

exporter::ExportCounts difference(const exporter::ExportCounts& now,
                                  const exporter::ExportCounts& before) {
  return {
      now.events - before.events,       now.rows - before.rows, now.duplicates - before.duplicates,
      now.set_aside - before.set_aside, now.late - before.late, now.parts - before.parts,
      now.bytes - before.bytes};
}

// Nothing else wants the cores meanwhile, as requests would in a server.
config::Config::Export on_all_cores(config::Config::Export config) {
  constexpr std::uint64_t kEnoughMib = 256;  // of DuckDB's memory, for a thread
  const std::uint64_t cores = std::thread::hardware_concurrency();
  config.threads = std::max(config.threads, std::min(cores, config.memory_limit_mib / kEnoughMib));
  return config;
}

Result<void> export_here(const ExporterParts& parts, const config::Config& config) {
  VALETKEY_TRY(const auto exporter, make_exporter(parts, on_all_cores(config.exporting)));
  VALETKEY_CHECK(exporter->drain());
  VALETKEY_CHECK(exporter->close_days());
  VALETKEY_CHECK(exporter->apply_retention());
  return {};
}

// Asks the exporter of the running server and waits for it, in turns: the server may stop
// meanwhile.
class AtTheServer {
 public:
  AtTheServer(const CommandContext& context, const Engines& engines, const KeySource& keys,
              exporter::Ledger& ledger)
      : context_(context), engines_(engines), keys_(keys), ledger_(ledger) {}

  // True: all that waited at the first turn is exported.
  Result<bool> turn() {
    if (!asked_) {
      asked_ = context_.clock.now();
      VALETKEY_TRY(topic_, engines_.open_topic());
    }
    VALETKEY_CHECK(ledger_.request_run(context_.clock.now()));
    const auto until = SteadyClock::now() + kAskAgain;
    while (SteadyClock::now() < until) {
      VALETKEY_TRY(const auto consumed, consumed_by_partition(ledger_, topic_.get()));
      if (!target_) {
        VALETKEY_TRY(auto backlog,
                     read_backlog(events_folder(context_.data_dir), *keys_.get(), consumed));
        if (topic_ != nullptr) VALETKEY_CHECK(add_backlog(*topic_, consumed, backlog));
        target_ = backlog.ends;
      }
      VALETKEY_TRY(const bool done, reached(consumed));
      if (done) return true;
      VALETKEY_TRY(const auto why, ledger_.failed_since(*asked_));
      if (why) return fail(ErrorCode::unavailable, "the running server cannot export: " + *why);
      VALETKEY_CHECK(check_progress(consumed));
      std::this_thread::sleep_for(kLook);
    }
    return false;
  }

 private:
  // And no run holds any of it.
  Result<bool> reached(const std::vector<events::Offset>& consumed) {
    if (!std::ranges::equal(consumed, *target_, std::greater_equal())) return false;
    VALETKEY_TRY(const auto runs, ledger_.runs());
    return std::ranges::none_of(runs, [this](const exporter::Run& run) {
      return run.log_partition < target_->size() && run.first < (*target_)[run.log_partition];
    });
  }
  Result<void> check_progress(const std::vector<events::Offset>& consumed) {
    const auto now = SteadyClock::now();
    if (!seen_ || consumed != *seen_) {
      seen_ = consumed;
      progressed_ = now;
    }
    if (now - progressed_ < kNoProgress) return {};
    return fail(ErrorCode::unavailable,
                "the running server has exported nothing for 10 minutes; "
                "its log and /readyz say why");
  }

  const CommandContext& context_;
  const Engines& engines_;
  const KeySource& keys_;
  exporter::Ledger& ledger_;
  std::unique_ptr<events::EventLog> topic_;  // of Kafka, if events wait there
  std::optional<Timestamp> asked_;
  std::optional<std::vector<events::Offset>> target_, seen_;  // by partition of the log
  SteadyClock::time_point progressed_;
};

Result<void> export_all(CommandContext& context, const Engines& engines, const KeySource& keys,
                        storage::ObjectStore& objects, exporter::Ledger& ledger) {
  VALETKEY_TRY(const auto control, context.open_control());
  AtTheServer server(context, engines, keys, ledger);
  while (true) {
    const auto log = open_idle_log(engines, ledger, keys);
    if (log)
      return export_here({**log, objects, ledger, *control, context.clock}, engines.config());
    if (log.error().code != ErrorCode::busy) return std::unexpected(log.error());
    VALETKEY_TRY(const bool done, server.turn());
    if (done) return {};
  }
}

struct Status {
  std::map<std::string, exporter::ExportCounts> accounts;  // of which anything is to be told
  exporter::IntakeLosses losses;
  Backlog backlog;  // and what waits in runs, of which `runs` tells apart
  std::vector<exporter::Run> runs;
  std::optional<Date> closed_through;
  std::optional<Timestamp> last_finished;
};

// What Kafka does not tell is told as a problem: the rest is known all the same.
Result<Backlog> all_backlog(const CommandContext& context, const Keyring& keyring,
                            exporter::Ledger& ledger) {
  VALETKEY_TRY(const Engines engines, context.engines());
  const auto topic = engines.open_topic();
  VALETKEY_TRY(const auto consumed, consumed_by_partition(ledger, topic ? topic->get() : nullptr));
  VALETKEY_TRY(auto out, read_backlog(events_folder(context.data_dir), keyring, consumed, true));
  auto added = topic ? Result<void>() : std::unexpected(topic.error());
  if (topic && *topic) added = add_backlog(**topic, consumed, out, true);
  if (!added) out.problems.push_back(added.error().detail);
  return out;
}

// What is kept and in no part yet.
Result<void> add_runs(exporter::Ledger& ledger, Status& status) {
  VALETKEY_TRY(status.runs, ledger.runs());
  VALETKEY_TRY(const auto waiting, ledger.waiting_in_runs());
  auto& backlog = status.backlog;
  for (const auto& run : status.runs) {
    backlog.events += run.events;
    backlog.bytes += run.bytes;
    backlog.oldest = std::min(backlog.oldest.value_or(run.oldest), run.oldest);
  }
  for (const auto& [account, each] : waiting) {
    auto& of = backlog.accounts[account];
    of.oldest = of.events == 0 ? each.oldest : std::min(of.oldest, each.oldest);
    of.events += each.events;
  }
  return {};
}

Result<Status> read_status(const CommandContext& context) {
  VALETKEY_TRY(const auto keys, context.open_keys());
  VALETKEY_TRY(const auto ledger, context.open_ledger());
  Status out;
  VALETKEY_TRY(out.accounts, ledger->counts());
  VALETKEY_TRY(out.closed_through, ledger->closed_through());
  VALETKEY_TRY(out.last_finished, ledger->last_finished());
  VALETKEY_TRY(out.backlog, all_backlog(context, *keys->get(), *ledger));
  VALETKEY_CHECK(add_runs(*ledger, out));
  VALETKEY_TRY(out.losses, ledger->losses());
  for (const auto* counts : {&out.losses.dropped, &out.losses.altered})
    for (const auto& [account, reasons] : *counts) out.accounts.try_emplace(account);
  for (const auto& [account, waiting] : out.backlog.accounts) out.accounts.try_emplace(account);
  return out;
}

AccountBacklog waiting_of(const Status& status, const std::string& account) {
  const auto found = status.backlog.accounts.find(account);
  return found == status.backlog.accounts.end() ? AccountBacklog{} : found->second;
}

std::int64_t lag_seconds(const AccountBacklog& waiting, Timestamp now) {
  const auto lag = waiting.events > 0 ? now - waiting.oldest : milliseconds(0);
  return std::max<std::int64_t>(lag.count() / 1000, 0);
}

json::object by_reason(const exporter::LossCounts& losses, const std::string& account) {
  json::object out;
  if (const auto found = losses.find(account); found != losses.end())
    for (const auto& [reason, count] : found->second) out[reason] = count;
  return out;
}

std::string reasons_text(const exporter::LossCounts& losses, const std::string& account) {
  std::string out;
  for (const auto& [reason, count] : by_reason(losses, account))
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count.as_uint64(), std::string(reason));
  return out.empty() ? "0" : out;
}

// All that came and was kept, whether or not it is exported yet.
std::uint64_t received(const exporter::ExportCounts& c, const AccountBacklog& waiting) {
  return c.events + c.duplicates + waiting.events;
}

json::object document_of(const Status& status, Timestamp now) {
  json::array accounts;
  for (const auto& [account, counts] : status.accounts) {
    auto each = document_of(counts);
    each["account"] = account;
    const auto waiting = waiting_of(status, account);
    each["waiting"] = waiting.events;
    each["lag_seconds"] = lag_seconds(waiting, now);
    each["received"] = received(counts, waiting);
    each["dropped"] = by_reason(status.losses.dropped, account);
    each["altered"] = by_reason(status.losses.altered, account);
    accounts.push_back(std::move(each));
  }
  json::object out{{"accounts", std::move(accounts)},
                   {"waiting", status.backlog.events},
                   {"waiting_bytes", status.backlog.bytes},
                   {"runs", status.runs.size()},
                   {"lag_seconds", status.backlog.lag(now).count() / 1000},
                   {"unknown_accounts", json::object{{"events", status.losses.unknown_events},
                                                     {"last", status.losses.last_unknown}}},
                   {"closed_through", nullptr},
                   {"last_export", nullptr}};
  if (status.closed_through) out["closed_through"] = format_date(*status.closed_through);
  if (status.last_finished) out["last_export"] = format_iso8601(*status.last_finished);
  return out;
}

void print_table(const CommandContext& context, const Status& status, Timestamp now) {
  terminal::Table table({"ACCOUNT", "RECEIVED", "DUPLICATE", "SET ASIDE", "LATE", "ROWS", "PARTS",
                         "BYTES", "WAITING", "LAG S", "DROPPED", "ALTERED"});
  for (const auto& [account, c] : status.accounts) {
    const auto waiting = waiting_of(status, account);
    table.row({account, std::to_string(received(c, waiting)), std::to_string(c.duplicates),
               std::to_string(c.set_aside), std::to_string(c.late), std::to_string(c.rows),
               std::to_string(c.parts), std::to_string(c.bytes), std::to_string(waiting.events),
               std::to_string(lag_seconds(waiting, now)),
               reasons_text(status.losses.dropped, account),
               reasons_text(status.losses.altered, account)});
  }
  if (table.empty())
    context.out << "No events have come yet.\n";
  else
    table.print(context.out);
}

void print_summary(const CommandContext& context, const Status& status, Timestamp now) {
  const auto& waiting = status.backlog;
  std::uint64_t in_runs = 0;
  for (const auto& run : status.runs) in_runs += run.events;
  if (waiting.events > 0)
    context.out << fmt::format(
        "{} to be exported ({}), the oldest for {} s.\n",
        waiting.events == 1 ? "1 event waits" : fmt::format("{} events wait", waiting.events),
        terminal::size_text(waiting.bytes), waiting.lag(now).count() / 1000);
  else if (!status.accounts.empty())
    context.out << "No events are waiting to be exported.\n";
  if (!status.runs.empty())
    context.out << fmt::format(
        "Of these, {} in {} until [export] cut says so; `valetkeyd export` makes parts of them "
        "now.\n",
        in_runs == 1 ? "1 event waits" : fmt::format("{} events wait", in_runs),
        terminal::count_text(status.runs.size(), "run"));
  if (status.closed_through && !status.accounts.empty())
    context.out << fmt::format("Days up to {} are complete.\n",
                               format_date(*status.closed_through));
  const auto& last = status.losses.last_unknown;
  const auto unknown = status.losses.unknown_events;
  if (unknown > 0)
    context.out << fmt::format(
        "Dropped: {} (last: {}).\n",
        unknown == 1 ? "1 event of an account that does not exist"
                     : fmt::format("{} events of accounts that do not exist", unknown),
        last.empty() ? "no account_id" : last);
}

}  // namespace

Result<int> export_now(CommandContext& context) {
  VALETKEY_TRY(const Engines engines, context.engines());
  VALETKEY_TRY(const auto keys, context.open_keys());
  VALETKEY_TRY(const auto objects, engines.open_store(*keys));
  VALETKEY_TRY(const auto ledger, engines.databases().open_ledger());
  VALETKEY_TRY(const auto before, ledger->total_counts());
  VALETKEY_CHECK(export_all(context, engines, *keys, *objects, *ledger));
  VALETKEY_TRY(const auto after, ledger->total_counts());
  const auto done = difference(after, before);
  using terminal::count_text;
  if (context.json)
    context.print(document_of(done));
  else
    context.out << fmt::format("{} exported as {} in {} ({}); {}.\n",
                               count_text(done.events, "event"), count_text(done.rows, "row"),
                               count_text(done.parts, "part"), terminal::size_text(done.bytes),
                               count_text(done.duplicates, "duplicate"));
  return 0;
}

Result<int> export_status(CommandContext& context) {
  VALETKEY_TRY(const auto status, read_status(context));
  const auto now = context.clock.now();
  if (context.json) {
    context.print(document_of(status, now));
    return 0;
  }
  print_table(context, status, now);
  print_summary(context, status, now);
  for (const auto& problem : status.backlog.problems) context.err << problem << '\n';
  return 0;
}

}  // namespace valetkey::admin
