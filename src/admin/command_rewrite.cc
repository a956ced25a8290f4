// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <thread>

#include "admin/engines.h"
#include "admin/export_wiring.h"
#include "admin/internal/commands.h"
#include "storage/part_catalog.h"
#include "terminal/progress.h"

namespace valetkey::admin {
namespace {

constexpr milliseconds kLook{200};
constexpr std::size_t kPartsAtOnce = 10;

// What is left to be rewritten, on one line.
class Left {
 public:
  Left(const CommandContext& context, storage::PartCatalog& catalog)
      : bar_(context.err), catalog_(catalog) {
    bar_.also_in_logs();
  }
  Result<void> show() {
    VALETKEY_TRY(const auto left, catalog_.count_without_microseconds());
    most_ = std::max(most_, left);
    bar_.show({.files = most_, .files_done = most_ - left});
    return {};
  }
  std::uint64_t most() const { return most_; }

 private:
  terminal::Progress bar_;
  storage::PartCatalog& catalog_;
  std::uint64_t most_ = 0;
};

// The exporter of the running server rewrites; this waits for it. False: the server is gone.
Result<bool> wait_for_server(const CommandContext& context, exporter::Ledger& ledger,
                             Timestamp asked, Left& left) {
  VALETKEY_CHECK(ledger.request_run(context.clock.now()));
  for (auto until = context.clock.now() + milliseconds(5'000); context.clock.now() < until;) {
    VALETKEY_TRY(const bool under_way, ledger.rewriting());
    if (!under_way) return true;
    VALETKEY_TRY(const auto why, ledger.failed_since(asked));
    if (why)
      return fail(ErrorCode::unavailable,
                  "the running server cannot rewrite now and tries again later: " + *why);
    VALETKEY_CHECK(left.show());
    std::this_thread::sleep_for(kLook);
  }
  return false;
}

Result<void> rewrite_here(const ExporterParts& parts, const config::Config& config, Left& left) {
  VALETKEY_TRY(const auto exporter, make_exporter(parts, config.exporting));
  while (true) {
    VALETKEY_CHECK(left.show());
    VALETKEY_TRY(const bool more, exporter->rewrite_some(kPartsAtOnce));
    if (!more) return {};
  }
}

Result<void> rewrite_all(CommandContext& context, const Engines& engines, const KeySource& keys,
                         storage::ObjectStore& objects, exporter::Ledger& ledger, Left& left) {
  VALETKEY_TRY(const auto control, context.open_control());
  const auto asked = context.clock.now();
  while (true) {
    const auto log = open_idle_log(engines, ledger, keys);
    if (log)
      return rewrite_here({**log, objects, ledger, *control, context.clock}, engines.config(),
                          left);
    if (log.error().code != ErrorCode::busy) return std::unexpected(log.error());
    VALETKEY_TRY(const bool done, wait_for_server(context, ledger, asked, left));
    if (done) return {};
  }
}

}  // namespace

Result<int> export_rewrite(CommandContext& context) {
  VALETKEY_TRY(const Engines engines, context.engines());
  if (engines.config().exporting.timestamps == "ms")
    return fail(ErrorCode::invalid,
                "[export] timestamps = \"ms\" asks for parts with milliseconds: take that line out "
                "of the configuration, start the server anew and try again");
  VALETKEY_TRY(const auto keys, context.open_keys());
  VALETKEY_TRY(const auto objects, engines.open_store(*keys));
  auto* const catalog = objects->part_catalog();
  if (catalog == nullptr)
    return fail(ErrorCode::denied,
                "parts in a bucket cannot be rewritten, because there the old and the new ones "
                "cannot be exchanged at once; with [export] timestamps = \"us\" new parts have "
                "microseconds");
  VALETKEY_TRY(const auto ledger, engines.databases().open_ledger());
  VALETKEY_CHECK(ledger->set_timestamps(layout::TimestampUnit::microseconds));
  VALETKEY_CHECK(ledger->request_rewrite());
  VALETKEY_CHECK(context.record("export.rewrite", std::nullopt, "parts"));
  std::uint64_t most = 0;
  {
    Left left(context, *catalog);
    VALETKEY_CHECK(rewrite_all(context, engines, *keys, *objects, *ledger, left));
    most = left.most();
  }
  VALETKEY_TRY(const auto left, catalog->count_without_microseconds());
  const auto rewritten = most - std::min(most, left);
  if (context.json)
    context.print(boost::json::object{{"rewritten", rewritten}, {"left", left}});
  else
    context.out << fmt::format("{} parts rewritten; new parts have microseconds.\n", rewritten);
  if (left > 0)
    context.err << fmt::format(
        "{} parts stay as they are, because they cannot be read or have columns of their own; the "
        "log names them. Iceberg tables stay closed for their accounts.\n",
        left);
  return left > 0 ? 1 : 0;
}

}  // namespace valetkey::admin
