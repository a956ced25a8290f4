// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import type { Export, ExportDay } from "../src/api/types.ts";
import {
  axis,
  calendar,
  cellsBetween,
  firstSentence,
  lastShown,
  levelOf,
  measure,
  missingDays,
  uncountedDays,
  weekStart,
} from "../src/text/days.ts";

const now = new Date("2026-11-29T12:00:00Z");

function day(name: string, rows: number | null, complete = true): ExportDay {
  return { day: name, type: "decisions", rows, bytes: 1000, parts: 1, complete };
}

function exported(state: "complete" | "open" | "no_data", days: ExportDay[]): Export {
  return {
    today: "2026-11-29",
    complete_through: "2026-11-27",
    last_export: "2026-11-29T11:56:00Z",
    next_export: "2026-11-29T12:11:00Z",
    first_day: days[0]?.day ?? null,
    retention_days: null,
    yesterday: { day: "2026-11-28", state },
    days,
  };
}

describe("the first sentence", () => {
  const days = [day("2026-11-28", 5)];
  test("says that yesterday is complete", () => {
    expect(firstSentence(exported("complete", days), now)).toBe(
      "Yesterday, Saturday 28 November, is complete. The last export of today’s events was 4 minutes ago.",
    );
  });
  test("says what is missing, and when it comes", () => {
    expect(firstSentence(exported("open", days), now)).toBe(
      "Yesterday, Saturday 28 November, is not complete yet." +
        " Days are complete through 27 November. The next export is in 11 minutes.",
    );
  });
  test("tells a day without data from one that is late", () => {
    expect(firstSentence(exported("no_data", days), now)).toContain("is closed and had no data");
  });
  test("says that there is nothing yet", () => {
    expect(firstSentence(exported("no_data", []), now)).toBe("There is no data yet.");
  });
});

describe("days that nobody added up", () => {
  const unknown = { ...day("2026-11-26", null), bytes: null, parts: null, complete: null };
  const data = exported("complete", [unknown, day("2026-11-27", null)]);
  test("are there, without a size, and not open", () => {
    const [before, cell, next] = cellsBetween(data, "decisions", "2026-11-25", "2026-11-27");
    expect(before).toMatchObject({ state: "before", has: false });
    expect(cell).toMatchObject({ state: "full", has: true, bytes: null, level: 0 });
    expect(next).toMatchObject({ state: "full", has: true, bytes: 1000, level: 4 });
    expect(uncountedDays(data.days)).toBe(1);
    expect(missingDays(data, "decisions")).toEqual(["2026-11-28"]);
  });
});

describe("what somebody else writes", () => {
  test("is not called closed", () => {
    const data = exported("no_data", [day("2026-11-20", null)]);
    expect(firstSentence({ ...data, last_export: null, complete_through: null }, now)).toBe(
      "Yesterday, Saturday 28 November, has no data.",
    );
  });
});

describe("the calendar", () => {
  const data = exported("complete", [
    day("2026-11-25", 10),
    day("2026-11-27", 100),
    day("2026-11-29", 40, false),
  ]);
  test("has whole weeks that begin on Monday and end with today's", () => {
    const cells = calendar(data, "decisions", 2);
    expect(cells).toHaveLength(14);
    expect(cells[0]!.day).toBe("2026-11-16");
    expect(cells[13]!.day).toBe("2026-11-29");
    expect(weekStart("2026-11-29")).toBe("2026-11-23");
    expect(weekStart("2026-11-23")).toBe("2026-11-23");
  });
  test("tells no data, an open day, and what was before the first", () => {
    const states = Object.fromEntries(
      cellsBetween(data, "decisions", "2026-11-24", "2026-11-30").map((cell) => [
        cell.day,
        cell.state,
      ]),
    );
    expect(states).toEqual({
      "2026-11-24": "before",
      "2026-11-25": "full",
      "2026-11-26": "none",
      "2026-11-27": "full",
      "2026-11-28": "none",
      "2026-11-29": "open",
      "2026-11-30": "future",
    });
    expect(missingDays(data, "decisions")).toEqual(["2026-11-26", "2026-11-28"]);
  });
  test("ends with the last day that has data where that is long ago", () => {
    const old = { ...data, today: "2027-11-29" };
    expect(calendar(old, "decisions", 2)[13]!.day).toBe("2026-11-29");
    expect(lastShown(old, "decisions", 30)).toBe("2026-11-29");
    expect(lastShown(data, "decisions", 30)).toBe("2026-11-29");
  });
  test("measures bytes where a part was never counted", () => {
    expect(measure(data.days)).toBe("rows");
    expect(measure([day("2026-11-25", null)])).toBe("bytes");
  });
});

test("a level is a quarter of the greatest, and something is never nothing", () => {
  expect([0, 1, 25, 26, 100].map((size) => levelOf(size, 100))).toEqual([0, 1, 1, 2, 4]);
});

test("an axis ends at a round figure at or above the greatest", () => {
  expect(axis(381_000)).toEqual({ top: 400_000, step: 100_000 });
  expect(axis(3)).toEqual({ top: 3, step: 1 });
  expect(axis(0)).toEqual({ top: 1, step: 1 });
  for (const most of [1, 7, 99, 1001, 33_333, 9_999_999])
    expect(axis(most).top).toBeGreaterThanOrEqual(most);
});
