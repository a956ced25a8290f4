// SPDX-License-Identifier: Apache-2.0
// `valetkeyd control copy`: the accounts and the export's ledger of a data folder into PostgreSQL.
#include <fmt/format.h>

#include <boost/json/value.hpp>

#include "admin/engines.h"
#include "admin/internal/commands.h"
#include "base/file.h"

namespace valetkey::admin {
namespace {

namespace fs = std::filesystem;

Result<void> check_wanted(const CommandContext& context, const Engines& engines) {
  if (!engines.databases().shared())
    return fail(ErrorCode::invalid,
                "the copy goes to the database that the configuration names: set [control] kind = "
                "\"postgresql\" and url first");
  std::error_code unknown;
  if (fs::exists(context.data_dir / "control.db", unknown)) return {};
  return fail(ErrorCode::not_found, fmt::format("{} has no control.db: there is nothing to copy",
                                                context.data_dir.string()));
}

Result<CopiedDatabases> copy_all(const CommandContext& context, const KeySource& keys,
                                 const Databases& databases) {
  VALETKEY_CHECK(databases.make_tables());
  VALETKEY_CHECK(share_keyring(databases, context.keyring(), *keys.get()));
  VALETKEY_CHECK(databases.open_ledger());  // the log is this folder's
  return databases.copy_files();
}

// So that nobody writes into it any more; it stays for the way back.
Result<void> put_away(const fs::path& data_dir) {
  std::error_code error;
  fs::rename(data_dir / "control.db", data_dir / "control.db.copied", error);
  if (error)
    return fail(ErrorCode::io, fmt::format("everything is copied, but control.db cannot be renamed "
                                           "({}): move it away yourself",
                                           error.message()));
  return sync_folder(data_dir);
}

}  // namespace

Result<int> control_copy(CommandContext& context) {
  VALETKEY_TRY(const Engines engines, context.engines());
  VALETKEY_CHECK(check_wanted(context, engines));
  CopiedDatabases done;
  {
    // Held, so that no server takes events or exports meanwhile.
    VALETKEY_TRY(const auto keys, context.open_keys());
    VALETKEY_TRY(const auto ledger, engines.databases().open_own_ledger());
    const auto log = engines.open_log(*ledger, *keys);
    if (!log && log.error().code == ErrorCode::busy)
      return fail(ErrorCode::busy, fmt::format("a server runs on {}: stop it, and copy then",
                                               context.data_dir.string()));
    if (!log) return std::unexpected(log.error());
    VALETKEY_TRY(done, copy_all(context, *keys, engines.databases()));
    VALETKEY_CHECK(put_away(context.data_dir));
  }
  VALETKEY_CHECK(context.record("control.copy", std::nullopt, context.data_dir.string()));
  if (context.json) {
    boost::json::object rows;
    for (const auto& [table, count] : done.control) rows[table] = count;
    context.print({{"rows", rows}, {"ledger_rows", done.ledger_rows}});
    return 0;
  }
  for (const auto& [table, count] : done.control)
    context.out << fmt::format("{:<14} {:>8}\n", table, count);
  context.out << fmt::format("{:<14} {:>8}\n", "export ledger", done.ledger_rows);
  context.out << fmt::format(
      "Copied and compared, row by row. control.db is control.db.copied now; "
      "remove it when nobody wants to go back.\n");
  return 0;
}

}  // namespace valetkey::admin
