// SPDX-License-Identifier: Apache-2.0
// What an account lets in and how long it keeps it: `account set` and `account erase-visitor`.
#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "base/crypto.h"
#include "server/commands.h"
#include "server/export_wiring.h"

namespace valetkey::server {
namespace {

namespace json = boost::json;

constexpr const char* kIngestKeyPrefix = "vkingest_";
constexpr std::size_t kIngestKeyLength = 40;
// Replaced parts stay readable for hours; an erased visitor's must not.
constexpr std::chrono::days kAfterAllReaders{30};

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

Result<std::uint64_t> erase(Session& session, const AccountId& account,
                            const std::string& visitor) {
  VALETKEY_TRY(const auto config, session.load_config());
  VALETKEY_TRY(const auto keys, session.open_keys());
  VALETKEY_TRY(const auto objects, session.open_objects(*keys));
  VALETKEY_TRY(const auto control, session.open_control());
  VALETKEY_TRY(const auto known, control->account(account));
  VALETKEY_TRY(const auto ledger, open_ledger(session.data_dir));
  const auto log = open_event_log(session.data_dir, config, *ledger, *keys, session.clock);
  if (!log && log.error().code == ErrorCode::busy)
    return fail(ErrorCode::busy,
                "a server runs on this data folder and takes events while parts would be "
                "rewritten; stop it, erase, and start it again");
  if (!log) return std::unexpected(log.error());
  VALETKEY_TRY(
      const auto exporter,
      make_exporter({**log, *objects, *ledger, *control, session.clock}, config.exporting));
  VALETKEY_TRY(const auto rows, exporter->erase_visitor(known.id, visitor));
  VALETKEY_CHECK(objects->sweep(session.clock.now() + kAfterAllReaders));
  return rows;
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
  VALETKEY_TRY(const auto rows, erase(session, account, visitor));
  // The record proves the erasure to whoever knows the id, and tells it to nobody else.
  VALETKEY_CHECK(session.record("account.erase-visitor", account, "sha256:" + sha256_hex(visitor)));
  if (session.json) {
    session.print(json::object{{"account", id}, {"rows", rows}});
    return 0;
  }
  session.out << fmt::format("{} rows of that visitor are gone from the export.\n", rows);
  session.err << "Backups made before keep them until they are removed: repeat this after a "
                 "restore. Downloads that clients made are out of reach.\n";
  return 0;
}

}  // namespace valetkey::server
