// SPDX-License-Identifier: Apache-2.0
// The audit log's actions in words. One that is not known here shows as it is.
const kWords: Record<string, string> = {
  "account.create": "Account created",
  "account.delete": "Account deleted",
  "account.erase-visitor": "Visitor erased",
  "account.purge": "Account purged",
  "account.rename": "Account renamed",
  "account.resume": "Account resumed",
  "account.set": "Account changed",
  "account.suspend": "Account suspended",
  "credentials.issue": "Token exchanged",
  "keys.rewrap": "Keys rewrapped",
  "keys.rotate": "Key rotated",
  refused: "Refused",
  "session.create": "Signed in",
  "session.end": "Signed out",
  "session.end-all": "Signed out everywhere",
  "token.create": "Token generated",
  "token.replace": "Token replaced",
  "token.revoke": "Token revoked",
  "user.create": "Person added",
  "user.disable": "Person disabled",
  "user.enable": "Person enabled",
  "user.invite": "Person invited",
  "user.role.admin": "Made an admin",
  "user.role.member": "Made a member",
  "user.set-password": "Password set",
};

export function actionWords(action: string): string {
  return kWords[action] ?? action;
}
