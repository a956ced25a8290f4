// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "admin/engines.h"
#include "admin/internal/commands.h"
#include "admin/internal/data_folder.h"
#include "admin/internal/keyring_binding.h"

namespace valetkey::admin {
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

Result<void> make_databases(CommandContext& context, const Engines& engines) {
  // control.db last, or node.id: its presence says that the folder is complete.
  const Databases& databases = engines.databases();
  VALETKEY_TRY(const auto keys, FileKeySource::open(context.keyring()));
  VALETKEY_CHECK(engines.make_folder(*keys));
  VALETKEY_CHECK(share_keyring(databases, context.keyring(), *keys->get()));
  if (engines.config().intake.enabled || !databases.shared()) {
    VALETKEY_TRY(const auto ledger, databases.open_ledger());
    VALETKEY_CHECK(ledger->set_timestamps(layout::TimestampUnit::microseconds));
  }
  VALETKEY_TRY(const auto store, databases.open_control(true));
  if (databases.shared()) VALETKEY_CHECK(node_id(context.data_dir));
  VALETKEY_CHECK(bind_keyring(context, *keys->get()));
  return context.record("init", std::nullopt, context.data_dir.string());
}

bool is_made(const CommandContext& context) {
  std::error_code ignored;
  return (fs::exists(context.data_dir / "control.db", ignored) ||
          fs::exists(context.data_dir / kNodeId, ignored)) &&
         fs::exists(context.keyring(), ignored);
}

void say_next(const CommandContext& context, const std::string& bucket) {
  const std::string dir = context.data_dir.string();
  if (context.json) {
    context.print(boost::json::object{
        {"data_dir", dir}, {"keyring", context.keyring().string()}, {"bucket", bucket}});
    return;
  }
  context.out << fmt::format("Made the data folder {} for bucket {} and the keyring {}.\n", dir,
                             bucket, context.keyring().string());
  context.err << fmt::format(
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

Result<int> init(CommandContext& context, const std::string& wanted_bucket, bool if_missing) {
  VALETKEY_CHECK(context.check_keyring_place());
  if (if_missing && is_made(context)) return 0;
  VALETKEY_CHECK(need_empty(context.data_dir));
  VALETKEY_TRY(auto config, context.load_config());
  if (!wanted_bucket.empty()) config.s3.bucket = wanted_bucket;
  const Engines engines(config, context.env, context.data_dir, context.clock);
  // A further node of a database brings the keyring of the others.
  std::error_code ignored;
  const bool joins = engines.databases().shared() && fs::exists(context.keyring(), ignored);
  if (!joins) VALETKEY_CHECK(need_no_keyring(context.keyring()));
  VALETKEY_CHECK(config::check_config(config));
  VALETKEY_CHECK(check_databases(config));
  VALETKEY_CHECK(make_private(context.data_dir));
  if (!joins)
    VALETKEY_CHECK(write_keyring(context.keyring(), Keyring::make(context.clock.now()), false));
  const auto made = make_databases(context, engines);
  if (!made) {  // what did not come to be leaves no keyring that would stop the next attempt
    if (!joins) fs::remove(context.keyring(), ignored);
    return std::unexpected(made.error());
  }
  say_next(context, config.s3.bucket);
  return 0;
}

Result<int> print_config(CommandContext& context, bool markdown) {
  context.out << (markdown ? config::markdown_config() : config::example_config());
  return 0;
}

}  // namespace valetkey::admin
