// SPDX-License-Identifier: Apache-2.0
#include "tables/call.h"

#include "layout/part_key.h"

namespace valetkey::tables {

Refusal refusal_of(const api::Problem& problem) {
  Refusal refusal{
      api::status_of(problem.code), {}, problem.message, problem.retry_after, problem.note};
  if (refusal.note.reason.empty()) refusal.note.reason = api::name_of(problem.code);
  return refusal;
}

Refusal refusal_of(const Error& error, std::string_view doing, const http::Request& request) {
  return refusal_of(api::hide(error, doing, request.id));
}

namespace {

// A token that is limited to prefixes opens a table only where it opens the whole type. A template, since a grant
// says so only where tokens can be limited.
template <class Grant>
bool opens_whole(const Grant& grant, const std::string& folder) {
  if constexpr (requires { grant.narrowing; }) return grant.narrowing.opens(folder);
  return true;
}

}  // namespace

bool opens(const control::TokenGrant& grant, layout::RowType type) {
  return grant.scopes.export_ &&
         opens_whole(grant, "type=" + std::string(layout::name_of(type)) + "/");
}

std::optional<layout::RowType> table_of(const control::TokenGrant& grant, std::string_view name) {
  const auto type = layout::parse_row_type(name);
  if (!type || !opens(grant, *type)) return std::nullopt;
  return type;
}

}  // namespace valetkey::tables
