// SPDX-License-Identifier: Apache-2.0
// What an account lets in and how long it keeps it: `account set` and `account erase-visitor`.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <thread>

#include "base/crypto.h"
#include "server/commands.h"
#include "server/export_wiring.h"

namespace valetkey::server {
namespace {

namespace json = boost::json;
using SteadyClock = std::chrono::steady_clock;

constexpr const char* kIngestKeyPrefix = "vkingest_";
constexpr std::size_t kIngestKeyLength = 40;
constexpr milliseconds kLook{100};
constexpr int kLooks = 20;  // before this command tries again whether it has to do it
constexpr std::chrono::hours kLongestErasure{1};

Result<std::optional<std::chrono::days>> parse_retention(const std::string& text) {
  if (text == "none") return std::nullopt;
  const auto parsed = parse_duration(text);
  const auto whole = parsed ? std::chrono::floor<std::chrono::days>(*parsed) : std::chrono::days(0);
  if (!parsed || whole != *parsed || whole.count() == 0)
    return fail(ErrorCode::invalid, "--retention must be whole days, such as 90d, or none");
  return whole;
}

std::vector<std::string> parse_origins(std::string_view text) {
  std::vector<std::string> out;
  if (text == "none") return out;
  while (!text.empty()) {
    const auto comma = text.find(',');
    out.emplace_back(text.substr(0, comma));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return out;
}

// The key itself, where a new one was made: it is shown once and kept as a hash.
Result<std::string> apply(const PolicyFlags& flags, control::AccountPolicy& policy) {
  std::string key;
  if (flags.retention) {
    VALETKEY_TRY(policy.retention, parse_retention(*flags.retention));
  }
  if (flags.origins) policy.origins = parse_origins(*flags.origins);
  if (flags.events_per_s) policy.events_per_s = *flags.events_per_s;
  if (flags.bytes_per_day) policy.bytes_per_day = *flags.bytes_per_day;
  if (flags.ingest_key == "none") policy.ingest_key_sha256.reset();
  if (flags.ingest_key == "new") {
    key = kIngestKeyPrefix + random_base62(kIngestKeyLength);
    const auto digest = sha256(key);
    policy.ingest_key_sha256 = std::string(as_text(digest));
  }
  return key;
}

json::object document_of(const std::string& id, const control::AccountPolicy& p) {
  json::array origins;
  for (const auto& origin : p.origins) origins.emplace_back(origin);
  json::object out{{"id", id},
                   {"retention_days", nullptr},
                   {"needs_ingest_key", p.ingest_key_sha256.has_value()},
                   {"origins", std::move(origins)},
                   {"events_per_s", p.events_per_s},
                   {"bytes_per_day", p.bytes_per_day}};
  if (p.retention) out["retention_days"] = p.retention->count();
  return out;
}

std::string limit_text(std::uint64_t limit) {
  return limit == 0 ? "unlimited" : std::to_string(limit);
}

void print_policy(const Session& session, const std::string& id, const control::AccountPolicy& p) {
  session.out << fmt::format(
      "Account {}: retention {}, ingest key {}, origins {}, events per second {}, bytes per day "
      "{}.\n",
      id, p.retention ? fmt::format("{}d", p.retention->count()) : "none",
      p.ingest_key_sha256 ? "needed" : "not needed",
      p.origins.empty() ? "any" : fmt::format("{}", fmt::join(p.origins, ", ")),
      limit_text(p.events_per_s), limit_text(p.bytes_per_day));
}

// Whoever exports erases: the running server, or this command where none runs. The request is in
// the ledger first, so it is carried out even if this command ends.
class Erasing {
 public:
  Erasing(const Session& session, const Config& config, const KeySource& keys,
          storage::DiskStore& objects, control::ControlStore& control,
          storage::ExportLedger& ledger)
      : session_(session),
        config_(config),
        keys_(keys),
        objects_(objects),
        control_(control),
        ledger_(ledger) {}

  Result<storage::ErasureResult> run(const AccountId& account, const std::string& visitor) {
    const auto began = SteadyClock::now();
    const auto asked = session_.clock.now();
    VALETKEY_TRY(const auto id, ledger_.request_erasure(account.str(), sha256_hex(visitor), asked));
    VALETKEY_CHECK(ledger_.request_run(asked));  // ends the pause of an exporter that failed
    while (SteadyClock::now() - began < kLongestErasure) {
      VALETKEY_CHECK(erase_here());
      for (auto left = kLooks; left > 0; --left) {
        VALETKEY_TRY(auto erased, ledger_.erased(id));
        if (erased) return std::move(*erased);
        VALETKEY_TRY(const auto why, ledger_.failed_since(asked));
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

 private:
  // Nothing to do here where a server runs.
  Result<void> erase_here() {
    const auto log = open_event_log(session_.data_dir, config_, ledger_, keys_, session_.clock);
    if (!log && log.error().code == ErrorCode::busy) return {};
    if (!log) return std::unexpected(log.error());
    const ExporterParts parts{**log, objects_, ledger_, control_, session_.clock};
    VALETKEY_TRY(const auto exporter, make_exporter(parts, config_.exporting));
    return erase_asked_visitors(parts, *exporter);
  }

  const Session& session_;
  const Config& config_;
  const KeySource& keys_;
  storage::DiskStore& objects_;
  control::ControlStore& control_;
  storage::ExportLedger& ledger_;
};

Result<storage::ErasureResult> erase(Session& session, const AccountId& account,
                                     const std::string& visitor) {
  if (visitor.empty()) return fail(ErrorCode::invalid, "a visitor id is needed");
  VALETKEY_TRY(const auto config, session.load_config());
  VALETKEY_TRY(const auto keys, session.open_keys());
  VALETKEY_TRY(const auto objects, session.open_objects(*keys));
  VALETKEY_TRY(const auto control, session.open_control());
  VALETKEY_TRY(const auto known, control->account(account));
  VALETKEY_TRY(const auto ledger, open_ledger(session.data_dir));
  // Before it begins: no erasure goes unrecorded. The digest proves it to whoever knows the id, and
  // tells it to nobody else.
  VALETKEY_CHECK(
      session.record("account.erase-visitor", known.id, "sha256:" + sha256_hex(visitor)));
  return Erasing(session, config, *keys, *objects, *control, *ledger).run(known.id, visitor);
}

}  // namespace

Result<int> account_set_policy(Session& session, const std::string& id, const PolicyFlags& flags) {
  VALETKEY_TRY(const AccountId account, AccountId::parse(id));
  VALETKEY_TRY(const auto store, session.open_control());
  VALETKEY_TRY(auto policy, store->policy(account));
  const auto former = policy;
  VALETKEY_TRY(const std::string key, apply(flags, policy));
  if (policy != former) {
    VALETKEY_CHECK(store->set_policy(account, policy, session.clock.now()));
    VALETKEY_CHECK(session.record("account.set", account, account.str()));
  }
  if (session.json) {
    auto document = document_of(id, policy);
    if (!key.empty()) document["ingest_key"] = key;
    session.print(document);
    return 0;
  }
  print_policy(session, id, policy);
  if (!key.empty()) session.out << fmt::format("Ingest key, shown this once: {}\n", key);
  return 0;
}

Result<int> account_erase_visitor(Session& session, const std::string& id,
                                  const std::string& visitor) {
  VALETKEY_TRY(const AccountId account, AccountId::parse(id));
  VALETKEY_TRY(const auto erased, erase(session, account, visitor));
  const auto& [rows, unreadable] = erased;
  const int status = unreadable.empty() ? 0 : 1;
  if (session.json) {
    session.print(json::object{{"account", id},
                               {"rows", rows},
                               {"unreadable", json::array(unreadable.begin(), unreadable.end())}});
    return status;
  }
  session.out << fmt::format("{} rows of that visitor are gone from the export.\n", rows);
  for (const auto& key : unreadable)
    session.err << key << " cannot be read and may still hold the visitor.\n";
  if (!unreadable.empty())
    session.err << "Restore what cannot be read, from a backup or an import, and repeat this.\n";
  session.err << "Backups made before keep them until they are removed: repeat this after a "
                 "restore. Downloads that clients made are out of reach.\n";
  return status;
}

}  // namespace valetkey::server
