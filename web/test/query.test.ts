// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import type { Part, View } from "../src/api/types.ts";
import { cellText, drawable, toCsv } from "../src/query/result.ts";
import {
  asCommand,
  examplesOf,
  oneStatement,
  shellQuoted,
  sqlProblem,
  tierOf,
  typesOf,
  viewStatements,
} from "../src/query/sql.ts";

const views: View[] = [
  { name: "decisions", sql: "VIEW d {decisions_parts}", empty_sql: "EMPTY d" },
  { name: "events", sql: "VIEW e {events_parts}", empty_sql: "EMPTY e" },
  { name: "attributed_conversions", sql: "VIEW a" },
];
const part = (key: string): Part => ({ key, bytes: 1, rows: 1, modified: "2026-11-29T00:00:00Z" });

describe("views", () => {
  test("hold the addresses of the parts, quoted", () => {
    expect(
      viewStatements(
        views,
        { decisions: [part("a'b/$&.parquet"), part("c.parquet")], events: [] },
        "bucket",
      ),
    ).toEqual([
      "VIEW d ['s3://bucket/a''b/$&.parquet', 's3://bucket/c.parquet']",
      "EMPTY e",
      "VIEW a",
    ]);
  });
  test("of what is not read are dropped, and what stands on them", () => {
    expect(viewStatements(views, { events: [part("x")] }, "b")).toEqual([
      "DROP VIEW IF EXISTS decisions",
      "VIEW e ['s3://b/x']",
      "DROP VIEW IF EXISTS attributed_conversions",
    ]);
  });
  test("are chosen by the words of the question", () => {
    expect(typesOf("SELECT 1 FROM Decisions")).toEqual(["decisions"]);
    expect(typesOf("select * from attributed_conversions")).toEqual(["decisions", "events"]);
    expect(typesOf("SELECT 1")).toEqual(["decisions", "events"]);
  });
});

describe("a question", () => {
  test("is one statement that reads", () => {
    expect(oneStatement(" SELECT 1 ;\n; ")).toBe("SELECT 1");
    expect(sqlProblem("-- only a comment\n")).toContain("Type a question");
    expect(sqlProblem("DROP VIEW decisions")).toContain("Only a SELECT");
    expect(sqlProblem("-- why\nWITH a AS (SELECT 1) FROM a")).toBeNull();
    expect(sqlProblem("(SELECT 1)")).toBeNull();
  });
  test("becomes a command that any shell reads as it was typed", () => {
    expect(shellQuoted("it's $HOME `x`")).toBe("'it'\\''s $HOME `x`'");
    expect(
      asCommand({
        sql: "SELECT 'a';",
        since: "2026-11-01",
        until: "2026-11-02",
        experiment: "42",
        event: "add to cart",
      }),
    ).toBe(
      "valetkey query --start 2026-11-01 --end 2026-11-02 --experiment 42 --event 'add to cart' 'SELECT '\\''a'\\'''",
    );
  });
  test("runs, warns or becomes a command by its bytes", () => {
    expect([256, 257, 1024, 1025].map((bytes) => tierOf(bytes, true, 256, 1024))).toEqual([
      "run",
      "warn",
      "warn",
      "command",
    ]);
    expect(tierOf(1, false, 256, 1024)).toBe("command");
  });
  test("of the examples names what the account has, quoted", () => {
    const sql = examplesOf({
      experiments: ["o'hara"],
      variations: [],
      events: ["view", "purchase"],
    })
      .map((one) => one.sql)
      .join("\n");
    expect(sql).toContain("'o''hara'");
    expect(sql).toContain("'purchase'");
    expect(sql).not.toContain("'42'");
  });
});

describe("a result", () => {
  const columns = [
    { name: "variation_id", type: "VARCHAR" },
    { name: "n", type: "BIGINT" },
    { name: "rate", type: "DOUBLE" },
  ];
  test("shows figures in groups and names as they are", () => {
    expect(cellText("18802093142", "VARCHAR")).toBe("18802093142");
    expect(cellText("20790662", "BIGINT")).toBe("20,790,662");
    expect(cellText("-1234", "INTEGER")).toBe("-1,234");
    expect(cellText("4.933414043583535", "DOUBLE")).toBe("4.93341");
    expect(cellText("nan", "DOUBLE")).toBe("nan");
  });
  test("is CSV in which NULL is nothing and an empty text is quoted", () => {
    expect(toCsv({ columns, rows: [['a,"b"', null, ""]], more: false })).toBe(
      'variation_id,n,rate\n"a,""b""",,""\n',
    );
  });
  test("has bars where names have figures", () => {
    expect(drawable(columns, 3)).toEqual({ names: 0, figures: [1, 2] });
    expect(drawable(columns, 1)).toBeNull();
    expect(drawable([columns[1]!], 3)).toBeNull();
  });
});
