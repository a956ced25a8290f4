// SPDX-License-Identifier: Apache-2.0
// What the console reads of a request, on arbitrary bytes: cookies, accepted types, queries, bodies,
// paths, and where a sign-in goes on.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "console/internal/cookie.h"
#include "console/internal/fields.h"
#include "console/internal/parameters.h"
#include "console/pages.h"
#include "console/provider.h"
#include "console/routes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  http::Request request;
  request.headers = {{"Cookie", text}};
  if (const auto cookie = console::read_cookie(request, console::CookieKind::session, true))
    if (cookie->contains(';')) std::abort();
  static_cast<void>(console::accepts(text, "text/html"));
  if (const auto parameters = console::Parameters::parse(text)) {
    static_cast<void>(parameters->limit());
    static_cast<void>(parameters->day("since"));
  }
  if (const auto fields = console::Fields::parse(text, {"email", "password", "n"})) {
    const auto email = fields->text("email");
    if (email && (email->empty() || email->size() > 2048)) std::abort();
    static_cast<void>(fields->secret("password"));
    static_cast<void>(fields->integer("n", 1, 10));
  }
  static const console::Routes routes = [] {
    console::Routes made;
    made.add({http::Method::get, "/a/{}/b/{}", console::Access::person, {}});
    return made;
  }();
  const auto match = routes.match(http::Method::get, text);
  if (match.route != nullptr && match.ids.size() != 2) std::abort();
  const std::string next = console::safe_next(text);
  if (!next.starts_with('/') || next.starts_with("//") || next.contains('\\') ||
      next.contains('\n'))
    std::abort();
  return 0;
}
