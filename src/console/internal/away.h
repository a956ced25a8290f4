// SPDX-License-Identifier: Apache-2.0
// What a browser takes along to an identity provider and brings back: a cookie that this server has sealed, so that any
// node with the same keyring and database can go on with it. It counts for ten minutes; that it counts once is seen by
// the id of the session that it opens. Pure but for the random source. docs/formats.md, "Sealed text".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/keyring.h"
#include "oidc/relying_party.h"

namespace valetkey::console {

struct Away {
  oidc::Begun begun;  // without its url
  std::string next;   // a path of the console
  TokenId session;    // that it may open
  Timestamp left;
};

// `unavailable` where there is no session key.
Result<std::string> seal_away(const Keyring& keyring, const Away& away, Timestamp now);
// Nothing for what was not sealed here, and ten minutes later.
std::optional<Away> open_away(const Keyring& keyring, std::string_view cookie, Timestamp now);
// What is sealed.
std::optional<Away> parse_away(std::string_view plain);

}  // namespace valetkey::console
