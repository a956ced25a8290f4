// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <boost/json/value_from.hpp>

#include "admin/export_wiring.h"
#include "admin/internal/backlog.h"
#include "admin/internal/check_parts.h"
#include "admin/internal/commands.h"
#include "admin/internal/data_folder.h"
#include "exporter/damaged_runs.h"
#include "exporter/runs.h"
#include "terminal/progress.h"
#include "terminal/size.h"
#include "upkeep/check.h"

namespace valetkey::admin {
namespace {

namespace json = boost::json;

class ShownProgress final : public upkeep::CheckProgress {
 public:
  ShownProgress(const CommandContext& context, storage::StoreStats total)
      : bar_(context.err), total_(total) {
    bar_.also_in_logs();
  }
  void advanced(std::uint64_t objects, std::uint64_t bytes) override {
    bar_.show({total_.objects, objects, total_.bytes, bytes});
  }

 private:
  terminal::Progress bar_;
  storage::StoreStats total_;
};

class UncountedProgress final : public upkeep::CheckProgress {
 public:
  explicit UncountedProgress(const CommandContext& context) : bar_(context.err) {
    bar_.also_in_logs();
  }
  void advanced(std::uint64_t objects, std::uint64_t bytes) override {
    bar_.show({objects, objects, bytes, bytes});
  }

 private:
  terminal::Progress bar_;
};

// Of an export that lies in a bucket.
Result<upkeep::CheckReport> check_bucket(const CommandContext& context, const KeySource& keys) {
  VALETKEY_TRY(const auto objects, context.open_objects(keys));
  VALETKEY_TRY(const auto ledger, context.open_ledger());
  VALETKEY_TRY(const auto store, context.open_control());
  VALETKEY_TRY(auto accounts, exported_accounts(*store));
  UncountedProgress progress(context);
  return check_parts({*objects, *ledger, std::move(accounts)}, progress);
}

// What keeps objects.db from being opened is a finding, too.
Result<upkeep::CheckReport> check_with_bar(const CommandContext& context, const KeySource& keys,
                                           bool repair) {
  VALETKEY_TRY(const Engines engines, context.engines());
  if (!engines.keeps_parts()) return check_bucket(context, keys);
  const auto opened = engines.open_disk(keys, "");
  const auto counted = opened ? (*opened)->stats() : std::unexpected(opened.error());
  if (!counted && counted.error().code == ErrorCode::corrupt) {
    upkeep::CheckReport report;
    report.problems.push_back(counted.error().detail);
    return report;
  }
  if (!counted) return std::unexpected(counted.error());
  const auto& objects = *opened;
  const auto& total = *counted;
  ShownProgress progress(context, total);
  const std::size_t workers = std::max(1u, std::thread::hardware_concurrency());
  return upkeep::check_objects(*objects, {.workers = workers, .repair = repair},
                               context.clock.now(), progress);
}

// Every record's checksum.
void check_audit(const CommandContext& context, std::vector<std::string>& problems) {
  const auto damaged = control::read_audit(context.data_dir / "audit", {}, [](const auto&) {});
  if (!damaged)
    problems.push_back("audit: " + damaged.error().detail);
  else if (*damaged > 0)
    problems.push_back(fmt::format("audit: {} records are torn or altered", *damaged));
}

// Whether the object is damaged or gone, and not merely sealed under a key of another keyring, or in a bucket that is
// away.
bool is_lost(storage::ObjectStore& store, const std::string& key) {
  const auto reader = store.open(key);
  if (!reader && reader.error().code == ErrorCode::not_found)
    return exporter::is_missing(store, key).value_or(false);
  if (!reader) return reader.error().code == ErrorCode::corrupt;
  std::string buffer(1 << 20, '\0');
  for (std::uint64_t at = 0; at < (*reader)->info().size;) {
    const auto got = (*reader)->read(at, buffer, storage::ReadMode::blocking);
    if (!got) return got.error() == storage::ReadFailure::corrupt;
    if (*got == 0) return true;
    at += *got;
  }
  return false;
}

Result<void> give_up_seen(storage::ObjectStore& objects, exporter::Ledger& ledger,
                          std::vector<std::string>& repaired) {
  VALETKEY_TRY(const auto files, ledger.all_seen());
  for (const auto& file : files) {
    if (!is_lost(objects, file.key)) continue;
    VALETKEY_CHECK(ledger.forget_seen(file.key));
    storage::Publication removal;
    removal.remove.push_back(file.key);
    VALETKEY_CHECK(objects.publish(std::move(removal)));
    repaired.push_back(
        fmt::format("{} cannot be read and is given up: of the {} events exported on {}, those "
                    "that are sent again now count again",
                    file.key, file.uuids, format_date(file.day)));
  }
  return {};
}

Result<void> give_up_runs(storage::ObjectStore& objects, exporter::Ledger& ledger, Timestamp now,
                          std::vector<std::string>& repaired) {
  VALETKEY_TRY(const auto runs, ledger.runs());
  for (const auto& run : runs) {
    VALETKEY_TRY(const auto lost, exporter::give_up_damage(objects, ledger, run, now));
    if (!lost) continue;
    repaired.push_back(
        fmt::format("{} cannot be read and is given up: {} of the {} events that waited in it, "
                    "received from {} to {}, are lost",
                    exporter::run_key(run.log_partition, run.id), *lost, run.events,
                    format_iso8601(run.oldest), format_iso8601(run.made)));
  }
  return {};
}

// At files of seen uuids and of events that wait which it cannot read, the exporter stops.
Result<std::vector<std::string>> give_up_unreadable(const CommandContext& context,
                                                    const KeySource& keys) {
  std::vector<std::string> repaired;
  const auto objects = context.open_objects(keys);
  const auto ledger = context.open_ledger();
  if (!objects || !ledger) return repaired;  // a finding of the check that follows
  VALETKEY_CHECK(give_up_seen(**objects, **ledger, repaired));
  VALETKEY_CHECK(give_up_runs(**objects, **ledger, context.clock.now(), repaired));
  return repaired;
}

// Pages and references, then every row is read.
void check_control(const CommandContext& context, std::vector<std::string>& problems) {
  const auto note = [&](const auto& read) {
    if (!read) problems.push_back("control.db: " + read.error().detail);
  };
  const auto engines = context.engines();
  const auto damaged =
      engines ? engines->databases().check_file() : std::unexpected(engines.error());
  if (!damaged) {
    problems.push_back(damaged.error().detail);
    return check_audit(context, problems);
  }
  for (const std::string& problem : *damaged)
    problems.push_back("control.db: " + problem + ": restore a backup");
  if (!damaged->empty()) return check_audit(context, problems);
  if (const auto store = context.open_control(); store) {
    note((*store)->accounts());
    note((*store)->users(std::nullopt));
    note((*store)->tokens(std::nullopt, std::nullopt));
    note((*store)->usage(std::nullopt, Date::min(), Date::max()));
  } else {
    note(store);
  }
  check_audit(context, problems);
}

// Every stretch of the event log that waits is authenticated, every row of the ledger read.
Result<void> check_events(const CommandContext& context, std::vector<std::string>& problems) {
  VALETKEY_TRY(const auto keys, context.open_keys());
  VALETKEY_TRY(const auto ledger, context.open_ledger());
  VALETKEY_TRY(const auto counts, ledger->counts());
  VALETKEY_TRY(const auto seen, ledger->all_seen());
  VALETKEY_TRY(const auto consumed, consumed_by_partition(*ledger));
  VALETKEY_TRY(const auto backlog,
               read_backlog(events_folder(context.data_dir), *keys->get(), consumed, true));
  for (const auto& problem : backlog.problems) problems.push_back("events: " + problem);
  VALETKEY_TRY(const auto objects, context.open_objects(*keys));
  // In a bucket they are read with the parts.
  if (!objects->capabilities().atomic_groups) return {};
  VALETKEY_TRY(const auto runs, ledger->runs());
  for (const auto& run : runs) {
    const auto key = exporter::run_key(run.log_partition, run.id);
    if (objects->head(key)) continue;
    problems.push_back(fmt::format(
        "events: {} is missing, and {} events that wait in it are in no part: restore it from a "
        "backup, or give them up with check --repair",
        key, run.events));
  }
  return {};
}

}  // namespace

Result<int> check(CommandContext& context, bool repair) {
  VALETKEY_CHECK(context.need_data());
  VALETKEY_TRY(const auto keys, context.open_keys());
  std::vector<std::string> forgotten;
  if (repair) {
    VALETKEY_TRY(forgotten, give_up_unreadable(context, *keys));
  }
  VALETKEY_TRY(auto report, check_with_bar(context, *keys, repair));
  report.repaired.insert(report.repaired.begin(), forgotten.begin(), forgotten.end());
  check_control(context, report.problems);
  if (const auto read = check_events(context, report.problems); !read)
    report.problems.push_back("events: " + read.error().detail);
  if (context.json) {
    context.print(json::object{{"clean", report.clean()},
                               {"objects", report.objects},
                               {"bytes", report.bytes},
                               {"orphans", report.orphans},
                               {"problems", json::value_from(report.problems)},
                               {"repaired", json::value_from(report.repaired)}});
    return report.clean() ? 0 : 1;
  }
  for (const auto& line : report.repaired) context.out << "repaired: " << line << '\n';
  for (const auto& line : report.problems) context.out << line << '\n';
  context.out << fmt::format(
      "{}, {} read: {}\n", terminal::count_text(report.objects, "object"),
      terminal::size_text(report.bytes),
      report.clean() ? "all is well" : terminal::count_text(report.problems.size(), "problem"));
  return report.clean() ? 0 : 1;
}

}  // namespace valetkey::admin
