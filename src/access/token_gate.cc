// SPDX-License-Identifier: Apache-2.0
#include "access/token_gate.h"

#include "base/crypto.h"
#include "control/tokens.h"

namespace valetkey::access {
namespace {

TokenAnswer mistyped() {
  return std::unexpected(control::RefusedToken{control::TokenRefusal::mistyped});
}

}  // namespace

std::optional<TokenAnswer> TokenGate::find(std::string_view token, Timestamp now) const {
  if (token.size() != kTokenLength) return mistyped();
  auto known = find(control::token_digest(token), now);
  if (!known && !is_well_formed_token(token)) return mistyped();
  return known;
}

std::optional<TokenAnswer> TokenGate::find(const Digest256& digest, Timestamp now) const {
  const control::TokenGrant* const grant = grants_.get(feed_.generation()).find(digest);
  if (grant == nullptr) return std::nullopt;
  if (grant->expires && now >= *grant->expires)
    return std::unexpected(
        control::RefusedToken{control::TokenRefusal::expired, grant->token, grant->account});
  return *grant;
}

Result<TokenReading> TokenGate::read(const Digest256& digest, Timestamp now) const {
  const std::uint64_t generation = feed_.generation();
  VALETKEY_TRY(TokenAnswer answer, store_.authenticate(as_text(digest), now));
  return TokenReading{std::move(answer), generation};
}

Result<control::OperatorAnswer> TokenGate::read_operator(std::string_view token,
                                                         Timestamp now) const {
  if (!is_well_formed_token(token))
    return control::OperatorAnswer(std::unexpected(control::TokenRefusal::mistyped));
  return store_.authenticate_operator(as_text(control::token_digest(token)), now);
}

void TokenGate::remember(const Digest256& digest, const TokenReading& reading) const {
  if (!reading.answer || reading.generation != feed_.generation()) return;
  grants_.get(reading.generation).insert(digest, *reading.answer);
}

}  // namespace valetkey::access
