// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <thread>

#include "admin/internal/commands.h"
#include "admin/internal/confirm.h"
#include "admin/internal/cutting_off.h"
#include "admin/internal/ended_tokens.h"
#include "admin/internal/erasing.h"
#include "layout/part_key.h"
#include "terminal/size.h"
#include "terminal/table.h"

namespace valetkey::admin {
namespace {

namespace json = boost::json;
using control::AccountState;

json::object document_of(const control::Account& a) {
  return {{"id", a.id.str()},
          {"name", a.name},
          {"state", control::name_of(a.state)},
          {"created", format_iso8601(a.created)}};
}

std::string_view verb_of(AccountState state) {
  switch (state) {
    case AccountState::active:
      return "resume";
    case AccountState::suspended:
      return "suspend";
    case AccountState::deleted:
      break;
  }
  return "delete";
}

// `elsewhere`: its sessions are of an engine, which ends them or does not.
std::string_view consequence_of(AccountState state, bool elsewhere) {
  switch (state) {
    case AccountState::active:
      return "is active again; its tokens work";
    case AccountState::suspended:
      if (elsewhere)
        return "is suspended; its tokens are refused within one second, until `account resume`";
      return "is suspended; its tokens and sessions are refused within one second, until `account "
             "resume`";
    case AccountState::deleted:
      break;
  }
  return "is deleted for good, its tokens are revoked; its export stays until `account delete "
         "--purge`";
}

}  // namespace

Result<int> account_create(CommandContext& context, const std::string& id,
                           const std::string& name) {
  VALETKEY_TRY(const AccountId account, AccountId::parse(id));
  VALETKEY_TRY(const auto store, context.open_control());
  VALETKEY_TRY(const auto created, store->create_account(account, name, context.clock.now()));
  VALETKEY_CHECK(context.record("account.create", account, account.str()));
  VALETKEY_CHECK(open_at_engine(context, *store, account));
  if (context.json) {
    context.print(document_of(created));
    return 0;
  }
  context.out << fmt::format("Account {} created.\n", id);
  context.err << fmt::format("Next: valetkeyd user create EMAIL --account {} --role admin\n", id);
  return 0;
}

Result<int> account_list(CommandContext& context) {
  VALETKEY_TRY(const auto store, context.open_control());
  VALETKEY_TRY(const auto accounts, store->accounts());
  if (context.json) {
    json::array list;
    for (const auto& account : accounts) list.push_back(document_of(account));
    context.print(json::object{{"accounts", std::move(list)}});
    return 0;
  }
  terminal::Table table({"ACCOUNT", "NAME", "STATE", "CREATED"});
  for (const auto& a : accounts)
    table.row(
        {a.id.str(), a.name, std::string(control::name_of(a.state)), format_iso8601(a.created)});
  if (table.empty())
    context.err << "No accounts yet. Make one: valetkeyd account create ID --name NAME\n";
  else
    table.print(context.out);
  return 0;
}

namespace {

// So long after a deletion at most, a server still takes an event of the account.
constexpr milliseconds kSeenByServers{1500};

std::string loss_text(const control::Account& account, bool purge) {
  const std::string name = account.name.empty() ? "" : fmt::format(" ({})", account.name);
  return fmt::format(
      "Deleting account {}{} is final: its tokens are revoked and its id is never given again.{}",
      account.id.str(), name,
      purge ? " --purge also removes its export, the events that wait, its users, tokens and "
              "figures."
            : " Its export stays on the disk.");
}

Result<storage::StoreStats> stored_by(storage::ObjectStore& objects, const AccountId& account) {
  storage::StoreStats out;
  storage::ListQuery query{layout::account_prefix(account), "", "", 1000, 0};
  while (true) {
    VALETKEY_TRY(const auto page, objects.list(query));
    for (const auto& entry : page.entries) {
      ++out.objects;
      out.bytes += entry.info.size;
    }
    if (!page.truncated) return out;
    query.start_after = page.entries.back().info.key;
  }
}

// Each step may be the last one that a kill allows: repeating the command finishes the rest.
Result<int> purge(CommandContext& context, control::ControlStore& store, const AccountId& account) {
  VALETKEY_TRY(const Engines engines, context.engines());
  VALETKEY_TRY(const auto keys, context.open_keys());
  VALETKEY_TRY(const auto objects, engines.open_store(*keys));
  VALETKEY_TRY(const auto ledger, engines.databases().open_ledger());
  VALETKEY_CHECK(context.record("account.purge", account, account.str()));
  std::this_thread::sleep_for(kSeenByServers);
  VALETKEY_TRY(const auto before, stored_by(*objects, account));
  VALETKEY_TRY(const auto erased,
               erase_wherever_exported({engines, *keys, *objects, store, *ledger}, account, ""));
  const int status = erased.unreadable.empty() ? 0 : 1;
  if (context.json) {
    context.print(json::object{
        {"id", account.str()},
        {"state", "deleted"},
        {"purged", true},
        {"objects", before.objects},
        {"bytes", before.bytes},
        {"unreadable", json::array(erased.unreadable.begin(), erased.unreadable.end())}});
    return status;
  }
  context.out << fmt::format(
      "Account {} is deleted and purged: {} ({}), its waiting events, users, tokens and "
      "figures are gone.\n",
      account.str(), terminal::count_text(before.objects, "object"),
      terminal::size_text(before.bytes));
  for (const auto& key : erased.unreadable)
    context.err << key << " cannot be read, so nobody knows whether it is of this account.\n";
  context.err << "Backups made before keep them until they are removed. The audit log keeps the "
                 "ids of its users and tokens.\n";
  return status;
}

}  // namespace

Result<int> account_delete(CommandContext& context, const std::string& id, bool with_purge,
                           bool yes) {
  VALETKEY_TRY(const AccountId account, AccountId::parse(id));
  VALETKEY_TRY(const auto store, context.open_control());
  VALETKEY_TRY(const auto known, store->account(account));
  if (known.state == AccountState::deleted && !with_purge)
    return account_set(context, id, AccountState::deleted);
  if (const auto status = confirm(context, yes, loss_text(known, with_purge), id)) return *status;
  if (!with_purge) return account_set(context, id, AccountState::deleted);
  VALETKEY_CHECK(store->set_account_state(account, AccountState::deleted, context.clock.now()));
  if (known.state != AccountState::deleted)
    VALETKEY_CHECK(context.record("account.delete", account, account.str()));
  return purge(context, *store, account);
}

Result<int> account_set(CommandContext& context, const std::string& id, AccountState state) {
  VALETKEY_TRY(const AccountId account, AccountId::parse(id));
  VALETKEY_TRY(const auto store, context.open_control());
  const Timestamp at = context.clock.now();
  VALETKEY_TRY(auto tokens, store->tokens(account, std::nullopt));
  const auto counting = that_count(std::move(tokens), at).size();
  VALETKEY_CHECK(store->set_account_state(account, state, at));
  VALETKEY_CHECK(context.record(fmt::format("account.{}", verb_of(state)), account, account.str()));
  std::optional<access::EndOfSessions> ended;
  if (state == AccountState::active) {
    VALETKEY_CHECK(open_at_engine(context, *store, account));
  } else {
    VALETKEY_TRY(ended, end_sessions(context, *store, {.account = account}));
  }
  const int status = ended && !ended->why.empty() ? 1 : 0;
  if (status != 0) context.err << fmt::format("The sessions were not ended: {}.\n", ended->why);
  if (context.json) {
    VALETKEY_TRY(const auto now, store->account(account));
    auto document = document_of(now);
    document["tokens"] = counting;
    if (ended) {
      document["sessions_ended"] = ended->at_once;
      document["sessions_end_by"] = format_iso8601(ended->by);
    }
    context.print(document);
    return status;
  }
  context.out << fmt::format("Account {} {} ({}).\n", id, consequence_of(state, ended.has_value()),
                             terminal::count_text(counting, "token"));
  if (ended) context.out << fmt::format("Sessions: {}.\n", ended->text);
  return status;
}

}  // namespace valetkey::admin
