// SPDX-License-Identifier: Apache-2.0
#include "access/engine_token.h"

#include "base/encoding.h"
#include "base/sealed_text.h"

namespace valetkey::access {
namespace {

constexpr std::string_view kPrefix = "vkeng_";
constexpr std::size_t kPlainBytes = 32 + 8 + 8;
constexpr std::string_view kLabel = "valetkey/1/engine-token";

void append(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> shift & 0xFF));
}

std::uint64_t number(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

}  // namespace

bool is_engine_token(std::string_view text) { return text.starts_with(kPrefix); }

Result<Secret> seal_engine_token(const Keyring& keyring, const EngineToken& token, Timestamp now) {
  std::string plain(as_text(token.token));
  append(plain, static_cast<std::uint64_t>(epoch_ms(token.granted)), 8);
  append(plain, static_cast<std::uint64_t>(epoch_ms(token.expires)), 8);
  VALETKEY_TRY(const std::string sealed, seal_text(keyring, kLabel, plain, now));
  return Secret(std::string(kPrefix) + base64url(sealed));
}

std::optional<EngineToken> open_engine_token(const Keyring& keyring, std::string_view text,
                                             Timestamp now) {
  if (!is_engine_token(text)) return std::nullopt;
  const Result<std::string> sealed = unbase64url(text.substr(kPrefix.size()));
  if (!sealed || sealed->size() != kPlainBytes + kSealedTextMore) return std::nullopt;
  const auto plain = open_text(keyring, kLabel, *sealed, now);
  if (!plain) return std::nullopt;
  EngineToken token;
  std::copy_n(plain->begin(), token.token.size(), token.token.begin());
  const std::string_view times = std::string_view(*plain).substr(32);
  token.granted = from_epoch_ms(static_cast<std::int64_t>(number(times.substr(0, 8))));
  token.expires = from_epoch_ms(static_cast<std::int64_t>(number(times.substr(8))));
  if (now >= token.expires) return std::nullopt;
  return token;
}

}  // namespace valetkey::access
