// SPDX-License-Identifier: Apache-2.0
// SQL as text: which views a question needs, the statements that make them, the examples, and the
// same question as a command. Pure.
import type { Examples, ExportType, Part, View } from "../api/types.ts";

export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

// Which types a question reads, by its words, as `valetkey query` decides; all where it names no view.
export function typesOf(sql: string): ExportType[] {
  const words = sql.toLowerCase();
  const both = words.includes("attributed_conversions");
  const types = (["decisions", "events"] as const).filter((type) => both || words.includes(type));
  return types.length ? types : ["decisions", "events"];
}

export type Parts = Partial<Record<ExportType, Part[]>>;

// The server's statements with the addresses of the parts in them. A type that is not read has no
// view, nor have views that stand on it.
export function viewStatements(views: View[], parts: Parts, bucket: string): string[] {
  const statements: string[] = [];
  for (const view of views) {
    const needs = (["decisions", "events"] as const).filter(
      (type) => view.name === type || view.name === "attributed_conversions",
    );
    if (needs.some((type) => parts[type] === undefined)) {
      statements.push(`DROP VIEW IF EXISTS ${view.name}`);
      continue;
    }
    const own = view.name === "decisions" || view.name === "events" ? parts[view.name]! : null;
    if (own && own.length === 0) {
      statements.push(view.empty_sql ?? view.sql);
      continue;
    }
    const addresses = `[${(own ?? []).map((part) => quoted(`s3://${bucket}/${part.key}`)).join(", ")}]`;
    // A function: what an address holds is no pattern.
    statements.push(own ? view.sql.replace(`{${view.name}_parts}`, () => addresses) : view.sql);
  }
  return statements;
}

// Without the semicolon at the end: the question is wrapped in a view.
export function oneStatement(sql: string): string {
  return sql.trim().replace(/[;\s]+$/, "");
}

// DESCRIBE and the like, which cannot stand in a view.
export function isListing(sql: string): boolean {
  return /^(describe|show|summarize)\b/i.test(sql);
}

// What the engine says of a question, whose first line it counts as the second.
export function engineMessage(text: string): string {
  return text.replace(
    /\bLINE (\d+):/g,
    (_, line: string) => `LINE ${Math.max(1, Number(line) - 1)}:`,
  );
}

export function sqlProblem(sql: string): string | null {
  const text = oneStatement(sql.replace(/--[^\n]*/g, "").replace(/\/\*[\s\S]*?\*\//g, ""));
  if (!text) return "Type a question in SQL, or choose an example.";
  if (!/^\(*\s*(select|with|from|values|describe|summarize|show|pivot|unpivot)\b/i.test(text))
    return "Only a SELECT runs here: nothing can be changed.";
  return null;
}

// For a POSIX shell.
export function shellQuoted(text: string): string {
  return /^[A-Za-z0-9_./:=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export interface Asked {
  sql: string;
  since: string;
  until: string;
  experiment: string;
  event: string;
}

// Until yesterday, UTC.
export function lastWeek(now: Date): Pick<Asked, "since" | "until"> {
  const day = (ago: number) =>
    new Date(now.getTime() - ago * 86_400_000).toISOString().slice(0, 10);
  return { since: day(7), until: day(1) };
}

export function asCommand({ sql, since, until, experiment, event }: Asked): string {
  return [
    "valetkey query",
    `--start ${since}`,
    `--end ${until}`,
    ...(experiment ? [`--experiment ${shellQuoted(experiment)}`] : []),
    ...(event ? [`--event ${shellQuoted(event)}`] : []),
    `${shellQuoted(oneStatement(sql))}`,
  ].join(" ");
}

export interface Example {
  name: string;
  sql: string;
}

// Filled with names of the account's own latest day. They run in the browser's engine and in
// `valetkey query` alike.
export function examplesOf({ experiments, events }: Examples): Example[] {
  const experiment = quoted(experiments[0] ?? "42");
  const event = quoted(
    events.find((name) => /purchase|order|buy/i.test(name)) ?? events[0] ?? "purchase",
  );
  const visitors = `SELECT variation_id, count(DISTINCT visitor_id) AS visitors
      FROM decisions WHERE experiment_id = ${experiment} GROUP BY 1`;
  return [
    {
      name: "Visitors",
      sql: `SELECT variation_id, count(DISTINCT visitor_id) AS visitors
FROM decisions
WHERE experiment_id = ${experiment}
GROUP BY 1 ORDER BY 1`,
    },
    {
      name: "Conversion rate",
      sql: `SELECT variation_id, visitors, coalesce(buyers, 0) AS buyers,
       round(100.0 * coalesce(buyers, 0) / visitors, 2) AS percent
FROM (${visitors})
LEFT JOIN (SELECT variation_id, count(DISTINCT visitor_id) AS buyers
      FROM attributed_conversions
      WHERE experiment_id = ${experiment} AND event_name = ${event} GROUP BY 1) USING (variation_id)
ORDER BY 1`,
    },
    {
      name: "Revenue",
      sql: `SELECT variation_id, visitors, coalesce(revenue, 0) AS revenue,
       round(coalesce(revenue, 0) / visitors, 2) AS revenue_per_visitor
FROM (${visitors})
LEFT JOIN (SELECT variation_id, sum(revenue) / 100.0 AS revenue
      FROM attributed_conversions
      WHERE experiment_id = ${experiment} AND event_name = ${event} GROUP BY 1) USING (variation_id)
ORDER BY 1`,
    },
    {
      name: "A tag",
      sql: `SELECT event_name, map_extract(tags, 'category')[1] AS category, count(*) AS conversions
FROM events
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 20`,
    },
  ];
}

export type Tier = "run" | "warn" | "command";

export function tierOf(bytes: number, whole: boolean, run: number, warn: number): Tier {
  if (!whole || bytes > warn) return "command";
  return bytes > run ? "warn" : "run";
}
