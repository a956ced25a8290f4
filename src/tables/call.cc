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
  return refusal_of(api::hidden_failure(error, doing, request.id));
}

bool opens(const control::TokenGrant& grant, layout::RowType type) {
  // A table's metadata names all of its parts: who may not read one of them does not see it.
  return grant.scopes.export_ && grant.narrowing.opens(layout::type_folder(type));
}

std::optional<layout::RowType> table_of(const control::TokenGrant& grant, std::string_view name) {
  const auto type = layout::parse_row_type(name);
  if (!type || !opens(grant, *type)) return std::nullopt;
  return type;
}

}  // namespace valetkey::tables
