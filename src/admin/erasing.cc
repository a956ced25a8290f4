// SPDX-License-Identifier: Apache-2.0
#include "admin/internal/erasing.h"

#include <thread>

#include "admin/export_wiring.h"

namespace valetkey::admin {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr milliseconds kLook{100};
constexpr int kLooks = 20;  // before the command tries again whether it has to do it
constexpr std::chrono::hours kLongest{1};

// Nothing to do here where a server runs.
Result<void> erase_here(const ErasingParts& p) {
  const auto log = open_idle_log(p.engines, p.ledger, p.keys);
  if (!log && log.error().code == ErrorCode::busy) return {};
  if (!log && log.error().code == ErrorCode::unavailable)
    return fail(ErrorCode::unavailable,
                log.error().detail + "; the erasure is noted, and carried out afterwards");
  if (!log) return std::unexpected(log.error());
  const ExporterParts parts{**log, p.objects, p.ledger, p.control, p.engines.clock()};
  VALETKEY_TRY(const auto exporter, make_exporter(parts, p.engines.config().exporting));
  return exporter->carry_out_erasures(
      [&p](const AccountId& account) { return p.control.purge_account(account); });
}

}  // namespace

Result<exporter::ErasureResult> erase_wherever_exported(const ErasingParts& parts,
                                                        const AccountId& account,
                                                        const std::string& visitor_sha256) {
  const auto began = SteadyClock::now();
  const auto asked = parts.engines.clock().now();
  VALETKEY_TRY(const auto id, parts.ledger.request_erasure(account.str(), visitor_sha256, asked));
  VALETKEY_CHECK(parts.ledger.request_run(asked));  // ends the pause of an exporter that failed
  while (SteadyClock::now() - began < kLongest) {
    VALETKEY_CHECK(erase_here(parts));
    for (auto left = kLooks; left > 0; --left) {
      VALETKEY_TRY(auto erased, parts.ledger.erased(id));
      if (erased) return std::move(*erased);
      VALETKEY_TRY(const auto why, parts.ledger.failed_since(asked));
      if (why)
        return fail(ErrorCode::unavailable,
                    "the running server cannot erase yet, and tries again by itself: " + *why);
      std::this_thread::sleep_for(kLook);
    }
  }
  return fail(ErrorCode::unavailable,
              "the running server has not finished the erasure within an hour; it goes on, and "
              "its log and /readyz say how");
}

}  // namespace valetkey::admin
