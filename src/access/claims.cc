// SPDX-License-Identifier: Apache-2.0
#include "access/internal/claims.h"

#include <array>

#include "base/crypto.h"

namespace valetkey::access {
namespace {

constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kKeyPrefix = "ASIA";
constexpr std::string_view kUserPrefix = "usr_";
constexpr std::string_view kTokenPrefix = "tok_";
constexpr std::size_t kKeyBytes = 10;  // 16 characters of 5 bits
constexpr std::size_t kIdCharacters = 16;
constexpr char kReadExport = 1;
constexpr char kReadPartOfExport = 2;                   // as the narrowing behind the account says
constexpr std::int64_t kLastInstant = 253402300799999;  // 9999-12-31T23:59:59.999Z

std::string from_base32(std::string_view text) {
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    bits = (bits << 5 | (c >= 'A' ? c - 'A' : c - '2' + 26U)) & 0x1FFF;
    count += 5;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count & 0xFF));
  }
  return bytes;
}

std::string to_base32(std::string_view bytes) {
  std::string text;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char byte : bytes) {
    bits = (bits << 8 | static_cast<std::uint8_t>(byte)) & 0xFFF;
    for (count += 8; count >= 5;) {
      count -= 5;
      text.push_back(kBase32[bits >> count & 31]);
    }
  }
  return text;
}

void append_instant(std::string& out, Timestamp at) {
  const auto ms = static_cast<std::uint64_t>(epoch_ms(at));
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(ms >> shift & 0xFF));
}

// Takes pieces off the front; once one is missing, everything after is, too.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::string_view take(std::size_t count) {
    if (count > rest_.size()) failed_ = true;
    const std::string_view piece = failed_ ? std::string_view() : rest_.substr(0, count);
    rest_.remove_prefix(piece.size());
    return piece;
  }
  std::size_t take_length() {
    const std::string_view byte = take(1);
    return byte.empty() ? 0 : static_cast<std::uint8_t>(byte[0]);
  }
  Timestamp take_instant() {
    std::uint64_t ms = 0;
    for (const char byte : take(8)) ms = ms << 8 | static_cast<std::uint8_t>(byte);
    if (ms > static_cast<std::uint64_t>(kLastInstant)) failed_ = true;
    return failed_ ? Timestamp() : from_epoch_ms(static_cast<std::int64_t>(ms));
  }
  std::string_view take_rest() { return take(rest_.size()); }
  bool complete() const { return !failed_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

std::string with_prefix(std::string_view prefix, std::string_view rest) {
  return std::string(prefix).append(rest);
}

}  // namespace

std::string encode_claims(const Claims& claims) {
  std::string out;
  out.reserve(80);
  out.push_back(claims.narrowing.empty() ? kReadExport : kReadPartOfExport);
  out.append(from_base32(std::string_view(claims.access_key_id.str()).substr(kKeyPrefix.size())));
  out.append(claims.user.str(), kUserPrefix.size());
  out.append(claims.token.str(), kTokenPrefix.size());
  append_instant(out, claims.issued);
  append_instant(out, claims.expires);
  out.push_back(static_cast<char>(claims.account.str().size()));
  return out.append(claims.account.str()).append(claims.narrowing.str());
}

std::optional<Claims> decode_claims(std::string_view bytes) {
  Reader reader(bytes);
  const std::string_view scope = reader.take(1);
  const auto key = AccessKeyId::parse(with_prefix(kKeyPrefix, to_base32(reader.take(kKeyBytes))));
  const auto user = UserId::parse(with_prefix(kUserPrefix, reader.take(kIdCharacters)));
  const auto token = TokenId::parse(with_prefix(kTokenPrefix, reader.take(kIdCharacters)));
  const Timestamp issued = reader.take_instant();
  const Timestamp expires = reader.take_instant();
  const auto account = AccountId::parse(reader.take(reader.take_length()));
  const auto narrowing = control::Narrowing::parse(reader.take_rest());
  if (!reader.complete() || issued >= expires) return std::nullopt;
  if (!key || !user || !token || !account || !narrowing) return std::nullopt;
  if (scope[0] != (narrowing->empty() ? kReadExport : kReadPartOfExport)) return std::nullopt;
  return Claims{*key, *account, *user, *token, issued, expires, *narrowing};
}

AccessKeyId make_access_key_id() {
  return *AccessKeyId::parse(with_prefix(kKeyPrefix, to_base32(pooled_random_bytes(kKeyBytes))));
}

}  // namespace valetkey::access
