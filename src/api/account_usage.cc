// SPDX-License-Identifier: Apache-2.0
#include "api/account_usage.h"

#include <optional>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

namespace valetkey::api {
namespace {

namespace json = boost::json;

json::object document_of(const control::UsageCounts& counts) {
  return {{"exchanges", counts.exchanges},
          {"requests", counts.requests},
          {"bytes_sent", counts.bytes},
          {"events", counts.events},
          {"event_bytes", counts.event_bytes}};
}

Answer<void> read_day(const http::QueryParameter& parameter, std::optional<Date>& day) {
  const auto parsed = parse_date(parameter.value);
  if (!parsed || day)
    return problem(ProblemCode::invalid_parameter,
                   parameter.name + " must be a day such as 2026-01-31, given once.");
  day = *parsed;
  return {};
}

}  // namespace

Answer<Days> read_days(std::string_view query) {
  const auto parameters = http::parse_query(query);
  if (!parameters)
    return problem(ProblemCode::invalid_parameter, "The query has a broken percent-encoding.");
  std::optional<Date> since;
  std::optional<Date> until;
  for (const http::QueryParameter& parameter : *parameters) {
    if (parameter.name == "since") VALETKEY_CHECK(read_day(parameter, since));
    if (parameter.name == "until") VALETKEY_CHECK(read_day(parameter, until));
  }
  const Days days{since.value_or(Date::min()), until.value_or(Date::max())};
  if (days.until < days.since)
    return problem(ProblemCode::invalid_parameter, "until must not be before since.");
  return days;
}

control::UsageCounts sum_of(const std::vector<control::DayOfUsage>& days) {
  control::UsageCounts sum;
  for (const auto& day : days) sum += day.counts;
  return sum;
}

json::object usage_document(const AccountId& account, const std::optional<Stored>& stored,
                            const std::vector<control::DayOfUsage>& days) {
  json::array listed;
  for (const auto& day : days) {
    json::object row{{"day", format_date(day.day)}};
    for (const auto& [name, count] : document_of(day.counts)) row.emplace(name, count);
    listed.emplace_back(std::move(row));
  }
  return {{"account_id", account.str()},
          {"stored", stored ? json::value{{"objects", stored->objects}, {"bytes", stored->bytes}}
                            : json::value(nullptr)},
          {"total", document_of(sum_of(days))},
          {"days", std::move(listed)}};
}

Answer<std::string> AccountUsage::read(const Caller& caller, std::string_view query) const {
  if (!handles_account(caller.grant) || !caller.grant.scopes.tokens)
    return problem(ProblemCode::forbidden,
                   "Only an admin's token with the scope \"tokens\" reads what the account uses.");
  VALETKEY_TRY(const Days days, read_days(query));
  const auto hidden = [&](const Error& error) {
    return std::unexpected(hidden_failure(error, "reading an account's usage", caller.request_id));
  };
  const auto usage = store_.usage(caller.grant.account, days.since, days.until);
  if (!usage) return hidden(usage.error());
  const auto stored = stored_(caller.grant.account);
  if (!stored) return hidden(stored.error());
  return json::serialize(usage_document(caller.grant.account, *stored, *usage));
}

}  // namespace valetkey::api
