// SPDX-License-Identifier: Apache-2.0
// Algorithms are fetched once and contexts kept per thread: 130 ns for SHA-256 of 64 bytes so, 350
// ns with the one-call functions, which also contend across threads.
#include "base/crypto.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sys/random.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "base/encoding.h"

namespace valetkey {
namespace {

constexpr std::size_t kSha256BlockBytes = 64;

// OpenSSL fails here only without memory or without its own algorithms: nothing to go on with.
void must(bool worked) {
  if (!worked) throw std::runtime_error("OpenSSL failed where it cannot");
}
template <class T>
T* must(T* made) {
  must(made != nullptr);
  return made;
}

const std::uint8_t* in(std::string_view bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeDigest>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

// Fetched at first use and never freed: they must outlive every thread.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const fetched = must(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  return fetched;
}
const EVP_MD* md5_algorithm() {
  static const EVP_MD* const fetched = must(EVP_MD_fetch(nullptr, "MD5", nullptr));
  return fetched;
}
const EVP_CIPHER* aes_gcm_algorithm() {
  static const EVP_CIPHER* const fetched = must(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
  return fetched;
}

DigestContext make_digest(const EVP_MD* algorithm) {
  DigestContext context(must(EVP_MD_CTX_new()));
  must(EVP_DigestInit_ex2(context.get(), algorithm, nullptr) == 1);
  return context;
}

CipherContext make_cipher(bool encrypt) {
  CipherContext context(must(EVP_CIPHER_CTX_new()));
  must(EVP_CipherInit_ex2(context.get(), aes_gcm_algorithm(), nullptr, nullptr, encrypt ? 1 : 0,
                          nullptr) == 1);
  return context;
}

void require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

std::uint8_t* out_bytes(char* out) { return reinterpret_cast<std::uint8_t*>(out); }

// `key` empty: the context has it already.
void begin(EVP_CIPHER_CTX* context, std::string_view key, std::string_view nonce,
           std::string_view aad) {
  require(nonce.size() == kAesNonceBytes, "AES-GCM takes nonces of 12 bytes");
  must(EVP_CipherInit_ex2(context, nullptr, key.empty() ? nullptr : in(key), in(nonce), -1,
                          nullptr) == 1);
  int written = 0;
  require(aad.size() <= INT_MAX, "AES-GCM takes at most 2 GiB at once");
  if (!aad.empty())
    must(EVP_CipherUpdate(context, nullptr, &written, in(aad), static_cast<int>(aad.size())) == 1);
}

void seal_with(EVP_CIPHER_CTX* context, std::string_view key, std::string_view nonce,
               std::string_view aad, std::string_view plain, char* out) {
  require(plain.size() <= INT_MAX, "AES-GCM takes at most 2 GiB at once");
  begin(context, key, nonce, aad);
  int written = 0;
  if (!plain.empty())
    must(EVP_CipherUpdate(context, out_bytes(out), &written, in(plain),
                          static_cast<int>(plain.size())) == 1);
  int last = 0;
  must(EVP_CipherFinal_ex(context, out_bytes(out) + written, &last) == 1);
  must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kAesTagBytes, out + plain.size()) == 1);
}

bool open_with(EVP_CIPHER_CTX* context, std::string_view key, std::string_view nonce,
               std::string_view aad, std::string_view sealed, char* out) {
  if (sealed.size() < kAesTagBytes || sealed.size() > INT_MAX) return false;
  begin(context, key, nonce, aad);
  const std::string_view text = sealed.substr(0, sealed.size() - kAesTagBytes);
  char tag[kAesTagBytes];
  std::memcpy(tag, sealed.data() + text.size(), sizeof tag);
  int written = 0;
  if (!text.empty())
    must(EVP_CipherUpdate(context, out_bytes(out), &written, in(text),
                          static_cast<int>(text.size())) == 1);
  must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) == 1);
  int last = 0;
  if (EVP_CipherFinal_ex(context, out_bytes(out) + written, &last) == 1) return true;
  if (!text.empty()) explicit_bzero(out, text.size());
  return false;
}

EVP_CIPHER_CTX* sealing_context() {
  thread_local const CipherContext context = make_cipher(true);
  return context.get();
}
EVP_CIPHER_CTX* opening_context() {
  thread_local const CipherContext context = make_cipher(false);
  return context.get();
}

void require_key(std::string_view key) {
  require(key.size() == kAesKeyBytes, "AES-256-GCM takes keys of 32 bytes");
}

}  // namespace

Digest256 sha256(std::string_view bytes) {
  thread_local const DigestContext context = make_digest(sha256_algorithm());
  Digest256 digest;
  must(EVP_DigestInit_ex2(context.get(), nullptr, nullptr) == 1);
  must(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1);
  must(EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1);
  return digest;
}

std::string sha256_hex(std::string_view bytes) { return hex(as_text(sha256(bytes))); }

std::string sha256_hex_alone(std::string_view bytes) {
  Digest256 digest;
  SHA256_CTX context;
// The only calls that do not start OpenSSL; SHA256() has done so since OpenSSL 3.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
  SHA256_Init(&context);
  SHA256_Update(&context, bytes.data(), bytes.size());
  SHA256_Final(digest.data(), &context);
#pragma clang diagnostic pop
  explicit_bzero(&context, sizeof context);
  return hex(as_text(digest));
}

// RFC 2104 over the digest: OpenSSL's own HMAC copies digest contexts for every key and takes twice
// as long for messages as short as ours.
Digest256 hmac_sha256(std::string_view key, std::string_view bytes) {
  thread_local const DigestContext context = make_digest(sha256_algorithm());
  std::array<std::uint8_t, kSha256BlockBytes> pad{};
  if (key.size() <= pad.size()) {
    std::ranges::copy(key, pad.begin());
  } else {
    std::ranges::copy(sha256(key), pad.begin());
  }
  const auto pass = [&](std::uint8_t mask, std::string_view message) {
    for (std::uint8_t& byte : pad) byte ^= mask;
    Digest256 digest;
    must(EVP_DigestInit_ex2(context.get(), nullptr, nullptr) == 1);
    must(EVP_DigestUpdate(context.get(), pad.data(), pad.size()) == 1);
    must(EVP_DigestUpdate(context.get(), message.data(), message.size()) == 1);
    must(EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1);
    return digest;
  };
  constexpr std::uint8_t kInner = 0x36, kOuter = 0x5c;
  Digest256 digest = pass(kInner, bytes);
  digest = pass(kInner ^ kOuter, as_text(digest));  // takes the inner mask off again
  explicit_bzero(pad.data(), pad.size());
  return digest;
}

Secret hkdf_sha256(std::string_view key, std::string_view info, std::size_t length) {
  require(length <= std::size_t{255} * 32, "HKDF-SHA-256 yields at most 8160 bytes");
  Digest256 extracted = hmac_sha256(std::string(32, '\0'), key);
  std::string out;
  out.reserve(length + 32);  // no reallocation that would leave a copy behind
  std::string input;
  input.reserve(32 + info.size() + 1);
  Digest256 block;
  for (std::uint8_t counter = 1; out.size() < length; ++counter) {
    input.append(info).push_back(static_cast<char>(counter));
    block = hmac_sha256(as_text(extracted), input);
    out.append(as_text(block));
    input.assign(as_text(block));
  }
  explicit_bzero(extracted.data(), extracted.size());
  explicit_bzero(block.data(), block.size());
  wipe(input);
  Secret result(out.substr(0, length));
  wipe(out);
  return result;
}

void random_bytes(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      std::fputs("the system has no random source; getrandom(2) failed\n", stderr);
      std::abort();
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  random_bytes({reinterpret_cast<std::uint8_t*>(out.data()), count});
  return out;
}

namespace {

// A system call for each salt costs 0.5 us; so a thread fetches ahead. What was given out is wiped
// here, so that no later reader of this memory finds it.
class RandomPool {
 public:
  ~RandomPool() { explicit_bzero(bytes_.data(), bytes_.size()); }
  void take(std::span<std::uint8_t> out) {
    require(out.size() <= bytes_.size(), "the pool of random bytes is smaller than this");
    if (bytes_.size() - used_ < out.size()) refill();
    const std::span<std::uint8_t> from = std::span(bytes_).subspan(used_, out.size());
    std::ranges::copy(from, out.begin());
    explicit_bzero(from.data(), from.size());
    used_ += out.size();
  }

 private:
  void refill() {
    random_bytes(bytes_);
    used_ = 0;
  }
  std::array<std::uint8_t, 512> bytes_{};
  std::size_t used_ = bytes_.size();
};

}  // namespace

std::string pooled_random_bytes(std::size_t count) {
  thread_local RandomPool pool;
  std::string out(count, '\0');
  pool.take({reinterpret_cast<std::uint8_t*>(out.data()), count});
  return out;
}

std::string random_base62(std::size_t length) {
  constexpr unsigned kUnbiased =
      256 / 62 * 62;  // bytes from here on would favour the first characters
  std::string out;
  out.reserve(length);
  while (out.size() < length) {
    std::string bytes = random_bytes(length - out.size() + 8);
    for (const char c : bytes) {
      const auto byte = static_cast<std::uint8_t>(c);
      if (byte < kUnbiased && out.size() < length) out += kBase62[byte % 62];
    }
    wipe(bytes);
  }
  return out;
}

struct Sha256::State {
  DigestContext context = make_digest(sha256_algorithm());
};
Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
void Sha256::update(std::string_view bytes) {
  must(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}
Digest256 Sha256::finish() {
  Digest256 digest;
  must(EVP_DigestFinal_ex(state_->context.get(), digest.data(), nullptr) == 1);
  return digest;
}

struct Md5::State {
  DigestContext context = make_digest(md5_algorithm());
};
Md5::Md5() : state_(std::make_unique<State>()) {}
Md5::~Md5() = default;
Md5::Md5(Md5&&) noexcept = default;
void Md5::update(std::string_view bytes) {
  must(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}
std::array<std::uint8_t, 16> Md5::finish() {
  std::array<std::uint8_t, 16> digest;
  must(EVP_DigestFinal_ex(state_->context.get(), digest.data(), nullptr) == 1);
  return digest;
}

std::uint32_t crc32(std::uint32_t so_far, std::string_view bytes) {
  if (bytes.empty()) return so_far;  // zlib takes a null pointer as "start again"
  return static_cast<std::uint32_t>(::crc32_z(so_far, in(bytes), bytes.size()));
}

void aes_gcm_seal(std::string_view key, std::string_view nonce, std::string_view aad,
                  std::string_view plain, char* out) {
  require_key(key);
  seal_with(sealing_context(), key, nonce, aad, plain, out);
}

std::string aes_gcm_seal(std::string_view key, std::string_view nonce, std::string_view aad,
                         std::string_view plain) {
  std::string out(plain.size() + kAesTagBytes, '\0');
  aes_gcm_seal(key, nonce, aad, plain, out.data());
  return out;
}

bool aes_gcm_open(std::string_view key, std::string_view nonce, std::string_view aad,
                  std::string_view sealed, char* out) {
  require_key(key);
  return open_with(opening_context(), key, nonce, aad, sealed, out);
}

Result<std::string> aes_gcm_open(std::string_view key, std::string_view nonce, std::string_view aad,
                                 std::string_view sealed) {
  if (sealed.size() < kAesTagBytes)
    return fail(ErrorCode::corrupt, "sealed bytes are shorter than their tag");
  std::string out(sealed.size() - kAesTagBytes, '\0');
  if (!aes_gcm_open(key, nonce, aad, sealed, out.data()))
    return fail(ErrorCode::corrupt, "sealed bytes do not open with this key");
  return out;
}

struct AesGcm::State {
  CipherContext sealing = make_cipher(true);
  CipherContext opening = make_cipher(false);
};

AesGcm::AesGcm(std::string_view key) : state_(std::make_unique<State>()) {
  require_key(key);
  for (EVP_CIPHER_CTX* context : {state_->sealing.get(), state_->opening.get()})
    must(EVP_CipherInit_ex2(context, nullptr, in(key), nullptr, -1, nullptr) == 1);
}
AesGcm::~AesGcm() = default;
AesGcm::AesGcm(AesGcm&&) noexcept = default;
AesGcm& AesGcm::operator=(AesGcm&&) noexcept = default;

void AesGcm::seal(std::string_view nonce, std::string_view aad, std::string_view plain, char* out) {
  seal_with(state_->sealing.get(), {}, nonce, aad, plain, out);
}

bool AesGcm::open(std::string_view nonce, std::string_view aad, std::string_view sealed,
                  char* out) {
  return open_with(state_->opening.get(), {}, nonce, aad, sealed, out);
}

}  // namespace valetkey
