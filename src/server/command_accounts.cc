// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "server/commands.h"
#include "server/table.h"

namespace valetkey::server {
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

std::string_view consequence_of(AccountState state) {
  switch (state) {
    case AccountState::active:
      return "is active again; its tokens work";
    case AccountState::suspended:
      return "is suspended; its tokens and sessions are refused within one second, until `account "
             "resume`";
    case AccountState::deleted:
      break;
  }
  return "is deleted for good, its tokens are revoked; its exported objects are still stored";
}

}  // namespace

Result<int> account_create(Session& session, const std::string& id, const std::string& name) {
  VALETKEY_TRY(const AccountId account, AccountId::parse(id));
  VALETKEY_TRY(const auto store, session.open_control());
  VALETKEY_TRY(const auto created, store->create_account(account, name, session.clock.now()));
  VALETKEY_CHECK(session.record("account.create", account, account.str()));
  if (session.json) {
    session.print(document_of(created));
    return 0;
  }
  session.out << fmt::format("Account {} created.\n", id);
  session.err << fmt::format("Next: valetkeyd user create EMAIL --account {} --role admin\n", id);
  return 0;
}

Result<int> account_list(Session& session) {
  VALETKEY_TRY(const auto store, session.open_control());
  VALETKEY_TRY(const auto accounts, store->accounts());
  if (session.json) {
    json::array list;
    for (const auto& account : accounts) list.push_back(document_of(account));
    session.print(json::object{{"accounts", std::move(list)}});
    return 0;
  }
  Table table({"ACCOUNT", "NAME", "STATE", "CREATED"});
  for (const auto& a : accounts)
    table.row(
        {a.id.str(), a.name, std::string(control::name_of(a.state)), format_iso8601(a.created)});
  if (table.empty())
    session.err << "No accounts yet. Make one: valetkeyd account create ID --name NAME\n";
  else
    table.print(session.out);
  return 0;
}

Result<int> account_set(Session& session, const std::string& id, AccountState state) {
  VALETKEY_TRY(const AccountId account, AccountId::parse(id));
  VALETKEY_TRY(const auto store, session.open_control());
  VALETKEY_CHECK(store->set_account_state(account, state, session.clock.now()));
  VALETKEY_CHECK(session.record(fmt::format("account.{}", verb_of(state)), account, account.str()));
  if (session.json) {
    VALETKEY_TRY(const auto now, store->account(account));
    session.print(document_of(now));
    return 0;
  }
  session.out << fmt::format("Account {} {}.\n", id, consequence_of(state));
  return 0;
}

}  // namespace valetkey::server
