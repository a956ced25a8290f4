// SPDX-License-Identifier: Apache-2.0
#include "control/password.h"

#include <sodium.h>

#include <algorithm>
#include <array>

#include "base/encoding.h"

namespace valetkey::control {
namespace {

constexpr unsigned long long kPasses = 2;
constexpr std::size_t kMemoryBytes = std::size_t{19} << 20;

void start_library() {
  [[maybe_unused]] static const int started = sodium_init();  // 1: it was started before
}

// Of a password that nobody has: 32 random bytes, forgotten at once.
const std::string& hash_of_nobody() {
  static const std::string hash = [] {
    std::array<char, 32> nobody{};
    randombytes_buf(nobody.data(), nobody.size());
    return hash_password(Secret(std::string(nobody.data(), nobody.size()))).value_or("");
  }();
  return hash;
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

Result<void> check_password(std::string_view password, std::string_view email) {
  if (!is_utf8(password) || password.contains('\0'))
    return fail(ErrorCode::invalid, "A password is a text in UTF-8.");
  if (count_characters(password) < kMinPasswordCharacters)
    return fail(ErrorCode::invalid, "A password has at least 12 characters.");
  if (password.size() > kMaxPasswordBytes)
    return fail(ErrorCode::invalid, "A password has at most 1,024 bytes.");
  if (password == email)
    return fail(ErrorCode::invalid, "Choose a password that is not the address itself.");
  return {};
}

Result<std::string> hash_password(const Secret& password) {
  start_library();
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  const std::string_view text = password.reveal();
  if (crypto_pwhash_str_alg(hash.data(), text.data(), text.size(), kPasses, kMemoryBytes,
                            crypto_pwhash_ALG_ARGON2ID13) != 0)
    return fail(ErrorCode::unavailable, "there is no memory to hash a password");
  return std::string(hash.data());
}

bool fits_password(std::string_view hash, const Secret& password) {
  start_library();
  const bool is_hash = hash.starts_with("$argon2id$") && hash.size() < crypto_pwhash_STRBYTES;
  const std::string known(is_hash ? hash : std::string_view(hash_of_nobody()));
  const std::string_view text = password.reveal();
  return crypto_pwhash_str_verify(known.c_str(), text.data(), text.size()) == 0 && is_hash;
}

}  // namespace valetkey::control
