// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "server/commands.h"
#include "server/table.h"

namespace valetkey::server {
namespace {

namespace json = boost::json;
using control::AuditEvent;

Result<Timestamp> parse_since(const std::string& text, Timestamp now) {
  if (const auto back = parse_duration(text)) return now - *back;
  if (const auto day = parse_date(text)) return Timestamp(*day);
  if (const auto instant = parse_iso8601(text)) return *instant;
  return fail(
      ErrorCode::invalid,
      "--since must be a duration such as 24h, a day such as 2026-01-31, or an instant such as "
      "2026-01-31T12:00:00Z");
}

json::object document_of(const AuditEvent& e) {
  return {{"at", format_iso8601_ms(e.at)},
          {"action", e.action},
          {"outcome", e.outcome},
          {"account", e.account ? json::value(e.account->str()) : json::value()},
          {"actor", e.actor},
          {"subject", e.subject},
          {"client", e.client},
          {"request_id", e.request_id},
          {"count", e.count}};
}

void add_row(Table& table, const AuditEvent& e) {
  const auto or_dash = [](const std::string& text) { return text.empty() ? "-" : text; };
  table.row({format_iso8601(e.at), e.action, e.outcome, e.account ? e.account->str() : "-",
             or_dash(e.actor), or_dash(e.subject), or_dash(e.client), std::to_string(e.count)});
}

}  // namespace

Result<int> audit(Session& session, const std::string& since, const std::string& account) {
  VALETKEY_CHECK(session.need_data());
  control::AuditFilter filter;
  if (!since.empty()) {
    VALETKEY_TRY(filter.since, parse_since(since, session.clock.now()));
  }
  if (!account.empty()) {
    VALETKEY_TRY(filter.account, AccountId::parse(account));
  }
  json::array list;
  Table table({"AT", "ACTION", "OUTCOME", "ACCOUNT", "ACTOR", "SUBJECT", "CLIENT", "COUNT"});
  VALETKEY_TRY(const std::size_t damaged,
               control::read_audit(session.data_dir / "audit", filter, [&](const AuditEvent& e) {
                 if (session.json)
                   list.push_back(document_of(e));
                 else
                   add_row(table, e);
               }));
  if (session.json)
    session.print(json::object{{"events", std::move(list)}, {"damaged", damaged}});
  else if (table.empty())
    session.err << "No audit records match.\n";
  else
    table.print(session.out);
  if (damaged > 0)
    session.err << fmt::format("{} audit records are torn or altered and were left out.\n",
                               damaged);
  return 0;
}

}  // namespace valetkey::server
