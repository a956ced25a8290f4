// SPDX-License-Identifier: Apache-2.0
// The audit log's actions in words. One that is not known here shows as it is.
const kWords: Record<string, string> = {
  "token.create": "Token generated",
  "token.revoke": "Token revoked",
  "token.replace": "Token replaced",
  "token.expire": "Token expired",
  "credentials.grant": "Credentials given out",
  "credentials.exchange": "Token exchanged",
  "exchange": "Token exchanged",
  "session.create": "Signed in",
  "session.refuse": "Sign-in refused",
  "session.end": "Signed out",
  "sign_in": "Signed in",
  "sign_out": "Signed out",
  "user.create": "Person added",
  "user.invite": "Person invited",
  "user.accept": "Invitation accepted",
  "user.disable": "Person disabled",
  "user.enable": "Person enabled",
  "user.set": "Person changed",
  "user.role": "Role changed",
  "user.password": "Password changed",
  "user.sign_out": "Person signed out",
  "account.create": "Account created",
  "account.set": "Account changed",
  "account.suspend": "Account suspended",
  "account.resume": "Account resumed",
};

export function actionWords(action: string): string {
  return kWords[action] ?? action;
}
