// SPDX-License-Identifier: Apache-2.0
// What an engine gets for a personal access token by OAuth2: an access token that stands for it for an hour, so that
// the personal one need not lie in the engine's logs. It holds the token's digest, sealed, so that it ends with the
// token itself. Pure but for the random source; thread-safe. docs/formats.md, "Engine token".
#pragma once

#include <optional>
#include <string_view>

#include "base/crypto.h"
#include "base/keyring.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/timestamp.h"

namespace valetkey::access {

inline constexpr milliseconds kEngineTokenLives = std::chrono::hours(1);
// How long one may be renewed without the personal access token.
inline constexpr milliseconds kEngineTokenRenewed = std::chrono::hours(12);

struct EngineToken {
  Digest256 token{};  // of the personal access token's text
  Timestamp granted;  // when that was shown
  Timestamp expires;
  friend bool operator==(const EngineToken&, const EngineToken&) = default;
};

// Whether a text claims to be one.
bool is_engine_token(std::string_view text);
// `unavailable` where there is no session key.
Result<Secret> seal_engine_token(const Keyring& keyring, const EngineToken& token, Timestamp now);
// Nothing for another form, a key that is unknown or retired, and once it has expired.
std::optional<EngineToken> open_engine_token(const Keyring& keyring, std::string_view text,
                                             Timestamp now);

}  // namespace valetkey::access
