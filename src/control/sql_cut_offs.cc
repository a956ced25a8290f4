// SPDX-License-Identifier: Apache-2.0
#include "control/internal/sql_tables.h"

namespace valetkey::control {

Result<CutOffs> select_cut_offs(Database& database, std::string_view role) {
  VALETKEY_TRY(Statement row,
               database.prepare("SELECT version, policy FROM cut_offs WHERE role = ?"));
  VALETKEY_TRY(const bool there, row.bind(role).step());
  if (!there) return CutOffs{};
  return CutOffs{row.integer(0), std::string(row.text(1))};
}

Result<bool> upsert_cut_offs(Database& database, std::string_view role, std::int64_t version,
                             std::string_view policy) {
  VALETKEY_TRY(const CutOffs there, select_cut_offs(database, role));
  if (there.version != version) return false;
  VALETKEY_TRY(Statement write,
               database.prepare("INSERT INTO cut_offs (role, version, policy) VALUES (?, ?, ?)"
                                " ON CONFLICT (role) DO UPDATE SET version = excluded.version,"
                                " policy = excluded.policy"));
  VALETKEY_CHECK(write.bind(role, version + 1, policy).run());
  return true;
}

}  // namespace valetkey::control
