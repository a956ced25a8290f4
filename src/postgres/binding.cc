// SPDX-License-Identifier: Apache-2.0
#include "postgres/binding.h"

namespace valetkey::postgres {

namespace {

Result<void> make_table(Server& server) {
  return migrate(server, "bindings",
                 {Migration{"CREATE TABLE bindings (name TEXT PRIMARY KEY, value TEXT NOT NULL)"}});
}

}  // namespace

Result<std::string> bound_to(Server& server, std::string_view name, std::string_view otherwise) {
  VALETKEY_CHECK(make_table(server));
  VALETKEY_TRY(const auto database, server.connect());
  VALETKEY_TRY(auto read, database->prepare("SELECT value FROM bindings WHERE name = ?"));
  VALETKEY_TRY(const bool there, read.bind(name).step());
  return std::string(there ? read.text(0) : otherwise);
}

Result<std::string> bind_once(Server& server, std::string_view name, std::string_view value) {
  VALETKEY_CHECK(make_table(server));
  VALETKEY_TRY(const auto database, server.connect());
  return sql::write(*database, [&]() -> Result<std::string> {
    VALETKEY_TRY(auto note, database->prepare("INSERT INTO bindings VALUES (?, ?)"
                                              " ON CONFLICT (name) DO NOTHING"));
    VALETKEY_CHECK(note.bind(name, value).run());
    VALETKEY_TRY(auto read, database->prepare("SELECT value FROM bindings WHERE name = ?"));
    VALETKEY_TRY(const bool there, read.bind(name).step());
    if (!there) return fail(ErrorCode::internal, "a binding of the database is missing");
    return std::string(read.text(0));
  });
}

Result<void> bind_again(Server& server, std::string_view name, std::string_view former,
                        std::string_view value) {
  VALETKEY_TRY(const auto database, server.connect());
  return sql::write(*database, [&]() -> Result<void> {
    VALETKEY_TRY(auto note,
                 database->prepare("UPDATE bindings SET value = ? WHERE name = ? AND value = ?"));
    return note.bind(value, name, former).run();
  });
}

}  // namespace valetkey::postgres
