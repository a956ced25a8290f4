// SPDX-License-Identifier: Apache-2.0
// What one request to a door is, once its token is known, and how it is refused. The doors share them.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "api/problem.h"
#include "control/control_store.h"
#include "http/message.h"
#include "layout/partition.h"

namespace valetkey::tables {

struct Call {
  const http::Request& request;
  const control::TokenGrant& grant;
  std::vector<std::string> path;  // behind the door's own, decoded, by its slashes
  // The request as the audit and the credentials see it.
  Timestamp now() const { return request.now; }
};

// `type`: a word of the door's protocol for what is wrong; empty: the usual one of the status.
struct Refusal {
  int status = 500;
  std::string type;
  std::string message;
  seconds retry_after{0};
  http::Note note{};
};
template <class T>
using Answer = std::expected<T, Refusal>;

inline std::unexpected<Refusal> refuse(int status, std::string type, std::string message) {
  return std::unexpected(Refusal{status, std::move(type), std::move(message), {}, {}});
}
Refusal refusal_of(const api::Problem& problem);
// Logs it; the client only sees that the server failed, or is busy.
Refusal refusal_of(const Error& error, std::string_view doing, const http::Request& request);

// The tables that the token opens as a whole. Of others neither door says more than that there are none.
bool opens(const control::TokenGrant& grant, layout::RowType type);
// The one of that name, if the token opens it.
std::optional<layout::RowType> table_of(const control::TokenGrant& grant, std::string_view name);

inline constexpr std::string_view kNamespace = "export";

}  // namespace valetkey::tables
