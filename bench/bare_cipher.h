// SPDX-License-Identifier: Apache-2.0
// What the floors have in common: AES-256-GCM over 64 KiB chunks with the fewest calls that OpenSSL
// allows, and system calls that end the program when they fail. One Cipher a thread.
#pragma once

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace valetkey::bench {

inline constexpr std::size_t kChunk = 65'536;
inline constexpr std::size_t kTag = 16;
inline constexpr std::size_t kBatch = 4;  // chunks for each read and write
inline constexpr std::array<unsigned char, 32> kKey{42};

[[noreturn]] inline void die(const char* what) {
  std::perror(what);
  std::exit(1);
}
inline long checked(long result, const char* what) {
  if (result < 0) die(what);
  return result;
}

class Cipher {
 public:
  enum class Way : bool { open, seal };
  explicit Cipher(Way way) : way_(way), context_(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free) {
    const bool seal = way == Way::seal;
    if (EVP_CipherInit_ex(context_.get(), EVP_aes_256_gcm(), nullptr, kKey.data(), nullptr, seal) !=
        1)
      die("cipher");
  }
  // One chunk from `in` to `out`; a tag follows the sealed form.
  void run(std::uint32_t number, unsigned char* in, std::size_t size, unsigned char* out) {
    std::array<unsigned char, 12> nonce{};
    std::memcpy(nonce.data(), &number, sizeof number);
    int n = 0;
    EVP_CIPHER_CTX* context = context_.get();
    EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, nonce.data(), -1);
    if (way_ == Way::open) EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTag, in + size);
    EVP_CipherUpdate(context, out, &n, in, static_cast<int>(size));
    if (EVP_CipherFinal_ex(context, out + size, &n) != 1) die("tag");
    if (way_ == Way::seal) EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTag, out + size);
  }

 private:
  Way way_;
  std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context_;
};

// Writes everything, however the system cuts it.
inline void write_all(int fd, const unsigned char* data, std::size_t size) {
  while (size > 0) {
    const auto n = static_cast<std::size_t>(checked(::write(fd, data, size), "write"));
    data += n;
    size -= n;
  }
}

}  // namespace valetkey::bench
