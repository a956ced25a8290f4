// SPDX-License-Identifier: Apache-2.0
#include "base/keyring.h"

#include <algorithm>

#include "base/crypto.h"
#include "base/encoding.h"

namespace valetkey {
namespace {

constexpr std::size_t kMaterialBytes = 32;

bool younger(const Key& a, const Key& b) {
  return std::tie(a.active_from, a.id) > std::tie(b.active_from, b.id);
}

bool is_retired(const Key& key, Timestamp now) { return key.retired_at && *key.retired_at <= now; }

}  // namespace

std::string_view name_of(KeyPurpose purpose) {
  return purpose == KeyPurpose::session ? "session" : "object";
}

std::string_view name_of(KeyState state) {
  switch (state) {
    case KeyState::pending:
      return "pending";
    case KeyState::active:
      return "active";
    case KeyState::verify_only:
      return "verify-only";
    case KeyState::retired:
      return "retired";
  }
  return "retired";
}

void derive_subkeys(Key& key) {
  const bool session = key.purpose == KeyPurpose::session;
  const auto subkey = [&](const char* label) {
    return hkdf_sha256(key.material.reveal(), std::string("valetkey/1/") + label, 32);
  };
  key.seal = subkey(session ? "session-seal" : "object-wrap");
  key.derive = subkey(session ? "session-secret" : "listing-token");
}

std::string fingerprint_of(const Key& key) {
  return hex(hkdf_sha256(key.material.reveal(), "valetkey/1/fingerprint", 16).reveal());
}

Keyring Keyring::make(Timestamp now) {
  return Keyring()
      .with_new_key(KeyPurpose::session, now, now)
      .with_new_key(KeyPurpose::object, now, now);
}

const Key* Keyring::find(KeyPurpose purpose, std::uint32_t id) const {
  const auto found = std::ranges::find_if(
      keys_, [&](const Key& key) { return key.purpose == purpose && key.id == id; });
  return found == keys_.end() ? nullptr : &*found;
}

const Key* Keyring::active(KeyPurpose purpose, Timestamp now) const {
  const Key* best = nullptr;
  for (const Key& key : keys_) {
    if (key.purpose != purpose || key.active_from > now || is_retired(key, now)) continue;
    if (best == nullptr || younger(key, *best)) best = &key;
  }
  return best;
}

Result<const Key*> Keyring::require_active(KeyPurpose purpose, Timestamp now) const {
  if (const Key* key = active(purpose, now)) return key;
  std::optional<Timestamp> first;
  for (const Key& key : keys_)
    if (key.purpose == purpose && !is_retired(key, now))
      first = std::min(first.value_or(key.active_from), key.active_from);
  if (!first)
    return fail(ErrorCode::unavailable, "the keyring has no " + std::string(name_of(purpose)) +
                                            " key to use; run `valetkeyd keys rotate`");
  // Rounded up: what is less than a minute away is not "0 minutes".
  const auto behind = std::chrono::ceil<std::chrono::minutes>(*first - now);
  return fail(ErrorCode::unavailable, "the clock is " + std::to_string(behind.count()) +
                                          (behind.count() == 1 ? " minute" : " minutes") +
                                          " behind the keyring, whose " +
                                          std::string(name_of(purpose)) + " key is active from " +
                                          format_iso8601(*first) + ": set this machine's clock");
}

bool Keyring::continues(const Keyring& former) const {
  bool shared = false;
  for (const Key& key : keys_) {
    const Key* before = former.find(key.purpose, key.id);
    if (before == nullptr) continue;
    if (!equal_in_constant_time(before->material.reveal(), key.material.reveal())) return false;
    shared = true;
  }
  return shared;
}

std::optional<Timestamp> Keyring::replaced_at(const Key& key, Timestamp now) const {
  std::optional<Timestamp> first;
  for (const Key& other : keys_) {
    if (other.purpose != key.purpose || other.active_from > now || !younger(other, key)) continue;
    first = std::min(first.value_or(other.active_from), other.active_from);
  }
  return first;
}

KeyState Keyring::state_of(const Key& key, Timestamp now) const {
  if (is_retired(key, now)) return KeyState::retired;
  if (key.active_from > now) return KeyState::pending;
  const std::optional<Timestamp> replaced = replaced_at(key, now);
  if (key.purpose == KeyPurpose::session && replaced && now - *replaced >= kLongestSession)
    return KeyState::retired;
  const Key* current = active(key.purpose, now);
  return current != nullptr && current->id == key.id ? KeyState::active : KeyState::verify_only;
}

Keyring Keyring::with_new_key(KeyPurpose purpose, Timestamp now, Timestamp active_from) const {
  Keyring copy = *this;
  Key key;
  key.id = copy.next_id_++;
  key.purpose = purpose;
  key.created = now;
  key.active_from = active_from;
  key.material = Secret(random_bytes(kMaterialBytes));
  derive_subkeys(key);
  copy.keys_.push_back(std::move(key));
  return copy;
}

Result<Keyring> Keyring::with_retired(KeyPurpose purpose, std::uint32_t id, Timestamp now) const {
  const Key* key = find(purpose, id);
  const std::string name = std::string(name_of(purpose)) + " key " + std::to_string(id);
  if (key == nullptr) return fail(ErrorCode::not_found, "there is no " + name);
  const KeyState state = state_of(*key, now);
  if (state == KeyState::active || state == KeyState::pending)
    return fail(ErrorCode::invalid,
                name + " is " + std::string(name_of(state)) +
                    "; only a key that a newer one has replaced can be retired");
  Keyring copy = *this;
  Key& changed = copy.keys_[static_cast<std::size_t>(key - keys_.data())];
  if (!is_retired(changed, now)) changed.retired_at = now;
  return copy;
}

Keyring Keyring::without_stale_sessions(Timestamp now, milliseconds longest_session) const {
  Keyring copy = *this;
  std::erase_if(copy.keys_, [&](const Key& key) {
    const std::optional<Timestamp> replaced = replaced_at(key, now);
    return key.purpose == KeyPurpose::session && replaced && now - *replaced >= longest_session;
  });
  return copy;
}

}  // namespace valetkey
