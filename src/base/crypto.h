// SPDX-License-Identifier: Apache-2.0
// The cryptography that Valetkey uses, over OpenSSL 3; no other file of this module includes it.
// Thread-safe: algorithms are fetched once, contexts are kept per thread and live within one call.
// Classes here are for one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace valetkey {

using Digest256 = std::array<std::uint8_t, 32>;
inline std::string_view as_text(const Digest256& d) {
  return {reinterpret_cast<const char*>(d.data()), d.size()};
}

Digest256 sha256(std::string_view bytes);
std::string sha256_hex(std::string_view bytes);
// The same without OpenSSL's start (providers, configuration file), which costs a process that ends
// at once more than all else that it does.
std::string sha256_hex_alone(std::string_view bytes);
Digest256 hmac_sha256(std::string_view key, std::string_view bytes);
// RFC 5869 with SHA-256, empty salt; `length` at most 255 * 32.
Secret hkdf_sha256(std::string_view key, std::string_view info, std::size_t length);
// From the system's random source; aborts the process where there is none.
void random_bytes(std::span<std::uint8_t> out);
std::string random_bytes(std::size_t count);
// The same, fetched ahead by each thread, at most 512 bytes: half a microsecond cheaper. A copy of
// the whole process (a snapshot of its machine that runs twice) gives the same bytes twice, so
// callers mix in what tells the two apart; keys are never made of it.
std::string pooled_random_bytes(std::size_t count);
std::string random_base62(std::size_t length);  // unbiased, by rejection

// Incremental digests. finish() may be called once.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  void update(std::string_view bytes);
  Digest256 finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};
class Md5 {  // S3's ETag; no security rests on it
 public:
  Md5();
  ~Md5();
  Md5(Md5&&) noexcept;
  void update(std::string_view bytes);
  std::array<std::uint8_t, 16> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// CRC-32 (IEEE 802.3); start with 0 and pass the former value on.
std::uint32_t crc32(std::uint32_t so_far, std::string_view bytes);

inline constexpr std::size_t kAesKeyBytes = 32;
inline constexpr std::size_t kAesNonceBytes = 12;
inline constexpr std::size_t kAesTagBytes = 16;

// AES-256-GCM. Writes plain.size() + kAesTagBytes bytes (ciphertext, tag) to `out`.
void aes_gcm_seal(std::string_view key, std::string_view nonce, std::string_view aad,
                  std::string_view plain, char* out);
std::string aes_gcm_seal(std::string_view key, std::string_view nonce, std::string_view aad,
                         std::string_view plain);
// Opens ciphertext and tag; writes sealed.size() - kAesTagBytes bytes to `out`. False, with `out`
// wiped, if anything differs from what was sealed.
[[nodiscard]] bool aes_gcm_open(std::string_view key, std::string_view nonce, std::string_view aad,
                                std::string_view sealed, char* out);
Result<std::string> aes_gcm_open(std::string_view key, std::string_view nonce, std::string_view aad,
                                 std::string_view sealed);

// The same with the key schedule kept, for the many chunks of one object. One thread at a time.
class AesGcm {
 public:
  explicit AesGcm(std::string_view key);
  ~AesGcm();
  AesGcm(AesGcm&&) noexcept;
  AesGcm& operator=(AesGcm&&) noexcept;
  void seal(std::string_view nonce, std::string_view aad, std::string_view plain, char* out);
  [[nodiscard]] bool open(std::string_view nonce, std::string_view aad, std::string_view sealed,
                          char* out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace valetkey
