// SPDX-License-Identifier: Apache-2.0
#include "control/internal/sql_tables.h"

namespace valetkey::control {
namespace {

std::unexpected<Error> no_invitation() {
  return fail(ErrorCode::not_found, "the invitation is unknown, was used, or has expired");
}

}  // namespace

Result<std::string> select_password(Database& database, const UserId& id) {
  VALETKEY_CHECK(select_user(database, id));
  VALETKEY_TRY(Statement find, database.prepare("SELECT password FROM users WHERE id = ?"));
  VALETKEY_CHECK(find.bind(id.str()).step());
  return find.optional_text(0).value_or("");
}

Result<void> update_password(Database& database, const UserId& id, std::string_view hash) {
  VALETKEY_CHECK(select_user(database, id));
  VALETKEY_TRY(Statement update, database.prepare("UPDATE users SET password = ? WHERE id = ?"));
  return update.bind(hash, id.str()).run();
}

Result<void> upsert_invitation(Database& database, const UserId& id, std::string_view sha256,
                               Timestamp expires) {
  VALETKEY_TRY(const User user, select_user(database, id));
  if (user.state != UserState::active)
    return fail(ErrorCode::denied, "user " + user.email + " is disabled");
  VALETKEY_TRY(Statement insert,
               database.prepare("INSERT INTO invitations (\"user\", sha256, expires_ms)"
                                " VALUES (?, ?, ?) ON CONFLICT (\"user\") DO UPDATE SET"
                                " sha256 = excluded.sha256, expires_ms = excluded.expires_ms"));
  return insert.bind(id.str(), Blob{sha256}, epoch_ms(expires)).run();
}

Result<Invitation> select_invitation(Database& database, std::string_view sha256, Timestamp now) {
  VALETKEY_TRY(Statement find,
               database.prepare("SELECT invitations.user, expires_ms FROM invitations"
                                " WHERE sha256 = ? AND expires_ms > ?"));
  VALETKEY_TRY(const bool found, find.bind(Blob{sha256}, epoch_ms(now)).step());
  if (!found) return no_invitation();
  VALETKEY_TRY(const UserId id, as_stored(UserId::parse(find.text(0))));
  VALETKEY_TRY(User user, select_user(database, id));
  if (user.state != UserState::active) return no_invitation();
  return Invitation{std::move(user), from_epoch_ms(find.integer(1))};
}

Result<User> use_invitation(Database& database, std::string_view sha256, std::string_view hash,
                            Timestamp now) {
  VALETKEY_TRY(Invitation invitation, select_invitation(database, sha256, now));
  User& user = invitation.user;
  VALETKEY_CHECK(update_password(database, user.id, hash));
  VALETKEY_CHECK(delete_invitation(database, user.id));
  VALETKEY_CHECK(revoke_sessions(database, user.id, {}, now));
  user.has_password = true;
  return std::move(user);
}

Result<void> delete_invitation(Database& database, const UserId& id) {
  VALETKEY_TRY(Statement remove,
               database.prepare("DELETE FROM invitations WHERE invitations.user = ?"));
  return remove.bind(id.str()).run();
}

}  // namespace valetkey::control
