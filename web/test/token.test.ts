// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import type { Token } from "../src/api/types.ts";
import { emailProblem, nameProblem, passwordProblem } from "../src/text/check.ts";
import {
  dateProblem,
  inOrder,
  lifetimeRequest,
  limitsOf,
  limitsRequest,
  prefixesProblem,
  shownState,
  sourcesProblem,
  timeLeft,
} from "../src/text/token.ts";

const now = new Date("2026-11-29T12:00:00Z");
function token(more: Partial<Token>): Token {
  return {
    id: "tok_1",
    name: "job",
    user: "ann@example.com",
    scopes: ["export"],
    prefixes: [],
    sources: [],
    state: "active",
    created: "2026-11-01T00:00:00Z",
    expires: null,
    revoked: null,
    parent: null,
    last_used: null,
    last_used_from: null,
    ...more,
  };
}

describe("a token", () => {
  test("expires soon in its last week", () => {
    expect(shownState(token({}), now).word).toBe("Active");
    expect(shownState(token({ expires: "2026-12-03T12:00:00Z" }), now)).toEqual({
      look: "soon",
      word: "Expires soon",
    });
    expect(shownState(token({ expires: "2026-12-07T12:00:00Z" }), now).word).toBe("Active");
    expect(timeLeft(token({ expires: "2026-12-03T12:00:00Z" }), now)).toBe("4 days left");
  });
  test("that is over says how", () => {
    expect(shownState(token({ state: "revoked" }), now).word).toBe("Revoked");
    expect(shownState(token({ state: "expired" }), now).word).toBe("Expired");
    expect(shownState(token({ state: "disabled" }), now).word).toBe("Owner disabled");
    expect(timeLeft(token({ state: "expired", expires: "2026-12-03T12:00:00Z" }), now)).toBe("");
  });
  test("that counts stands before those that ended, the newest first", () => {
    const list = [
      token({ id: "a", state: "revoked", created: "2026-11-20T00:00:00Z" }),
      token({ id: "b" }),
      token({ id: "c", created: "2026-11-09T00:00:00Z" }),
    ];
    expect(inOrder(list).map((one) => one.id)).toEqual(["c", "b", "a"]);
  });
  test("lives as long as was chosen, a date to its end", () => {
    expect(lifetimeRequest("90d", "")).toEqual({ expires_in: "90d" });
    expect(lifetimeRequest("never", "")).toEqual({});
    expect(new Date(lifetimeRequest("date", "2026-12-24").expires!).getTime()).toBe(
      new Date("2026-12-24T23:59:59").getTime(),
    );
    expect(dateProblem("date", "", now)).toContain("Choose");
    expect(dateProblem("date", "2026-11-01", now)).toContain("not over");
    expect(dateProblem("90d", "", now)).toBeNull();
  });
});

test("fields are checked in words", () => {
  expect(emailProblem(" ann@example.com ")).toEqual({});
  expect(emailProblem("ann").email).toContain("whole e-mail address");
  expect(passwordProblem("short", 12)).toBe("Use at least 12 characters: 7 more.");
  expect(passwordProblem("🔑".repeat(12), 12)).toBeNull();
  expect(nameProblem("   ")).toBe("Give it a name.");
  expect(nameProblem("x".repeat(101))).toContain("at most 100");
});

describe("the limits of a token", () => {
  const none = { reads: "all" as const, prefixes: "", sources: "" };
  test("are asked for where there are some", () => {
    expect(limitsRequest(none)).toEqual({});
    expect(
      limitsRequest({
        reads: "events",
        prefixes: " type=events/date=2026-11-29/ \n\n",
        sources: "10.0.0.0/8\n2001:db8::/32\n",
      }),
    ).toEqual({
      types: ["events"],
      prefixes: ["type=events/date=2026-11-29/"],
      sources: ["10.0.0.0/8", "2001:db8::/32"],
    });
  });
  test("say what is wrong with them", () => {
    expect(prefixesProblem(none)).toBeNull();
    expect(prefixesProblem({ ...none, prefixes: "type=events/" })).toBeNull();
    expect(prefixesProblem({ ...none, prefixes: "type=events" })).toContain("must end");
    expect(prefixesProblem({ ...none, prefixes: "v1/account_id=1/type=events/" })).toContain(
      "below the account",
    );
    expect(prefixesProblem({ ...none, reads: "decisions", prefixes: "type=events/" })).toContain(
      "outside of the decisions",
    );
    expect(sourcesProblem({ ...none, sources: "10.1.2.3\n::1\n10.0.0.0/8" })).toBeNull();
    for (const sources of ["office", "10.0.0.0/", "10", "a.example.org"])
      expect(sourcesProblem({ ...none, sources })).toContain(`“${sources}”`);
  });
  test("stand in the list", () => {
    expect(limitsOf(token({}))).toEqual([]);
    expect(limitsOf(token({ prefixes: ["type=events/"], sources: ["10.0.0.0/8"] }))).toEqual([
      "only type=events/",
      "only from 10.0.0.0/8",
    ]);
  });
});
