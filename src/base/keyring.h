// SPDX-License-Identifier: Apache-2.0
// The root keys. A key's state follows from its times, so every server that reads the same file
// agrees without speaking: pending until `active_from`; then active; verify-only once a younger key
// of its purpose is active; retired when the operator (object keys) or the clock (session keys)
// says so. File format: docs/formats.md, "Keyring". Keyring is immutable and thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/timestamp.h"

namespace valetkey {

enum class KeyPurpose : std::uint8_t { session, object };
enum class KeyState : std::uint8_t { pending, active, verify_only, retired };
std::string_view name_of(KeyPurpose purpose);
std::string_view name_of(KeyState state);

// One root key. The subkeys are HKDF-SHA-256(material, "valetkey/1/<label>"), derived when loaded.
struct Key {
  std::uint32_t id = 0;  // unique in the keyring, never reused
  KeyPurpose purpose = KeyPurpose::session;
  Timestamp created;
  Timestamp active_from;
  std::optional<Timestamp> retired_at;
  Secret material;  // 32 bytes
  Secret seal;      // session: "session-seal"; object: "object-wrap"
  Secret derive;    // session: "session-secret"; object: "listing-token"
};

// Tells the key from others and nothing about it: 32 hex digits.
std::string fingerprint_of(const Key& key);

// Fills `seal` and `derive` from `material`.
void derive_subkeys(Key& key);

// The longest that configuration lets a session live: a session key replaced longer ago is retired.
inline constexpr milliseconds kLongestSession = std::chrono::hours(12);

class Keyring {
 public:
  // A keyring with one active key of each purpose.
  static Keyring make(Timestamp now);
  static Result<Keyring> parse(std::string_view text);  // `corrupt` names the line
  Secret serialize() const;

  const std::vector<Key>& keys() const { return keys_; }
  const Key* find(KeyPurpose purpose, std::uint32_t id) const;
  // The youngest key whose active_from has come and that is not retired; null in a broken keyring.
  const Key* active(KeyPurpose purpose, Timestamp now) const;
  // active(), or one sentence with the remedy (`unavailable`): the clock lies behind the keyring, or
  // a key is missing.
  Result<const Key*> require_active(KeyPurpose purpose, Timestamp now) const;
  KeyState state_of(const Key& key, Timestamp now) const;
  // True if this is `former` after whatever rotations: they share a key, and none differs.
  bool continues(const Keyring& former) const;

  // A copy with one more key of that purpose, active from `active_from`.
  Keyring with_new_key(KeyPurpose purpose, Timestamp now, Timestamp active_from) const;
  // A copy in which key `id` is retired. `invalid` if it is active or pending, `not_found` if
  // unknown.
  Result<Keyring> with_retired(KeyPurpose purpose, std::uint32_t id, Timestamp now) const;
  // A copy without session keys replaced longer ago than `longest_session`.
  Keyring without_stale_sessions(Timestamp now, milliseconds longest_session) const;

 private:
  // When a younger key of its purpose first became active; nullopt where none has.
  std::optional<Timestamp> replaced_at(const Key& key, Timestamp now) const;

  std::vector<Key> keys_;
  std::uint32_t next_id_ = 1;  // kept in the file, so that an id is never given twice
};

// Where the keyring comes from. Thread-safe.
class KeySource {
 public:
  virtual ~KeySource() = default;
  // Never blocks; the value stays valid while it is held.
  virtual std::shared_ptr<const Keyring> get() const = 0;
  // Looks at the source again; on failure the former keyring stays in force.
  virtual Result<void> reload() = 0;
};

// A file with mode 0600 (0400) that this user owns, or one of root's that the server's group may
// read (0440), as systemd and Kubernetes hand it over; anything wider is `denied`, a missing one
// `not_found`, each with the remedy in one sentence. A link is followed if root or this user made
// it.
class FileKeySource final : public KeySource {
 public:
  static Result<std::unique_ptr<FileKeySource>> open(std::filesystem::path path);
  std::shared_ptr<const Keyring> get() const override;
  Result<void> reload() override;

 private:
  explicit FileKeySource(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Keyring> keyring_;
};

// The same keys for ever.
class FixedKeySource final : public KeySource {
 public:
  explicit FixedKeySource(Keyring k) : keyring_(std::make_shared<const Keyring>(std::move(k))) {}
  std::shared_ptr<const Keyring> get() const override { return keyring_; }
  Result<void> reload() override { return {}; }

 private:
  std::shared_ptr<const Keyring> keyring_;
};

// Creates (`replace` false) or atomically replaces the file, mode 0600, fsynced with its folder.
// `denied` where a link would be replaced.
Result<void> write_keyring(const std::filesystem::path& path, const Keyring& keyring, bool replace);
Result<Keyring> read_keyring(const std::filesystem::path& path);

}  // namespace valetkey
