// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "admin/engines.h"
#include "admin/internal/commands.h"
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
  VALETKEY_TRY(const Engines engines, context.engines());
  const Databases& databases = engines.databases();
  if (!databases.shared()) return control::read_audit(folder, filter, each);
  VALETKEY_TRY(const auto node, node_id(context.data_dir));
  control::AuditCopier copier(folder, node, databases.shared_server());
  while (true) {
    VALETKEY_TRY(const bool more, copier.copy_some());
    if (!more) break;
  }
  VALETKEY_CHECK(control::read_shared_audit(databases.server(), filter, each));
  return control::read_shared_damage(databases.server());
}

// Writes records as they come: a log may have many millions.
class Shown {
 public:
  Shown(const CommandContext& context, const People& people) : context_(context), people_(people) {}
  void add(const AuditEvent& event) {
    if (context_.json) {
      context_.out << (count_ == 0 ? R"({"events":[)" : ",") << document_of(event, people_);
    } else {
      add_row(table_, event, people_);
      if ((count_ + 1) % kRowsAtOnce == 0) print_rows();
    }
    ++count_;
  }
  void finish(std::size_t damaged) {
    if (context_.json)
      context_.out << (count_ == 0 ? R"({"events":[)" : "") << R"(],"damaged":)" << damaged
                   << "}\n";
    else if (!table_.empty())
      print_rows();
  }
  std::size_t count() const { return count_; }

 private:
  static constexpr std::size_t kRowsAtOnce = 10'000;  // below one heading
  static terminal::Table empty_table() {
    return terminal::Table(
        {"AT", "ACTION", "OUTCOME", "ACCOUNT", "ACTOR", "SUBJECT", "CLIENT", "COUNT", "DETAIL"});
  }
  void print_rows() {
    table_.print(context_.out);
    table_ = empty_table();
  }
  const CommandContext& context_;
  const People& people_;
  terminal::Table table_ = empty_table();
  std::size_t count_ = 0;
};

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
  Shown shown(context, people);
  VALETKEY_TRY(const std::size_t damaged,
               read_all_nodes(context, filter, [&](const AuditEvent& e) { shown.add(e); }));
  shown.finish(damaged);
  if (!context.json && shown.count() == 0) {
    VALETKEY_TRY(const std::string sentence, advice(context, flags));
    context.err << sentence << '\n';
  }
  if (damaged > 0)
    context.err << fmt::format("{} audit records are torn or altered and were left out.\n",
                               damaged);
  return 0;
}

}  // namespace valetkey::admin
