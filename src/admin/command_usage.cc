// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "admin/internal/commands.h"
#include "admin/stored.h"
#include "api/account_usage.h"
#include "terminal/size.h"
#include "terminal/table.h"

namespace valetkey::admin {
namespace {

namespace json = boost::json;
using control::UsageCounts;
using terminal::size_text;
using Days = std::vector<control::DayOfUsage>;

struct AccountFigures {
  control::Account account;
  api::Stored stored;
  Days days;
};

Result<std::vector<control::Account>> chosen_accounts(control::ControlStore& store,
                                                      const std::string& id) {
  if (id.empty()) return store.accounts();
  VALETKEY_TRY(const AccountId account, AccountId::parse(id));
  VALETKEY_TRY(auto found, store.account(account));
  return std::vector{std::move(found)};
}

std::vector<std::string> cells_of(std::vector<std::string> first, const UsageCounts& counts) {
  for (std::string cell :
       {std::to_string(counts.exchanges), std::to_string(counts.requests), size_text(counts.bytes),
        std::to_string(counts.events), size_text(counts.event_bytes)})
    first.push_back(std::move(cell));
  return first;
}

void print_account(CommandContext& context, const AccountFigures& of) {
  context.out << fmt::format("Account {} stores {}, {}.\n", of.account.id.str(),
                             terminal::count_text(of.stored.objects, "object"),
                             size_text(of.stored.bytes));
  terminal::Table table({"DAY", "EXCHANGES", "REQUESTS", "SENT", "EVENTS", "EVENT BYTES"});
  for (const auto& day : of.days) table.row(cells_of({format_date(day.day)}, day.counts));
  if (table.empty()) {
    context.err << "Nothing was used in this time.\n";
    return;
  }
  table.row(cells_of({"total"}, api::sum_of(of.days)));
  table.print(context.out);
}

void print_all(CommandContext& context, const std::vector<AccountFigures>& figures) {
  terminal::Table table({"ACCOUNT", "NAME", "OBJECTS", "STORED", "EXCHANGES", "REQUESTS", "SENT",
                         "EVENTS", "EVENT BYTES"});
  for (const auto& of : figures)
    table.row(cells_of({of.account.id.str(), of.account.name, std::to_string(of.stored.objects),
                        size_text(of.stored.bytes)},
                       api::sum_of(of.days)));
  if (table.empty())
    context.err << "No accounts yet. Make one: valetkeyd account create ID --name NAME\n";
  else
    table.print(context.out);
}

}  // namespace

Result<int> account_usage(CommandContext& context, const std::string& id, const UsageFlags& flags) {
  const Date today = date_of(context.clock.now());
  const Date first = flags.since ? flags.since->on(today) : Date::min();
  const Date last = flags.until ? flags.until->on(today) : Date::max();
  VALETKEY_TRY(const auto store, context.open_control());
  VALETKEY_TRY(const auto keys, context.open_keys());
  VALETKEY_TRY(const auto objects, context.open_objects(*keys));
  VALETKEY_TRY(const auto accounts, chosen_accounts(*store, id));
  std::vector<AccountFigures> figures;
  for (const auto& account : accounts) {
    VALETKEY_TRY(const auto stored, stored_of(*objects, account.id));
    VALETKEY_TRY(auto days, store->usage(account.id, first, last));
    figures.push_back({account, stored, std::move(days)});
  }
  if (context.json) {
    json::array list;
    for (const auto& of : figures)
      list.push_back(api::usage_document(of.account.id, of.stored, of.days));
    context.print(json::object{{"accounts", std::move(list)}});
  } else if (id.empty()) {
    print_all(context, figures);
  } else {
    print_account(context, figures.front());
  }
  return 0;
}

}  // namespace valetkey::admin
