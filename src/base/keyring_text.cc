// SPDX-License-Identifier: Apache-2.0
// The keyring's written form: docs/formats.md, "Keyring".
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/keyring.h"

namespace valetkey {
namespace {

constexpr std::string_view kHeader = "valetkey-keyring 1 next=";
constexpr std::size_t kMaxKeys = 10'000;

std::unexpected<Error> bad_line(std::size_t line, std::string_view what) {
  return fail(ErrorCode::corrupt, fmt::format("line {} of the keyring: {}", line, what));
}

// Cuts `text` at the first `end` and returns what was before; nullopt where there is none.
std::optional<std::string_view> take_until(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at + 1);
  return taken;
}

// Decimal without sign or leading zero, at least 1.
std::optional<std::uint32_t> parse_id(std::string_view text) {
  std::uint32_t value = 0;
  if (text.empty() || text.front() == '0') return std::nullopt;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A field "name=time"; only the form that serialize() writes.
std::optional<Timestamp> parse_time(std::string_view field, std::string_view name) {
  if (!field.starts_with(name)) return std::nullopt;
  field.remove_prefix(name.size());
  const auto t = parse_iso8601(field);
  if (!t || format_iso8601_ms(*t) != field) return std::nullopt;
  return *t;
}

std::optional<KeyPurpose> parse_purpose(std::string_view text) {
  for (const KeyPurpose purpose : {KeyPurpose::session, KeyPurpose::object})
    if (text == name_of(purpose)) return purpose;
  return std::nullopt;
}

std::optional<Secret> parse_material(std::string_view field) {
  constexpr std::string_view kName = "material=";
  if (!field.starts_with(kName)) return std::nullopt;
  auto bytes = unbase64url(field.substr(kName.size()));
  if (!bytes) return std::nullopt;
  Secret material(std::move(*bytes));
  if (material.size() != 32) return std::nullopt;
  return material;
}

// key <id> <purpose> created=<t> active=<t> retired=<t or -> material=<base64url>
Result<Key> parse_key(std::string_view line, std::size_t number) {
  std::array<std::string_view, 6> fields;
  for (std::string_view& field : fields) {
    const auto taken = take_until(line, ' ');
    if (!taken) return bad_line(number, "a key has seven fields");
    field = *taken;
  }
  const auto id = parse_id(fields[1]);
  const auto purpose = parse_purpose(fields[2]);
  const auto created = parse_time(fields[3], "created=");
  const auto active_from = parse_time(fields[4], "active=");
  const auto retired = parse_time(fields[5], "retired=");
  auto material = parse_material(line);
  if (fields[0] != "key" || !id || !purpose) return bad_line(number, "not a key's id and purpose");
  if (!created || !active_from || (!retired && fields[5] != "retired=-"))
    return bad_line(number, "not a key's times");
  if (!material) return bad_line(number, "the material is not 32 bytes of base64url");
  Key key;
  key.id = *id;
  key.purpose = *purpose;
  key.created = *created;
  key.active_from = *active_from;
  key.retired_at = retired;
  key.material = std::move(*material);
  derive_subkeys(key);
  return key;
}

std::string checksum_of(std::string_view bytes) { return fmt::format("{:08x}", crc32(0, bytes)); }

}  // namespace

Secret Keyring::serialize() const {
  std::string text;
  text.reserve(64 + keys_.size() * 256);  // no reallocation that would leave a copy behind
  text.append(kHeader).append(std::to_string(next_id_)).append("\n");
  for (const Key& key : keys_) {
    Secret material(base64url(key.material.reveal()));
    text += fmt::format("key {} {} created={} active={} retired={} material=", key.id,
                        name_of(key.purpose), format_iso8601_ms(key.created),
                        format_iso8601_ms(key.active_from),
                        key.retired_at ? format_iso8601_ms(*key.retired_at) : "-");
    text.append(material.reveal()).append("\n");
  }
  const std::string checksum = checksum_of(text);
  text.append("crc32 ").append(checksum).append("\n");
  return Secret(std::move(text));
}

Result<Keyring> Keyring::parse(std::string_view text) {
  std::string_view rest = text;
  Keyring keyring;
  const auto header = take_until(rest, '\n');
  if (!header || !header->starts_with(kHeader))
    return bad_line(1, "a keyring begins with \"valetkey-keyring 1\"");
  const auto next = parse_id(header->substr(kHeader.size()));
  if (!next) return bad_line(1, "next= must be a number");
  keyring.next_id_ = *next;
  for (std::size_t number = 2;; ++number) {
    const std::size_t before = text.size() - rest.size();
    const auto line = take_until(rest, '\n');
    if (!line) return bad_line(number, "the checksum is missing; the file was cut short");
    if (line->starts_with("crc32 ")) {
      if (line->substr(6) != checksum_of(text.substr(0, before)) || !rest.empty())
        return bad_line(number, "the checksum does not match; restore the file from its backup");
      return keyring;
    }
    VALETKEY_TRY(Key key, parse_key(*line, number));
    const bool ascending = keyring.keys_.empty() || keyring.keys_.back().id < key.id;
    if (!ascending || key.id >= keyring.next_id_)
      return bad_line(number, "ids must ascend and stay below next=");
    if (keyring.keys_.size() == kMaxKeys) return bad_line(number, "too many keys");
    keyring.keys_.push_back(std::move(key));
  }
}

}  // namespace valetkey
