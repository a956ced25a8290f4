// SPDX-License-Identifier: Apache-2.0
// An identity provider on loopback of which one word is forged. usage: forging_provider.mjs PORT CLIENT_ID REDIRECT_URI WRONG
// WRONG: state, issuer, token-issuer, audience, nonce, expired, unverified, algorithm-none, algorithm-hs256, foreign-key,
// or nothing.
import { createServer } from "node:http";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";

const [port, clientId, redirectUri, wrong] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
const key = { ...(await exportJWK(publicKey)), kid: "first", alg: "ES256", use: "sig" };

// What the person's browser is sent back with, and what the code buys.
const asked = new Map();
createServer(async (request, answer) => {
  const url = new URL(request.url, issuer);
  const json = (body) => answer.setHeader("Content-Type", "application/json").end(JSON.stringify(body));
  if (url.pathname === "/.well-known/openid-configuration")
    return json({ issuer: wrong === "issuer" ? "https://accounts.example" : issuer, authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks`, response_types_supported: ["code"],
      subject_types_supported: ["public"], id_token_signing_alg_values_supported: ["ES256"],
      code_challenge_methods_supported: ["S256"] });
  if (url.pathname === "/jwks") return json({ keys: [key] });
  if (url.pathname === "/auth") {
    const code = `code-${asked.size}`;
    asked.set(code, url.searchParams);
    const state = wrong === "state" ? "forged" : url.searchParams.get("state");
    const back = new URLSearchParams({ code, state });
    return answer.writeHead(302, { Location: `${redirectUri}?${back}` }).end();
  }
  if (url.pathname !== "/token") return answer.writeHead(404).end();
  let body = "";
  for await (const chunk of request) body += chunk;
  const asking = asked.get(new URLSearchParams(body).get("code"));
  return json({ access_token: "unused", token_type: "Bearer", expires_in: 600, id_token: await token(asking.get("nonce")) });
}).listen(Number(port), "127.0.0.1", () => console.log("ready"));

async function token(nonce) {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: wrong === "token-issuer" ? "https://accounts.example" : issuer, sub: "ann", email: "ann@example.com",
    email_verified: wrong !== "unverified", aud: wrong === "audience" ? "another" : clientId, iat: now,
    exp: wrong === "expired" ? now - 600 : now + 600, nonce: wrong === "nonce" ? "forged" : nonce };
  if (wrong === "algorithm-none") return new UnsecuredJWT(claims).encode();
  if (wrong === "algorithm-hs256")
    return new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "first" }).sign(new TextEncoder().encode(JSON.stringify(key)));
  const signer = wrong === "foreign-key" ? (await generateKeyPair("ES256")).privateKey : privateKey;
  return new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "first" }).sign(signer);
}
