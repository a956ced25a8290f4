// SPDX-License-Identifier: Apache-2.0
// A backup is a folder: events/ (what waits for the exporter), objects.db with the export ledger,
// objects/ (hard links where possible), control.db, audit/, valetkey.toml where there is one, and
// manifest.json, written last: without it the backup is none.
// Events come before objects.db: what was acknowledged before the backup began is then in its
// events, or in the parts that its objects.db names, or in both, which the ledger tells apart.
#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "admin/engines.h"
#include "admin/internal/commands.h"
#include "admin/internal/data_folder.h"
#include "admin/internal/keyring_binding.h"
#include "base/file.h"
#include "base/version.h"
#include "terminal/size.h"
#include "upkeep/backup.h"

namespace valetkey::admin {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr int kBackupVersion = 1;
constexpr std::size_t kMaxManifestBytes = 64 * 1024;

Result<void> copy_config(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::exists(from / "valetkey.toml", error)) return {};
  if (fs::exists(to / "valetkey.toml", error)) return {};  // the new folder's own goes first
  return copy_durably(from / "valetkey.toml", to / "valetkey.toml");
}

// Segments are appended to and cut, so they are copied. One that goes meanwhile has been exported.
Result<void> copy_events(const fs::path& from, const fs::path& to) {
  VALETKEY_CHECK(make_private(to));
  std::error_code error;
  std::vector<fs::path> segments;
  for (auto entry = fs::directory_iterator(from, error); !error && entry != fs::end(entry);
       entry.increment(error))
    if (entry->path().extension() == ".log") segments.push_back(entry->path());
  if (error && error != std::errc::no_such_file_or_directory)
    return fail(ErrorCode::io,
                fmt::format("cannot look into {}: {}", from.string(), error.message()));
  for (const auto& segment : segments) {
    const auto copied = copy_durably(segment, to / segment.filename());
    if (!copied && copied.error().code != ErrorCode::not_found) return copied;
  }
  return {};
}

Result<void> write_manifest(const CommandContext& context, const fs::path& to,
                            const std::string& bucket) {
  const json::object manifest{{"format", "valetkey-backup"},
                              {"version", kBackupVersion},
                              {"created", format_iso8601(context.clock.now())},
                              {"program", kVersion},
                              {"bucket", bucket}};
  return replace_file(to / "manifest.json", json::serialize(manifest) + "\n");
}

Result<void> read_manifest(const fs::path& from) {
  const auto text = read_file(from / "manifest.json", kMaxManifestBytes);
  if (!text)
    return fail(ErrorCode::invalid,
                fmt::format("{} is not a complete backup: it has no manifest.json", from.string()));
  boost::system::error_code error;
  const json::value manifest = json::parse(*text, error);
  const auto* object = error ? nullptr : manifest.if_object();
  const auto* version = object ? object->if_contains("version") : nullptr;
  if (!version || !version->is_int64())
    return fail(ErrorCode::corrupt, (from / "manifest.json").string() + " is no manifest");
  if (version->as_int64() == kBackupVersion) return {};
  return fail(
      ErrorCode::unavailable,
      fmt::format("{} was written by a newer version; restore it with that", from.string()));
}

int print_summary(CommandContext& context, const std::string& folder,
                  const upkeep::BackupSummary& summary, const std::string& sentence) {
  if (context.json) {
    context.print(json::object{{"folder", folder},
                               {"objects", summary.objects},
                               {"bytes", summary.bytes},
                               {"copied", summary.copied}});
    return 0;
  }
  context.out << sentence << '\n';
  return 0;
}

bool is_data_folder(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / "control.db", error) && !is_backup(folder);
}

// A backup is never written over anything.
Result<void> need_new_backup(const fs::path& to) {
  if (is_backup(to))
    return fail(ErrorCode::already_exists,
                fmt::format("{} is a backup already, which stays as it is; name a new folder",
                            to.string()));
  if (is_data_folder(to))
    return fail(ErrorCode::already_exists,
                fmt::format("{} is a data folder, or a backup that was cut short; name a new "
                            "folder, and remove that one if it is such a backup",
                            to.string()));
  return need_empty(to);
}

Result<void> need_restorable(const fs::path& folder) {
  if (is_backup(folder))
    return fail(ErrorCode::already_exists,
                fmt::format("{} is a backup itself; restore into a new folder with --data-dir",
                            folder.string()));
  if (is_data_folder(folder))
    return fail(ErrorCode::already_exists,
                fmt::format("{} holds data already, which a restore never replaces; name a new "
                            "folder with --data-dir, or move this one away",
                            folder.string()));
  return need_empty(folder);
}

// What an interrupted restore left is ours to remove, and only that.
Result<void> begin_restore(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder / kRestoreMarker, error)) {
    VALETKEY_CHECK(need_restorable(folder));
    VALETKEY_CHECK(make_private(folder));
    return replace_file(folder / kRestoreMarker, "");
  }
  for (const char* name : {"objects.db", "objects.db-wal", "objects.db-shm", "control.db", "audit",
                           "events", kKeyringId})
    fs::remove_all(folder / name, error);
  return {};
}

// Before anything else is: a keyring that is at hand, and is not the backup's, is the wrong one.
Result<void> restore_keyring_id(const CommandContext& context, const fs::path& from) {
  std::error_code error;
  if (!fs::exists(from / kKeyringId, error)) return {};  // backups of earlier versions have none
  VALETKEY_CHECK(copy_durably(from / kKeyringId, context.data_dir / kKeyringId));
  if (!fs::exists(context.keyring(), error)) return {};
  VALETKEY_TRY(const Keyring keyring, read_keyring(context.keyring()));
  return bind_keyring(context, keyring);
}

Result<void> end_restore(const fs::path& folder) {
  std::error_code error;
  fs::remove(folder / kRestoreMarker, error);
  if (error)
    return fail(ErrorCode::io, fmt::format("cannot remove {}: {}",
                                           (folder / kRestoreMarker).string(), error.message()));
  return sync_folder(folder);
}

}  // namespace

Result<int> backup(CommandContext& context, const std::string& destination) {
  const fs::path to = destination;
  VALETKEY_TRY(const Engines engines, context.engines());
  if (engines.databases().shared())
    return fail(ErrorCode::denied,
                "accounts and the export's ledger are in PostgreSQL: back it up with its own "
                "tools, and the keyring apart");
  VALETKEY_TRY(const auto keys, context.open_keys());
  VALETKEY_TRY(
      const auto objects,
      context.open_disk(
          *keys,
          "keep its versions or copies of it, and copy the data folder while no server runs"));
  VALETKEY_CHECK(need_new_backup(to));
  if (is_inside(to, context.data_dir))
    return fail(ErrorCode::invalid,
                fmt::format("{} would lie inside the data folder and be lost with it; name a "
                            "place outside, best on another disk",
                            to.string()));
  VALETKEY_CHECK(make_private(to));
  VALETKEY_CHECK(copy_events(context.data_dir / "events", to / "events"));
  VALETKEY_TRY(const auto summary, upkeep::backup_objects(*objects, to));
  VALETKEY_CHECK(engines.databases().back_up_file(to / "control.db"));
  VALETKEY_CHECK(copy_files_durably(context.data_dir / "audit", to / "audit"));
  VALETKEY_CHECK(copy_config(context.data_dir, to));
  VALETKEY_CHECK(copy_durably(context.data_dir / kKeyringId, to / kKeyringId));
  VALETKEY_CHECK(write_manifest(context, to, objects->bucket()));
  VALETKEY_CHECK(context.record("backup", std::nullopt, destination));
  if (!context.json)
    context.err << fmt::format(
        "The keyring is not in it. Keep a copy of {} elsewhere: without it the backup is "
        "unreadable, "
        "and with it beside the backup anyone can read it.\n",
        context.keyring().string());
  return print_summary(
      context, destination, summary,
      fmt::format("{} ({}) backed up to {}.", terminal::count_text(summary.objects, "object"),
                  terminal::size_text(summary.bytes), destination));
}

Result<int> restore(CommandContext& context, const std::string& source) {
  const fs::path from = source;
  VALETKEY_CHECK(context.check_keyring_place());
  VALETKEY_CHECK(read_manifest(from));
  VALETKEY_CHECK(begin_restore(context.data_dir));
  VALETKEY_CHECK(restore_keyring_id(context, from));
  VALETKEY_TRY(const auto summary, upkeep::restore_objects(from, context.data_dir));
  VALETKEY_CHECK(copy_events(from / "events", context.data_dir / "events"));
  VALETKEY_CHECK(copy_files_durably(from / "audit", context.data_dir / "audit"));
  VALETKEY_CHECK(copy_config(from, context.data_dir));
  std::error_code error;
  VALETKEY_CHECK(copy_durably(from / "control.db", context.data_dir / "control.db"));
  VALETKEY_CHECK(end_restore(context.data_dir));
  VALETKEY_CHECK(context.record("restore", std::nullopt, source));
  if (!context.json)
    context.err << (fs::exists(context.keyring(), error)
                        ? fmt::format("Next: valetkeyd check --data-dir {}\n",
                                      context.data_dir.string())
                        : fmt::format("Put the keyring of that time at {} (mode 0600), then: "
                                      "valetkeyd check --data-dir {}\n",
                                      context.keyring().string(), context.data_dir.string()));
  return print_summary(
      context, context.data_dir.string(), summary,
      fmt::format("{} ({}) restored into {}.", terminal::count_text(summary.objects, "object"),
                  terminal::size_text(summary.bytes), context.data_dir.string()));
}

}  // namespace valetkey::admin
