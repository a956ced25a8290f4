// SPDX-License-Identifier: Apache-2.0
#include "console/internal/away.h"

#include <array>
#include <charconv>

#include "base/encoding.h"
#include "base/sealed_text.h"

namespace valetkey::console {
namespace {

constexpr std::string_view kLabel = "valetkey/1/sign-in";
constexpr std::chrono::minutes kAwayAtMost{10};
constexpr std::chrono::minutes kClocksDiffer{1};  // of two nodes
constexpr std::size_t kLines = 6;

}  // namespace

Result<std::string> seal_away(const Keyring& keyring, const Away& away, Timestamp now) {
  std::string plain;
  plain.append(away.begun.state).append("\n").append(away.begun.nonce).append("\n");
  plain.append(away.begun.verifier.reveal()).append("\n").append(away.next).append("\n");
  plain.append(away.session.str()).append("\n").append(std::to_string(epoch_ms(away.left)));
  VALETKEY_TRY(const std::string sealed, seal_text(keyring, kLabel, plain, now));
  return base64url(sealed);
}

std::optional<Away> parse_away(std::string_view plain) {
  std::array<std::string_view, kLines> lines;
  for (std::size_t i = 0; i < kLines; ++i) {
    const auto end = plain.find('\n');
    if ((end == std::string_view::npos) != (i + 1 == kLines)) return std::nullopt;
    lines[i] = plain.substr(0, end);
    plain.remove_prefix(std::min(plain.size(), lines[i].size() + 1));
  }
  auto session = TokenId::parse(lines[4]);
  std::int64_t left = 0;
  const char* last = lines[5].data() + lines[5].size();
  const auto [end, error] = std::from_chars(lines[5].data(), last, left);
  if (!session || error != std::errc{} || end != last || lines[0].empty()) return std::nullopt;
  return Away{{{}, std::string(lines[0]), std::string(lines[1]), Secret(std::string(lines[2]))},
              std::string(lines[3]),
              *std::move(session),
              from_epoch_ms(left)};
}

std::optional<Away> open_away(const Keyring& keyring, std::string_view cookie, Timestamp now) {
  const Result<std::string> sealed = unbase64url(cookie);
  const auto plain = sealed ? open_text(keyring, kLabel, *sealed, now) : std::nullopt;
  auto away = plain ? parse_away(*plain) : std::nullopt;
  if (!away || now - away->left > kAwayAtMost || away->left - now > kClocksDiffer)
    return std::nullopt;
  return away;
}

}  // namespace valetkey::console
