// SPDX-License-Identifier: Apache-2.0
// What the built pages weigh and hold: first load, one place of colours, nothing inline.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { build } from "vite";

const root = join(import.meta.dirname, "..");
const out = mkdtempSync(join(tmpdir(), "valetkey-pages-"));
beforeAll(
  () => build({ root, logLevel: "error", build: { outDir: out, emptyOutDir: true } }),
  60_000,
);
afterAll(() => rmSync(out, { recursive: true }));

function sources(folder = join(root, "src")): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name));
}

test("the first load is at most 60 KiB, packed with gzip", () => {
  const page = readFileSync(join(out, "index.html"), "utf8");
  const first = [...page.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((found) => found[1]!);
  expect(first.some((name) => name.endsWith(".js"))).toBe(true);
  expect(first.some((name) => name.endsWith(".css"))).toBe(true);
  const bytes = [page, ...first.map((name) => readFileSync(join(out, name)))].reduce(
    (sum, one) => sum + gzipSync(one).length,
    0,
  );
  expect(bytes).toBeLessThanOrEqual(60 * 1024);
});

test("nothing stands inline in the document", () => {
  const page = readFileSync(join(out, "index.html"), "utf8");
  expect(page).not.toMatch(/<style|style=|<script(?![^>]* src=)|data:/);
});

test("the query worker has the name by which the server gives it its own policy", () => {
  expect(
    readdirSync(join(out, "assets")).filter((name) => /^query-worker-.*\.js$/.test(name)),
  ).toHaveLength(1);
});

test("only tokens.css names a colour, and no element has a style of its own", () => {
  for (const path of sources().filter(
    (name) => /\.(css|tsx?)$/.test(name) && !name.endsWith("tokens.css"),
  )) {
    const text = readFileSync(path, "utf8");
    expect(text, path).not.toMatch(/#[0-9a-f]{6}\b|rgba?\(|hsla?\(/i);
    expect(text, path).not.toMatch(/\sstyle=|dangerouslySetInnerHTML|innerHTML/);
  }
});
