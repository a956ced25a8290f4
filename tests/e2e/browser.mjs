// SPDX-License-Identifier: Apache-2.0
// A page in Chromium, of an origin of its own, does what its visitor's browser would. Prints one JSON object.
// Usage: browser.mjs PORT '[{"name", "url", "how": "fetch" | "beacon", "body", "type", "options"}, ...]'
import { createServer } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [port, steps] = [Number(process.argv[2]), JSON.parse(process.argv[3])];

// In the page.
async function run(steps) {
  const said = {};
  for (const { name, url, how, body, type, options } of steps) {
    if (how === "beacon") {
      said[name] = navigator.sendBeacon(url, type ? new Blob([body], { type }) : body);
      continue;
    }
    try {
      const answer = await fetch(url, options);
      said[name] = { status: answer.status, text: await answer.text() };
    } catch (error) {
      said[name] = { blocked: String(error) };
    }
  }
  return said;
}

const site = createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end("<title>shop</title>"));
await new Promise((resolve) => site.listen(port, "127.0.0.1", resolve));
const profile = mkdtempSync(join(tmpdir(), "valetkey-chromium-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: "/usr/bin/chromium",
  headless: true,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  const page = await browser.newPage();
  const complaints = [];
  page.on("console", (message) => complaints.push(message.text()));
  await page.goto(`http://127.0.0.1:${port}/`);
  const said = await page.evaluate(run, steps);
  // A beacon outlives its page: that is what it is for.
  await page.close({ runBeforeUnload: false });
  console.log(JSON.stringify({ said, complaints }));
} finally {
  await browser.close();
  site.close();
  rmSync(profile, { recursive: true, force: true });
}
