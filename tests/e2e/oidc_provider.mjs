// SPDX-License-Identifier: Apache-2.0
// oidc_provider.mjs PORT REDIRECT_URI: a real identity provider on loopback, for one client. Anybody may sign in under any
// address; the provider vouches for it unless it begins with "unverified".
import Provider from "oidc-provider";

const [port, redirect] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [{ client_id: "console", client_secret: "a-client-secret-of-the-tests-000", redirect_uris: [redirect],
    grant_types: ["authorization_code"], response_types: ["code"] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  cookies: { keys: ["of the tests"] },
  findAccount: (_, id) => ({ accountId: id,
    claims: () => ({ sub: id, email: id, email_verified: !id.startsWith("unverified") }) }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
