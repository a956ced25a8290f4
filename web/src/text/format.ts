// SPDX-License-Identifier: Apache-2.0
// Figures, sizes, days and moments in words. Moments are in the reader's zone, days of the export in
// UTC. Pure: the present is an argument.
import type { Day, Instant } from "../api/types.ts";

const kLocale = "en-GB";
const grouped = new Intl.NumberFormat("en-US");

export function count(value: number): string {
  return grouped.format(value);
}

// "1 row", "2 rows".
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

// 34.1 million; below a million every digit.
export function short(value: number): string {
  for (const [size, word] of [
    [1e12, "trillion"],
    [1e9, "billion"],
    [1e6, "million"],
  ] as const)
    if (value >= size) return `${significant(value / size)} ${word}`;
  return count(value);
}

// For an axis: 400 k.
export function tiny(value: number): string {
  for (const [size, word] of [
    [1e9, "bn"],
    [1e6, "m"],
    [1e3, "k"],
  ] as const)
    if (value >= size) return `${significant(value / size)} ${word}`;
  return count(value);
}

function significant(value: number): string {
  return String(Number(value.toPrecision(value >= 1000 ? 4 : 3)));
}

export function bytes(value: number): string {
  if (value < 1000) return plural(value, "byte");
  for (const [size, unit] of [
    [1e12, "TB"],
    [1e9, "GB"],
    [1e6, "MB"],
    [1e3, "kB"],
  ] as const)
    if (value >= size) return `${significant(value / size)} ${unit}`;
  return `${value} bytes`;
}

// Where a line may end: behind @, / and =, before a dot.
export function pieces(text: string): string[] {
  return text.match(/\.?[^.@/=]*[@/=]*/g)!.filter((piece) => piece !== "");
}

export function dayDate(day: Day): Date {
  return new Date(`${day}T00:00:00Z`);
}

// Days as numbers, to walk over.
export function dayNumber(day: Day): number {
  return Math.round(dayDate(day).getTime() / 86_400_000);
}
export function dayOf(number: number): Day {
  return new Date(number * 86_400_000).toISOString().slice(0, 10);
}

// "Friday 27 November"; with the year where it is another one than today's.
export function longDay(day: Day, today: Day): string {
  return dayText(day, {
    weekday: "long",
    day: "numeric",
    month: "long",
    ...yearUnless(day, today),
  });
}

// "28 September"; with the year where it is another one than today's.
export function shortDay(day: Day, today: Day): string {
  return dayText(day, { day: "numeric", month: "long", ...yearUnless(day, today) });
}

// "12 events today", "since 28 September; none today".
export function eventsSoFar(first: Day, todays: number, today: Day): string {
  if (first === today) return `${plural(todays, "event")} today`;
  return `since ${shortDay(first, today)}; ${todays === 0 ? "none" : count(todays)} today`;
}

export function monthName(day: Day): string {
  return dayText(day, { month: "short" });
}

// "5 Oct".
export function tinyDay(day: Day): string {
  return dayText(day, { day: "numeric", month: "short" });
}

function yearUnless(day: Day, today: Day): Intl.DateTimeFormatOptions {
  return day.slice(0, 4) === today.slice(0, 4) ? {} : { year: "numeric" };
}

function dayText(day: Day, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(kLocale, { ...options, timeZone: "UTC" })
    .format(dayDate(day))
    .replace(",", "");
}

export function zone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

// "Today, 14:02", "Yesterday, 17:40", "3 Sep 2026".
export function moment(instant: Instant, now: Date): string {
  const date = new Date(instant);
  const days = localDay(now) - localDay(date);
  const clock = new Intl.DateTimeFormat(kLocale, { hour: "2-digit", minute: "2-digit" }).format(
    date,
  );
  if (days === 0) return `Today, ${clock}`;
  if (days === 1) return `Yesterday, ${clock}`;
  if (days === -1) return `Tomorrow, ${clock}`;
  return date2(date);
}

// The same within a sentence: "today, 14:02", "3 Sep 2026".
export function inSentence(instant: Instant, now: Date): string {
  return moment(instant, now).replace(/^[TY]/, (letter) => letter.toLowerCase());
}

// "today, 14:02", "on 3 Sep 2026".
export function on(instant: Instant, now: Date): string {
  const text = inSentence(instant, now);
  return /^\d/.test(text) ? `on ${text}` : text;
}

// To the second, for a log.
export function exactly(instant: Instant): string {
  return new Intl.DateTimeFormat(kLocale, { dateStyle: "medium", timeStyle: "medium" }).format(
    new Date(instant),
  );
}

export function dateOf(instant: Instant): string {
  return date2(new Date(instant));
}

function date2(date: Date): string {
  return new Intl.DateTimeFormat(kLocale, {
    day: "numeric",
    month: "short",
    year: "numeric",
  }).format(date);
}

function localDay(date: Date): number {
  return Math.floor((date.getTime() - date.getTimezoneOffset() * 60_000) / 86_400_000);
}

// "4 minutes ago"; older than an hour: as moment().
export function ago(instant: Instant, now: Date): string {
  const seconds = Math.max(0, Math.floor((now.getTime() - new Date(instant).getTime()) / 1000));
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${plural(Math.floor(seconds / 60), "minute")} ago`;
  return moment(instant, now);
}

// "in 4 minutes"; past: "now".
export function until(instant: Instant, now: Date): string {
  const seconds = Math.ceil((new Date(instant).getTime() - now.getTime()) / 1000);
  if (seconds <= 0) return "now";
  if (seconds < 90) return `in ${seconds} s`;
  if (seconds < 5400) return `in ${Math.round(seconds / 60)} minutes`;
  return on(instant, now);
}

// "90 days", "3 hours", "15 minutes", "40 seconds": the greatest unit of which there are two.
export function duration(seconds: number): string {
  for (const [size, unit] of [
    [86400, "day"],
    [3600, "hour"],
    [60, "minute"],
  ] as const)
    if (seconds >= 2 * size || seconds === size) return plural(Math.round(seconds / size), unit);
  return plural(Math.round(seconds), "second");
}

// Names in a sentence: "a", "a and b", "a, b and 3 more".
export function several(names: string[], most = 3): string {
  if (names.length <= 1) return names.join("");
  if (names.length > most)
    return `${names.slice(0, most - 1).join(", ")} and ${count(names.length - most + 1)} more`;
  return `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}
