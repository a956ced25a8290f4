// SPDX-License-Identifier: Apache-2.0
// The bodies and queries of /v2/tokens. Pure. Shapes only: whether the caller may have what it asks for is decided in
// tokens.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/problem.h"
#include "base/timestamp.h"
#include "control/control_store.h"

namespace valetkey::api {

struct TokenRequest {
  std::string name;
  control::TokenScopes scopes;
  std::optional<Timestamp> expires;
  std::optional<std::string> user;  // an e-mail address, lower case
  control::Narrowing narrowing{};
};

// {"name": text, "scopes": ["export", "tokens", "users", "audit"], "expires_in": "90d" or "expires": ISO 8601,
// "user": e-mail, "types": ["decisions"], "prefixes": ["type=events/date=2026-11-29/"],
// "sources": ["10.0.0.0/8"]}. Only `name` is required; scopes are ["export"] by default. Anything else is
// invalid_parameter (or invalid_request where it is no JSON object) and names the field.
Answer<TokenRequest> parse_token_request(std::string_view body, Timestamp now);

struct ReplaceRequest {
  milliseconds overlap{0};           // for which the old one goes on, at most 30 days
  std::optional<Timestamp> expires;  // of the new one
};

// {"overlap": "1d", "expires_in" or "expires" as above}; all of it may be left out.
Answer<ReplaceRequest> parse_replace_request(std::string_view body, Timestamp now);

struct Page {
  std::size_t limit = 100;       // 1 to 1000
  std::optional<TokenId> after;  // the last token of the page before
};
// `limit` and `after` of a query; unknown parameters are ignored.
Answer<Page> read_page(std::string_view query);
// `cut_off` of a query: true or false, which it is where it is missing.
Answer<bool> read_cut_off(std::string_view query);

}  // namespace valetkey::api
