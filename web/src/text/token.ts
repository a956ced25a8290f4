// SPDX-License-Identifier: Apache-2.0
// What is said of a token: its state, how long it lives, and which tokens need attention. Pure.
import type { Scope, Token } from "../api/types.ts";
import { duration } from "./format.ts";

export const kSoonDays = 7;
const kDayMs = 86_400_000;

export interface Shown {
  look: "active" | "soon" | "ended" | "revoked";
  word: string;
}

export function shownState(token: Token, now: Date): Shown {
  if (token.state === "revoked") return { look: "revoked", word: "Revoked" };
  if (token.state === "expired") return { look: "ended", word: "Expired" };
  if (token.state === "disabled") return { look: "ended", word: "Owner disabled" };
  return expiresSoon(token, now)
    ? { look: "soon", word: "Expires soon" }
    : { look: "active", word: "Active" };
}

export function expiresSoon(token: Token, now: Date): boolean {
  if (token.state !== "active" || !token.expires) return false;
  return new Date(token.expires).getTime() - now.getTime() < kSoonDays * kDayMs;
}

// "90 days left".
export function timeLeft(token: Token, now: Date): string {
  if (!token.expires || token.state !== "active") return "";
  const seconds = (new Date(token.expires).getTime() - now.getTime()) / 1000;
  return seconds > 0 ? `${duration(seconds)} left` : "";
}

// What counts first, then the newest.
export function inOrder(tokens: Token[]): Token[] {
  const rank = (token: Token) =>
    token.state === "active" ? 0 : token.state === "disabled" ? 1 : 2;
  return [...tokens].sort((a, b) => rank(a) - rank(b) || b.created.localeCompare(a.created));
}

export const kScopes: { value: Scope; label: string; hint: string; admin: boolean }[] = [
  {
    value: "export",
    label: "Read the export",
    hint: "Buys credentials for an hour at a time. A job needs only this.",
    admin: false,
  },
  {
    value: "tokens",
    label: "Handle tokens",
    hint: "Makes, lists and revokes tokens over REST.",
    admin: false,
  },
  {
    value: "users",
    label: "Handle people",
    hint: "Invites and disables people over REST.",
    admin: true,
  },
  {
    value: "audit",
    label: "Read the activity",
    hint: "Reads the account’s audit log over REST.",
    admin: true,
  },
];

// What it is limited to beyond its scopes.
export type Reads = "all" | "decisions" | "events";
export const kReads: { value: Reads; label: string }[] = [
  { value: "all", label: "Everything" },
  { value: "decisions", label: "Decisions" },
  { value: "events", label: "Events" },
];

export interface Limits {
  reads: Reads;
  prefixes: string; // one a line
  sources: string;
}

export function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

// Of fields that are not offered nothing is said.
export function limitsRequest(limits: Limits): {
  types?: string[];
  prefixes?: string[];
  sources?: string[];
} {
  const prefixes = linesOf(limits.prefixes);
  const sources = linesOf(limits.sources);
  return {
    ...(limits.reads === "all" ? {} : { types: [limits.reads] }),
    ...(prefixes.length ? { prefixes } : {}),
    ...(sources.length ? { sources } : {}),
  };
}

export function prefixesProblem(limits: Limits): string | null {
  for (const prefix of linesOf(limits.prefixes)) {
    if (/^(s3:|v1\/account_id=)/.test(prefix))
      return `Write “${prefix}” from below the account on: it begins with “type=”.`;
    if (!prefix.endsWith("/"))
      return `“${prefix}” must end in “/”: else it would also open names that go on.`;
    if (limits.reads !== "all" && !prefix.startsWith(`type=${limits.reads}/`))
      return `“${prefix}” lies outside of the ${limits.reads}.`;
  }
  return null;
}

export function sourcesProblem(limits: Limits): string | null {
  for (const source of linesOf(limits.sources))
    if (!/^[0-9a-f:.]+(\/\d{1,3})?$/i.test(source) || !/[:.]/.test(source))
      return `“${source}” is no address or network, such as 198.51.100.0/24.`;
  return null;
}

// In the list: what is open, and from where.
export function limitsOf(token: Token): string[] {
  return [
    ...(token.prefixes.length ? [`only ${token.prefixes.join(", ")}`] : []),
    ...(token.sources.length ? [`only from ${token.sources.join(", ")}`] : []),
  ];
}

export type Lifetime = "30d" | "90d" | "365d" | "never" | "date";
export const kLifetimes: { value: Lifetime; label: string }[] = [
  { value: "30d", label: "30 days" },
  { value: "90d", label: "90 days" },
  { value: "365d", label: "A year" },
  { value: "date", label: "Until a date" },
  { value: "never", label: "No end" },
];

// What the request says of it. A date counts to its end, in the reader's zone.
export function lifetimeRequest(
  lifetime: Lifetime,
  date: string,
): { expires_in?: string; expires?: string } {
  if (lifetime === "never") return {};
  if (lifetime !== "date") return { expires_in: lifetime };
  return { expires: new Date(`${date}T23:59:59`).toISOString().replace(/\.\d+Z$/, "Z") };
}

export function dateProblem(lifetime: Lifetime, date: string, now: Date): string | null {
  if (lifetime !== "date") return null;
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) return "Choose the last day.";
  return new Date(`${date}T23:59:59`) <= now ? "Choose a day that is not over." : null;
}
