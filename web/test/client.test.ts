// SPDX-License-Identifier: Apache-2.0
import { afterEach, expect, test, vi } from "vitest";
import { get, onExpiredSession, post, Problem, withQuery } from "../src/api/client.ts";

type Sent = { path: string; init: RequestInit };
const sent: Sent[] = [];

function answers(...list: (Response | Error)[]) {
  sent.length = 0;
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    sent.push({ path, init });
    const answer = list.shift();
    if (!answer || answer instanceof Error) throw answer ?? new Error("nothing more was expected");
    return answer;
  });
}
const json = (status: number, body: unknown, headers = {}) =>
  new Response(JSON.stringify(body), { status, headers });

afterEach(() => {
  onExpiredSession(null);
  vi.unstubAllGlobals();
});

test("what changes something carries the header that other sites cannot set", async () => {
  answers(json(200, { id: 1 }), json(200, {}));
  expect(await post("/tokens", { name: "x" })).toEqual({ id: 1 });
  await get("/tokens");
  expect(sent[0]!.path).toBe("/v2/console/tokens");
  expect(sent[0]!.init.headers).toMatchObject({
    "X-Valetkey-Console": "1",
    "Content-Type": "application/json",
  });
  expect(sent[1]!.init.headers).not.toHaveProperty("X-Valetkey-Console");
});

test("an expired session is renewed in place, and the request sent again with all that was typed", async () => {
  answers(json(401, {}), json(201, { made: true }));
  const ask = vi.fn(async () => {});
  onExpiredSession(ask);
  expect(await post("/tokens", { name: "typed" })).toEqual({ made: true });
  expect(ask).toHaveBeenCalledOnce();
  expect(sent[1]!.init.body).toBe('{"name":"typed"}');
});

test("a wrong password at sign-in is no expired session", async () => {
  answers(
    json(401, {
      code: "unauthenticated",
      message: "The address or the password is wrong.",
      uuid: "",
    }),
  );
  const ask = vi.fn(async () => {});
  onExpiredSession(ask);
  await expect(post("/session", {}, { open: true })).rejects.toThrow(
    "The address or the password is wrong.",
  );
  expect(ask).not.toHaveBeenCalled();
});

test("a problem names its field, and how long to wait", async () => {
  answers(
    json(
      429,
      { code: "rate_limited", message: "Too often.", field: "email" },
      { "Retry-After": "30" },
    ),
  );
  const problem = await post("/people").catch((error: unknown) => error);
  expect(problem).toMatchObject({
    status: 429,
    field: "email",
    retryAfter: 30,
    message: "Too often.",
  });
});

test("no network, and an answer that is not ours, are said in words", async () => {
  answers(new TypeError("Failed to fetch"), new Response("<html>", { status: 502 }));
  const offline = await get("/tokens").catch((error: unknown) => error as Problem);
  expect((offline as Problem).message).toContain("cannot be reached");
  await expect(get("/tokens")).rejects.toThrow(
    "The server answered 502, without a reason. Try again.",
  );
});

test("empty parameters are left out", () => {
  expect(withQuery("/a", { x: "1 2", y: "", z: null })).toBe("/a?x=1+2");
});
