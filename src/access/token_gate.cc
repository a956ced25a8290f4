// SPDX-License-Identifier: Apache-2.0
#include "access/token_gate.h"

#include <cstring>
#include <unordered_map>

#include "access/internal/instance.h"
#include "base/crypto.h"
#include "control/tokens.h"

namespace valetkey::access {
namespace {

struct DigestHash {
  std::size_t operator()(const Digest256& digest) const {
    std::size_t value = 0;
    std::memcpy(&value, digest.data(), sizeof value);
    return value;
  }
};

// What this thread knows. Keyed by the digest, so that no token outlives its request in memory.
struct Grants {
  std::uint64_t instance = 0;
  std::uint64_t generation = 0;
  std::unordered_map<Digest256, control::TokenGrant, DigestHash> by_digest;
};

Grants& grants_of(std::uint64_t instance, std::uint64_t generation) {
  thread_local Grants grants;
  if (grants.instance != instance || grants.generation != generation) {
    grants.by_digest.clear();
    grants.instance = instance;
    grants.generation = generation;
  }
  return grants;
}

TokenAnswer mistyped() {
  return std::unexpected(control::RefusedToken{control::TokenRefusal::mistyped});
}

}  // namespace

TokenGate::TokenGate(control::ControlStore& store, const control::ChangeFeed& feed)
    : store_(store), feed_(feed), instance_(next_instance()) {}

std::optional<TokenAnswer> TokenGate::find(std::string_view token, Timestamp now) const {
  if (token.size() != kTokenLength) return mistyped();
  auto known = find(control::token_digest(token), now);
  if (!known && !is_well_formed_token(token)) return mistyped();
  return known;
}

std::optional<TokenAnswer> TokenGate::find(const Digest256& digest, Timestamp now) const {
  const auto& grants = grants_of(instance_, feed_.generation()).by_digest;
  const auto found = grants.find(digest);
  if (found == grants.end()) return std::nullopt;
  const control::TokenGrant& grant = found->second;
  if (grant.expires && now >= *grant.expires)
    return std::unexpected(
        control::RefusedToken{control::TokenRefusal::expired, grant.token, grant.account});
  return grant;
}

Result<TokenReading> TokenGate::read(std::string_view token, Timestamp now) const {
  if (!is_well_formed_token(token)) return TokenReading{mistyped(), feed_.generation()};
  return read(control::token_digest(token), now);
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

void TokenGate::remember(std::string_view token, const TokenReading& reading) const {
  remember(control::token_digest(token), reading);
}

void TokenGate::remember(const Digest256& digest, const TokenReading& reading) const {
  if (!reading.answer || reading.generation != feed_.generation()) return;
  auto& grants = grants_of(instance_, reading.generation).by_digest;
  if (grants.size() >= kMaxRememberedTokens) grants.erase(grants.begin());
  grants.insert_or_assign(digest, *reading.answer);
}

}  // namespace valetkey::access
