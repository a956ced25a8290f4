// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import {
  ago,
  bytes,
  count,
  duration,
  eventsSoFar,
  inSentence,
  longDay,
  moment,
  on,
  pieces,
  plural,
  several,
  short,
  tiny,
  until,
} from "../src/text/format.ts";

const now = new Date("2026-11-29T12:00:00Z");
const before = (seconds: number) => new Date(now.getTime() - seconds * 1000).toISOString();

describe("a long name", () => {
  test("goes on in the next line where it is divided", () => {
    expect(pieces("ann.b@dep.example.com")).toEqual(["ann", ".b@", "dep", ".example", ".com"]);
    expect(pieces("only type=decisions/")).toEqual(["only type=", "decisions/"]);
    for (const text of ["", "x", "..", "@@a", "שלום.עולם", "10.0.0.0/8"])
      expect(pieces(text).join("")).toBe(text);
  });
});

describe("figures", () => {
  test("are grouped, and shortened from a million on", () => {
    expect(count(1234567)).toBe("1,234,567");
    expect(short(999_999)).toBe("999,999");
    expect(short(34_100_000)).toBe("34.1 million");
    expect(tiny(400_000)).toBe("400 k");
    expect(plural(1, "row")).toBe("1 row");
    expect(plural(2000, "row")).toBe("2,000 rows");
  });
  test("of events say since when they come", () => {
    expect(eventsSoFar("2026-11-29", 1, "2026-11-29")).toBe("1 event today");
    expect(eventsSoFar("2026-09-28", 0, "2026-11-29")).toBe("since 28 September; none today");
    expect(eventsSoFar("2025-09-28", 1200, "2026-11-29")).toBe(
      "since 28 September 2025; 1,200 today",
    );
  });
  test("of bytes have decimal units", () => {
    expect(bytes(1)).toBe("1 byte");
    expect(bytes(999)).toBe("999 bytes");
    expect(bytes(1000)).toBe("1 kB");
    expect(bytes(2_090_000_000)).toBe("2.09 GB");
  });
  test("of time use the greatest unit that fits twice", () => {
    expect(duration(90 * 86400)).toBe("90 days");
    expect(duration(86400)).toBe("1 day");
    expect(duration(36 * 3600)).toBe("36 hours");
    expect(duration(90)).toBe("90 seconds");
  });
});

describe("moments", () => {
  test("of the last hour count up", () => {
    expect(ago(before(2), now)).toBe("just now");
    expect(ago(before(12), now)).toBe("12 s ago");
    expect(ago(before(240), now)).toBe("4 minutes ago");
  });
  test("to come count down", () => {
    expect(until(before(-30), now)).toBe("in 30 s");
    expect(until(before(-600), now)).toBe("in 10 minutes");
    expect(until(before(1), now)).toBe("now");
  });
  test("stand in sentences", () => {
    expect(inSentence(before(86400), now)).toMatch(/^yesterday, /);
    expect(on("2026-09-03T10:00:00Z", now)).toMatch(/^on 3 Sept? 2026$/);
    expect(on(before(-86400), now)).toMatch(/^tomorrow, /);
  });
  test("name yesterday", () => {
    expect(moment(before(86400), now)).toMatch(/^Yesterday, \d\d:\d\d$/);
    expect(moment("2026-09-03T10:00:00Z", now)).toMatch(/^3 Sept? 2026$/);
  });
});

test("a day names its year only where it is another one", () => {
  expect(longDay("2026-11-27", "2026-11-29")).toBe("Friday 27 November");
  expect(longDay("2025-11-27", "2026-11-29")).toBe("Thursday 27 November 2025");
});

test("a long list of names ends with how many are left", () => {
  expect(several(["a"])).toBe("a");
  expect(several(["a", "b", "c"])).toBe("a, b and c");
  expect(several(["a", "b", "c", "d", "e"])).toBe("a, b and 3 more");
});
