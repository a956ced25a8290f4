// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <boost/json/value_from.hpp>

#include "admin/internal/commands.h"
#include "admin/internal/keyring_binding.h"
#include "base/file.h"
#include "storage/disk_store.h"
#include "terminal/size.h"
#include "terminal/table.h"

namespace valetkey::admin {
namespace {

namespace json = boost::json;

Result<FileLock> lock_keyring(const CommandContext& context) {
  auto lock = FileLock::acquire(context.data_dir / "keyring.lock");
  if (!lock && lock.error().code == ErrorCode::busy)
    return fail(ErrorCode::busy, "another command is changing the keyring; try again in a moment");
  return lock;
}

std::vector<KeyPurpose> purposes_of(const std::string& text) {
  if (text == "session") return {KeyPurpose::session};
  if (text == "object") return {KeyPurpose::object};
  return {KeyPurpose::session, KeyPurpose::object};
}

json::object document_of(const Keyring& keyring, const Key& key, Timestamp now) {
  return {{"id", key.id},
          {"purpose", name_of(key.purpose)},
          {"state", name_of(keyring.state_of(key, now))},
          {"created", format_iso8601(key.created)},
          {"active_from", format_iso8601(key.active_from)}};
}

void show_keys(const CommandContext& context, const Keyring& keyring) {
  const Timestamp now = context.clock.now();
  if (context.json) {
    json::array list;
    for (const Key& key : keyring.keys()) list.push_back(document_of(keyring, key, now));
    context.print(json::object{{"keys", std::move(list)}});
    return;
  }
  terminal::Table table({"PURPOSE", "ID", "STATE", "CREATED", "ACTIVE FROM"});
  for (const Key& key : keyring.keys())
    table.row({std::string(name_of(key.purpose)), std::to_string(key.id),
               std::string(name_of(keyring.state_of(key, now))), format_iso8601(key.created),
               format_iso8601(key.active_from)});
  table.print(context.out);
}

}  // namespace

Result<int> keys_list(CommandContext& context) {
  VALETKEY_CHECK(context.check_keyring_place());
  VALETKEY_TRY(const Keyring keyring, read_keyring(context.keyring()));
  show_keys(context, keyring);
  return 0;
}

Result<int> keys_rotate(CommandContext& context, const std::string& purpose,
                        milliseconds activate_in) {
  VALETKEY_CHECK(context.need_data());
  VALETKEY_CHECK(context.check_keyring_place());
  VALETKEY_TRY(const FileLock lock, lock_keyring(context));
  VALETKEY_TRY(Keyring keyring, read_keyring(context.keyring()));
  VALETKEY_CHECK(bind_keyring(context, keyring));
  const Timestamp now = context.clock.now();
  for (const KeyPurpose each : purposes_of(purpose))
    keyring = keyring.with_new_key(each, now, now + activate_in);
  keyring = keyring.without_stale_sessions(now, kLongestSession);
  VALETKEY_CHECK(write_keyring(context.keyring(), keyring, true));
  VALETKEY_CHECK(bind_keyring(context, keyring));
  VALETKEY_CHECK(context.record("keys.rotate", std::nullopt, purpose));
  show_keys(context, keyring);
  if (!context.json)
    context.err << fmt::format(
        "Running servers look at the keyring every second; the new keys are used in {}. Back up {} "
        "now, apart from the data.\n",
        format_duration(activate_in), context.keyring().string());
  return 0;
}

namespace {

// Retires the object keys that nothing refers to any more; says which.
Result<std::vector<std::uint32_t>> retire_unused(const CommandContext& context,
                                                 storage::DiskStore& objects) {
  VALETKEY_TRY(const FileLock lock, lock_keyring(context));
  VALETKEY_TRY(Keyring keyring, read_keyring(context.keyring()));
  // Counted under the lock: no other command can make a key active meanwhile.
  VALETKEY_TRY(const auto in_use, objects.count_by_object_key());
  const Timestamp now = context.clock.now();
  std::vector<std::uint32_t> retired;
  for (const Key& key : keyring.keys())
    if (key.purpose == KeyPurpose::object && keyring.state_of(key, now) == KeyState::verify_only &&
        !in_use.contains(key.id))
      retired.push_back(key.id);
  for (const auto id : retired) {
    VALETKEY_TRY(keyring, keyring.with_retired(KeyPurpose::object, id, now));
  }
  if (!retired.empty()) VALETKEY_CHECK(write_keyring(context.keyring(), keyring, true));
  return retired;
}

}  // namespace

Result<int> keys_rewrap(CommandContext& context) {
  VALETKEY_TRY(const auto keys, context.open_keys());
  VALETKEY_TRY(
      const auto objects,
      context.open_disk(
          *keys, "they are encrypted by the engine, and no key of this keyring wraps theirs"));
  VALETKEY_TRY(const auto summary, objects->rewrap(context.clock.now()));
  VALETKEY_TRY(const auto retired, retire_unused(context, *objects));
  VALETKEY_CHECK(context.record("keys.rewrap", std::nullopt, std::to_string(summary.rewrapped)));
  if (context.json)
    context.print(json::object{{"rewrapped", summary.rewrapped},
                               {"failed", json::value_from(summary.failed)},
                               {"retired", json::value_from(retired)}});
  else
    context.out << fmt::format("{} rewrapped; former keys retired: {}.\n",
                               terminal::count_text(summary.rewrapped, "object"), retired.size());
  for (const auto& line : summary.failed) context.err << line << '\n';
  return summary.failed.empty() ? 0 : 1;
}

}  // namespace valetkey::admin
