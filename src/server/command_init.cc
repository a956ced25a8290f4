// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "control/sqlite_store.h"
#include "server/commands.h"
#include "server/data_folder.h"
#include "server/keyring_binding.h"
#include "storage/disk_store.h"

namespace valetkey::server {
namespace {

namespace fs = std::filesystem;

Result<void> need_no_keyring(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) return {};
  return fail(ErrorCode::already_exists,
              fmt::format("the keyring {} exists already and may open other data; move it away or "
                          "name another with --keyring",
                          file.string()));
}

Result<void> make_databases(Session& session, const std::string& bucket) {
  // control.db last: its presence says that the folder is complete.
  VALETKEY_TRY(const auto keys, FileKeySource::open(session.keyring()));
  VALETKEY_TRY(const auto objects,
               storage::open_disk_store({.folder = session.data_dir, .bucket = bucket}, *keys,
                                        session.clock));
  VALETKEY_TRY(const auto store, control::open_sqlite_store(session.data_dir / "control.db"));
  VALETKEY_CHECK(bind_keyring(session, *keys->get()));
  return session.record("init", std::nullopt, session.data_dir.string());
}

bool is_made(const Session& session) {
  std::error_code ignored;
  return fs::exists(session.data_dir / "control.db", ignored) &&
         fs::exists(session.keyring(), ignored);
}

void say_next(const Session& session, const std::string& bucket) {
  const std::string dir = session.data_dir.string();
  if (session.json) {
    session.print(boost::json::object{
        {"data_dir", dir}, {"keyring", session.keyring().string()}, {"bucket", bucket}});
    return;
  }
  session.out << fmt::format("Made the data folder {} for bucket {} and the keyring {}.\n", dir,
                             bucket, session.keyring().string());
  session.err << fmt::format(
      "Back up the keyring apart from the data: without it nothing stored can be read.\n"
      "Next:\n"
      "  valetkeyd account create 12345 --name Acme --data-dir {0}\n"
      "  valetkeyd user create ada@example.org --account 12345 --role admin --data-dir {0}\n"
      "  valetkeyd token create --account 12345 --user ada@example.org --name laptop --data-dir "
      "{0}\n"
      "  valetkeyd import EXPORT_FOLDER --data-dir {0}\n"
      "  valetkeyd serve --data-dir {0}\n",
      dir);
}

}  // namespace

Result<int> init(Session& session, const std::string& wanted_bucket, bool if_missing) {
  VALETKEY_CHECK(session.check_keyring_place());
  if (if_missing && is_made(session)) return 0;
  VALETKEY_CHECK(need_empty(session.data_dir));
  VALETKEY_CHECK(need_no_keyring(session.keyring()));
  VALETKEY_TRY(auto config, session.load_config());
  if (!wanted_bucket.empty()) config.s3.bucket = wanted_bucket;
  VALETKEY_CHECK(check_config(config));
  VALETKEY_CHECK(make_private(session.data_dir));
  VALETKEY_CHECK(write_keyring(session.keyring(), Keyring::make(session.clock.now()), false));
  const auto made = make_databases(session, config.s3.bucket);
  if (!made) {  // what did not come to be leaves no keyring that would stop the next attempt
    std::error_code ignored;
    fs::remove(session.keyring(), ignored);
    return std::unexpected(made.error());
  }
  say_next(session, config.s3.bucket);
  return 0;
}

Result<int> print_config(Session& session, bool markdown) {
  session.out << (markdown ? markdown_config() : example_config());
  return 0;
}

}  // namespace valetkey::server
