// SPDX-License-Identifier: Apache-2.0
#include "console/internal/cookie.h"

#include <fmt/format.h>

#include "base/text.h"

namespace valetkey::console {
namespace {

std::string_view name_of(CookieKind kind, bool secure) {
  if (kind == CookieKind::session) return secure ? "__Host-valetkey" : "valetkey";
  return secure ? "__Host-valetkey-sign-in" : "valetkey-sign-in";
}

}  // namespace

std::optional<std::string_view> read_cookie(const http::Request& request, CookieKind kind,
                                            bool secure) {
  const std::string_view name = name_of(kind, secure);
  std::optional<std::string_view> found;
  for (const http::Header& header : request.headers) {
    if (!equal_ignoring_case(header.name, "cookie")) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const auto end = rest.find(';');
      std::string_view pair = rest.substr(0, end);
      pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
      if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
        if (found) return std::nullopt;
        found = pair.substr(name.size() + 1);
      }
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
  }
  return found;
}

std::string cookie_line(CookieKind kind, bool secure, std::string_view value,
                        std::chrono::seconds lifetime) {
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite={}{}", name_of(kind, secure),
                     value, value.empty() ? 0 : lifetime.count(),
                     kind == CookieKind::session ? "Strict" : "Lax", secure ? "; Secure" : "");
}

}  // namespace valetkey::console
