// SPDX-License-Identifier: Apache-2.0
// What the export page says and draws of its days. Pure: arithmetic on days, no dates of a machine.
import type { Day, Export, ExportDay, ExportType } from "../api/types.ts";
import { ago, dayNumber, dayOf, longDay, shortDay, until } from "./format.ts";

export type CellState = "before" | "none" | "open" | "full" | "future";

export interface Cell {
  day: Day;
  has: boolean; // something of the day is there
  rows: number | null; // null: uncounted, or no data
  bytes: number | null; // the same
  level: 0 | 1 | 2 | 3 | 4;
  state: CellState;
}

export function daysOf(data: Export, type: ExportType): ExportDay[] {
  return data.days.filter((one) => one.type === type);
}

// Rows, or bytes where some part was never counted.
export function measure(days: ExportDay[]): "rows" | "bytes" {
  return days.some((one) => one.rows === null) ? "bytes" : "rows";
}

export function sizeOf(
  day: { rows: number | null; bytes: number | null },
  by: "rows" | "bytes",
): number {
  return (by === "rows" ? day.rows : day.bytes) ?? 0;
}

// There, and not added up.
export function uncountedDays(days: ExportDay[]): number {
  return days.filter((one) => one.bytes === null).length;
}

// Five steps to the greatest, by quarters; nothing is 0.
export function levelOf(size: number, most: number): Cell["level"] {
  if (size <= 0 || most <= 0) return 0;
  return Math.min(4, Math.max(1, Math.ceil((size / most) * 4))) as Cell["level"];
}

// Every day from `first` to `last`, both included.
export function cellsBetween(data: Export, type: ExportType, first: Day, last: Day): Cell[] {
  const days = daysOf(data, type);
  const found = new Map(days.map((one) => [one.day, one]));
  const by = measure(days);
  const most = Math.max(0, ...days.map((one) => sizeOf(one, by)));
  const begin = data.first_day ?? data.today;
  const cells: Cell[] = [];
  for (let n = dayNumber(first); n <= dayNumber(last); ++n) {
    const day = dayOf(n);
    const one = found.get(day);
    const state: CellState =
      day > data.today
        ? "future"
        : one
          ? one.complete === false
            ? "open"
            : "full"
          : day < begin
            ? "before"
            : day === data.today
              ? "open"
              : "none";
    cells.push({
      day,
      state,
      has: one !== undefined && one.bytes !== 0,
      rows: one?.rows ?? null,
      bytes: one?.bytes ?? null,
      level: one ? levelOf(sizeOf(one, by), most) : 0,
    });
  }
  return cells;
}

// Monday of the week of `day`.
export function weekStart(day: Day): Day {
  const number = dayNumber(day);
  return dayOf(number - ((number + 3) % 7)); // 1970-01-01 was a Thursday
}

// The last day that charts of so many days show: today, or the last day that has data where that was
// before all of them.
export function lastShown(data: Export, type: ExportType, days: number): Day {
  const last = daysOf(data, type).at(-1)?.day ?? data.today;
  return dayNumber(data.today) - dayNumber(last) < days ? data.today : last;
}

// So many whole weeks, Monday first, that end with the week of the last day shown.
export function calendar(data: Export, type: ExportType, weeks: number): Cell[] {
  const monday = dayNumber(weekStart(lastShown(data, type, 7 * weeks))) - 7 * (weeks - 1);
  return cellsBetween(data, type, dayOf(monday), dayOf(monday + 7 * weeks - 1));
}

// Days between the first and yesterday of which the type has nothing.
export function missingDays(data: Export, type: ExportType): Day[] {
  const days = daysOf(data, type);
  const first = days[0]?.day;
  if (!first) return [];
  return cellsBetween(data, type, first, dayOf(dayNumber(data.today) - 1))
    .filter((cell) => cell.state === "none")
    .map((cell) => cell.day);
}

// The page's first sentence: is yesterday complete?
export function firstSentence(data: Export, now: Date): string {
  const day = longDay(data.yesterday.day, data.today);
  const last = data.last_export
    ? ` The last export of today’s events was ${ago(data.last_export, now)}.`
    : "";
  if (data.days.length === 0) return "There is no data yet.";
  if (data.yesterday.state === "complete") return `Yesterday, ${day}, is complete.${last}`;
  if (data.yesterday.state === "no_data")
    return isClosed(data)
      ? `Yesterday, ${day}, is closed and had no data.${through(data)}`
      : `Yesterday, ${day}, has no data.${through(data)}`;
  const next = data.next_export ? ` The next export is ${until(data.next_export, now)}.` : "";
  return `Yesterday, ${day}, is not complete yet.${through(data)}${next}`;
}

// By an exporter of this server: of what somebody else writes nobody here knows.
function isClosed(data: Export): boolean {
  return data.last_export !== null || (data.complete_through ?? "") >= data.yesterday.day;
}

function through(data: Export): string {
  return data.complete_through
    ? ` Days are complete through ${shortDay(data.complete_through, data.today)}.`
    : "";
}

// A round figure at or above `most`, and the steps to it: 381 gives 400 by 100.
export function axis(most: number): { top: number; step: number } {
  if (most <= 0) return { top: 1, step: 1 };
  const power = 10 ** Math.floor(Math.log10(most));
  const step =
    [0.2, 0.25, 0.5, 1, 2, 2.5]
      .map((f) => f * power)
      .find((one) => one >= most / 4 && (one >= 1 || power < 1)) ?? power * 2.5;
  const whole = Math.max(1, Math.round(step));
  return { top: Math.ceil(most / whole) * whole, step: whole };
}
