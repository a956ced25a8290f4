// SPDX-License-Identifier: Apache-2.0
// The console's cookies. Under TLS the name begins with __Host-, which a browser takes only with
// Secure, without a domain and for the whole host: no neighbour can set it. Over plain HTTP browsers
// would drop such a cookie, so it has another name there. Pure.
// Source: RFC 6265; https://www.ietf.org/archive/id/draft-ietf-httpbis-rfc6265bis-20.html
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace valetkey::console {

enum class CookieKind : std::uint8_t {
  session,  // SameSite=Strict
  sign_in,  // what a sign-in elsewhere has to come back with; Lax, for it comes back from elsewhere
};

// Its value, if the request has exactly one of that kind.
std::optional<std::string_view> read_cookie(const http::Request& request, CookieKind kind,
                                            bool secure);
// The value of Set-Cookie. `value` is letters, digits, '-' and '_'; empty: the browser forgets it.
std::string cookie_line(CookieKind kind, bool secure, std::string_view value,
                        std::chrono::seconds lifetime);

}  // namespace valetkey::console
