// SPDX-License-Identifier: Apache-2.0
// What an account lets in and how long it keeps it: `account set` and `account erase-visitor`.
#include <fmt/format.h>

#include <boost/json/array.hpp>

#include <set>

#include "admin/internal/commands.h"
#include "admin/internal/confirm.h"
#include "admin/internal/cutting_off.h"
#include "admin/internal/erasing.h"
#include "aws/session_policy.h"
#include "base/crypto.h"
#include "layout/part_key.h"
#include "terminal/size.h"

namespace valetkey::admin {
namespace {

namespace json = boost::json;

constexpr const char* kIngestKeyPrefix = "vkingest_";
constexpr std::size_t kIngestKeyLength = 40;

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
std::string apply(const PolicyFlags& flags, control::AccountPolicy& policy) {
  std::string key;
  if (flags.retention) policy.retention = *flags.retention;
  if (flags.origins) policy.origins = parse_origins(*flags.origins);
  if (flags.events_per_s) policy.events_per_s = *flags.events_per_s;
  if (flags.bytes_per_day) policy.bytes_per_day = *flags.bytes_per_day;
  const auto own = [](const std::optional<std::string>& flag, std::optional<std::string>& place) {
    if (flag) place = *flag == "none" ? std::nullopt : flag;
  };
  own(flags.bucket, policy.bucket);
  own(flags.prefix, policy.prefix);
  if (flags.ingest_key == "none") policy.ingest_key_sha256.reset();
  if (flags.ingest_key == "new") {
    key = kIngestKeyPrefix + random_base62(kIngestKeyLength);
    const auto digest = sha256(key);
    policy.ingest_key_sha256 = std::string(as_text(digest));
  }
  return key;
}

// What a retention removes at the exporter's next round.
struct Expiring {
  std::set<std::string> days;
  std::uint64_t objects = 0, bytes = 0;
};

Result<Expiring> expiring(const CommandContext& context, const AccountId& account,
                          std::chrono::days retention) {
  Expiring out;
  VALETKEY_TRY(const auto keys, context.open_keys());
  VALETKEY_TRY(const auto objects, context.open_objects(*keys));
  const Date kept = date_of(context.clock.now()) - retention;
  storage::ListQuery query{layout::account_prefix(account), "", "", 1000, 0};
  while (true) {
    VALETKEY_TRY(const auto page, objects->list(query));
    for (const auto& entry : page.entries) {
      const auto day = layout::DayKey::containing(entry.info.key);
      if (!day || day->folder.day >= kept) continue;
      out.days.insert(format_date(day->folder.day));
      ++out.objects;
      out.bytes += entry.info.size;
    }
    if (!page.truncated) return out;
    query.start_after = page.entries.back().info.key;
  }
}

// Says what a new retention removes, and asks a person. None: go on.
Result<std::optional<int>> confirm_retention(const CommandContext& context,
                                             const AccountId& account, const PolicyFlags& flags,
                                             const control::AccountPolicy& policy) {
  if (!policy.retention) return std::nullopt;
  VALETKEY_TRY(const auto gone, expiring(context, account, *policy.retention));
  if (gone.objects == 0) return std::nullopt;
  using terminal::count_text;
  const std::string loss = fmt::format(
      "A retention of {} removes {} of account {} ({} to {}): {}, {}.",
      count_text(static_cast<std::uint64_t>(policy.retention->count()), "day"),
      count_text(gone.days.size(), "day"), account.str(), *gone.days.begin(), *gone.days.rbegin(),
      count_text(gone.objects, "object"), terminal::size_text(gone.bytes));
  if (context.answers != nullptr) return confirm(context, flags.yes, loss, account.str());
  context.err << loss << '\n';  // scripts have said what they want
  return std::nullopt;
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
  if (p.bucket) out["bucket"] = *p.bucket;
  if (p.prefix) out["prefix"] = *p.prefix;
  if (p.retention) out["retention_days"] = p.retention->count();
  return out;
}

std::string limit_text(std::uint64_t limit) {
  return limit == 0 ? "unlimited" : std::to_string(limit);
}

void print_policy(const CommandContext& context, const std::string& id,
                  const control::AccountPolicy& p) {
  context.out << fmt::format(
      "Account {}: retention {}, ingest key {}, origins {}, events per second {}, bytes per day "
      "{}.\n",
      id, p.retention ? fmt::format("{}d", p.retention->count()) : "none",
      p.ingest_key_sha256 ? "needed" : "not needed",
      p.origins.empty() ? "any" : fmt::format("{}", fmt::join(p.origins, ", ")),
      limit_text(p.events_per_s), limit_text(p.bytes_per_day));
  if (p.bucket || p.prefix)
    context.out << fmt::format("Its data lies in bucket {}, prefix {}.\n",
                               p.bucket.value_or("as configured"),
                               p.prefix.value_or("as configured"));
}

Result<exporter::ErasureResult> erase(CommandContext& context, const AccountId& account,
                                      const std::string& visitor) {
  if (visitor.empty()) return fail(ErrorCode::invalid, "a visitor id is needed");
  VALETKEY_TRY(const Engines engines, context.engines());
  VALETKEY_TRY(const auto keys, context.open_keys());
  VALETKEY_TRY(const auto objects, engines.open_store(*keys));
  VALETKEY_TRY(const auto control, engines.databases().open_control());
  VALETKEY_TRY(const auto known, control->account(account));
  VALETKEY_TRY(const auto ledger, engines.databases().open_ledger());
  // Before it begins: no erasure goes unrecorded. The digest proves it to those who know the id,
  // and tells it to nobody else.
  VALETKEY_CHECK(
      context.record("account.erase-visitor", known.id, "sha256:" + sha256_hex(visitor)));
  return erase_wherever_exported({engines, *keys, *objects, *control, *ledger}, known.id,
                                 sha256_hex(visitor));
}

}  // namespace

Result<int> account_set_policy(CommandContext& context, const std::string& id,
                               const PolicyFlags& flags) {
  VALETKEY_TRY(const AccountId account, AccountId::parse(id));
  VALETKEY_TRY(const auto store, context.open_control());
  VALETKEY_TRY(auto policy, store->policy(account));
  const auto former = policy;
  const std::string key = apply(flags, policy);
  if (policy.bucket) VALETKEY_CHECK(aws::check_bucket(*policy.bucket));
  if (policy.prefix) VALETKEY_CHECK(aws::check_prefix(*policy.prefix));
  if (policy.retention != former.retention) {
    VALETKEY_TRY(const auto status, confirm_retention(context, account, flags, policy));
    if (status) return *status;
  }
  if (flags.name) {
    VALETKEY_CHECK(store->set_account_name(account, *flags.name));
    VALETKEY_CHECK(context.record("account.rename", account, account.str()));
  }
  if (policy != former) {
    VALETKEY_CHECK(store->set_policy(account, policy, context.clock.now()));
    VALETKEY_CHECK(context.record("account.set", account, account.str()));
    // On Ceph the account's role is its bound.
    if (policy.bucket != former.bucket || policy.prefix != former.prefix)
      VALETKEY_CHECK(open_at_engine(context, *store, account));
  }
  if (context.json) {
    auto document = document_of(id, policy);
    if (flags.name) document["name"] = *flags.name;
    if (!key.empty()) document["ingest_key"] = key;
    context.print(document);
    return 0;
  }
  if (flags.name) context.out << fmt::format("Account {} is called {}.\n", id, *flags.name);
  print_policy(context, id, policy);
  if (!key.empty()) context.out << fmt::format("Ingest key, shown this once: {}\n", key);
  return 0;
}

Result<int> account_erase_visitor(CommandContext& context, const std::string& id,
                                  const std::string& visitor) {
  VALETKEY_TRY(const AccountId account, AccountId::parse(id));
  VALETKEY_TRY(const auto erased, erase(context, account, visitor));
  const auto& [rows, unreadable] = erased;
  const int status = unreadable.empty() ? 0 : 1;
  if (context.json) {
    context.print(json::object{{"account", id},
                               {"rows", rows},
                               {"unreadable", json::array(unreadable.begin(), unreadable.end())}});
    return status;
  }
  context.out << fmt::format("Gone from the export: {} of that visitor.\n",
                             terminal::count_text(rows, "row"));
  for (const auto& key : unreadable)
    context.err << key << " cannot be read and may still hold the visitor.\n";
  if (!unreadable.empty())
    context.err << "Restore what cannot be read, from a backup or an import, and repeat this.\n";
  context.err << "Backups made before keep them until they are removed: repeat this after a "
                 "restore. Downloads that clients made are out of reach.\n";
  return status;
}

}  // namespace valetkey::admin
