// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "admin/commands.h"
#include "control/shared_audit.h"
#include "terminal/table.h"

namespace valetkey::admin {
namespace {

namespace json = boost::json;
using control::AuditEvent;

// Ids and the e-mail addresses of those who have them.
class People {
 public:
  static Result<People> read(control::ControlStore& store) {
    People people;
    VALETKEY_TRY(const auto users, store.users(std::nullopt));
    for (const auto& user : users) people.emails_.emplace(user.id.str(), user.email);
    return people;
  }
  // The id itself where nobody has it.
  const std::string& name(const std::string& id) const {
    const auto found = emails_.find(id);
    return found == emails_.end() ? id : found->second;
  }
  json::value email(const std::string& id) const {
    const auto found = emails_.find(id);
    return found == emails_.end() ? json::value() : json::value(found->second);
  }

 private:
  std::map<std::string, std::string> emails_;
};

// The user and their tokens: whatever one of these did, or had done to it.
Result<std::set<std::string>> ids_of(control::ControlStore& store, const std::string& text) {
  auto user = UserId::parse(text);
  if (!user) {
    const auto found = store.user_by_email(text);
    if (!found)
      return fail(ErrorCode::not_found,
                  fmt::format("there is no user {}; `valetkeyd user list` shows them", text));
    user = found->id;
  }
  std::set<std::string> ids{user->str()};
  VALETKEY_TRY(const auto tokens, store.tokens(std::nullopt, *user));
  for (const auto& token : tokens) ids.insert(token.id.str());
  return ids;
}

Result<control::AuditFilter> filter_of(control::ControlStore& store, const AuditFlags& flags,
                                       Timestamp now) {
  control::AuditFilter filter{.action = flags.action, .newest = flags.limit};
  if (flags.since) filter.since = flags.since->first(now);
  if (flags.until) filter.until = flags.until->last(now);
  if (!flags.account.empty()) {
    VALETKEY_TRY(filter.account, AccountId::parse(flags.account));
  }
  if (!flags.user.empty()) {
    VALETKEY_TRY(filter.about, ids_of(store, flags.user));
  }
  return filter;
}

json::object document_of(const AuditEvent& e, const People& people) {
  return {{"at", format_iso8601_ms(e.at)},
          {"action", e.action},
          {"outcome", e.outcome},
          {"account", e.account ? json::value(e.account->str()) : json::value()},
          {"actor", e.actor},
          {"actor_email", people.email(e.actor)},
          {"subject", e.subject},
          {"subject_email", people.email(e.subject)},
          {"client", e.client},
          {"request_id", e.request_id},
          {"count", e.count},
          {"detail", e.detail}};
}

void add_row(terminal::Table& table, const AuditEvent& e, const People& people) {
  const auto or_dash = [](const std::string& text) { return text.empty() ? "-" : text; };
  table.row({format_iso8601(e.at), e.action, e.outcome, e.account ? e.account->str() : "-",
             or_dash(people.name(e.actor)), or_dash(people.name(e.subject)), or_dash(e.client),
             std::to_string(e.count), or_dash(e.detail)});
}

// Of all nodes, where they share a database: what is not copied yet of this one is copied first.
Result<std::size_t> read_all_nodes(const CommandContext& context,
                                   const control::AuditFilter& filter,
                                   const std::function<void(const AuditEvent&)>& each) {
  const auto folder = context.data_dir / "audit";
  VALETKEY_TRY(Databases databases, context.databases());
  if (!databases.shared()) return control::read_audit(folder, filter, each);
  VALETKEY_TRY(const auto node, node_id(context.data_dir));
  control::AuditCopier copier(folder, node, databases.shared_server());
  while (true) {
    VALETKEY_TRY(const bool more, copier.copy_some());
    if (!more) break;
  }
  VALETKEY_CHECK(control::read_shared_audit(databases.server(), filter, each));
  return 0;
}

// A mistyped action is the likeliest reason for nothing: the ones that there are help.
Result<std::string> advice(const CommandContext& context, const AuditFlags& flags) {
  if (flags.action.empty()) return "No audit records match.";
  std::set<std::string> actions;
  VALETKEY_CHECK(read_all_nodes(context, {}, [&](const AuditEvent& e) {
    if (actions.size() < 64) actions.insert(e.action);
  }));
  std::string list;
  for (const std::string& action : actions) list += (list.empty() ? "" : ", ") + action;
  return fmt::format("No audit records match. The log holds these actions: {}.", list);
}

}  // namespace

Result<int> audit(CommandContext& context, const AuditFlags& flags) {
  VALETKEY_TRY(const auto store, context.open_control());
  VALETKEY_TRY(const People people, People::read(*store));
  VALETKEY_TRY(const auto filter, filter_of(*store, flags, context.clock.now()));
  json::array list;
  terminal::Table table(
      {"AT", "ACTION", "OUTCOME", "ACCOUNT", "ACTOR", "SUBJECT", "CLIENT", "COUNT", "DETAIL"});
  VALETKEY_TRY(const std::size_t damaged, read_all_nodes(context, filter, [&](const AuditEvent& e) {
                 if (context.json)
                   list.push_back(document_of(e, people));
                 else
                   add_row(table, e, people);
               }));
  if (context.json) {
    context.print(json::object{{"events", std::move(list)}, {"damaged", damaged}});
  } else if (table.empty()) {
    VALETKEY_TRY(const std::string sentence, advice(context, flags));
    context.err << sentence << '\n';
  } else {
    table.print(context.out);
  }
  if (damaged > 0)
    context.err << fmt::format("{} audit records are torn or altered and were left out.\n",
                               damaged);
  return 0;
}

}  // namespace valetkey::admin
