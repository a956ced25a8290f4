// SPDX-License-Identifier: Apache-2.0
#include "console/internal/parameters.h"

#include <charconv>
#include <set>

namespace valetkey::console {

using api::problem;
using api::ProblemCode;

api::Answer<Parameters> Parameters::parse(std::string_view query) {
  auto parsed = http::parse_query(query);
  if (!parsed)
    return problem(ProblemCode::invalid_parameter, "The query has a broken percent-encoding.");
  std::set<std::string> seen;
  for (const http::QueryParameter& parameter : *parsed)
    if (!seen.insert(parameter.name).second)
      return problem(ProblemCode::invalid_parameter, "The query names a parameter twice.");
  Parameters parameters;
  parameters.parameters_ = std::move(*parsed);
  return parameters;
}

std::string Parameters::text(std::string_view name) const {
  for (const http::QueryParameter& parameter : parameters_)
    if (parameter.name == name) return parameter.value;
  return {};
}

api::Answer<std::size_t> Parameters::limit() const {
  const std::string given = text("limit");
  if (given.empty()) return 100;
  std::size_t limit = 0;
  const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), limit);
  if (error != std::errc() || end != given.data() + given.size() || limit < 1 || limit > 1000)
    return problem(ProblemCode::invalid_parameter, "limit must be a whole number from 1 to 1000.");
  return limit;
}

api::Answer<Date> Parameters::day(std::string_view name) const {
  const auto day = parse_date(text(name));
  if (!day)
    return problem(ProblemCode::invalid_parameter,
                   std::string(name) + " must be a day such as 2026-01-31.");
  return *day;
}

}  // namespace valetkey::console
