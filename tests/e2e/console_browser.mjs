// SPDX-License-Identifier: Apache-2.0
// Chromium for the tests of the console. Reads one JSON object a line, {"do", "page", …}, does it as a person would (by
// role and name, not by selector), and answers with one line. The pages' own policy is enforced. valetkey.test is this
// machine by a name that browsers do not take for it.
import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP valetkey.test 127.0.0.1"],
});
const axe = readFileSync(new URL("../../web/node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const pages = new Map();

async function open({ page: name, base, theme = "light", width = 1280, height = 900, zone = "Europe/Berlin" }) {
  const context = await browser.newContext({ baseURL: base, colorScheme: theme, viewport: { width, height },
    ignoreHTTPSErrors: true, acceptDownloads: true, timezoneId: zone });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const found = { page, complaints: [], clicks: 0, downloads: [] };
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && found.complaints.push(message.text()));
  page.on("pageerror", (error) => found.complaints.push(String(error)));
  page.on("download", (download) => found.downloads.push(download));
  pages.set(name, found);
}

const locate = (page, { role, name, label, text, css, within, exact = true }) => {
  const root = within ? page.locator(within) : page;
  if (role) return root.getByRole(role, { name, exact }).first();
  if (label) return root.getByLabel(label, { exact }).first();
  return css ? root.locator(css).first() : root.getByText(text, { exact }).first();
};

const acts = {
  goto: ({ page }, { path }) => page.goto(path),
  reload: ({ page }) => page.reload(),
  click: (found, step) => (found.clicks++, locate(found.page, step).click()),
  fill: ({ page }, step) => locate(page, step).fill(step.value),
  choose: ({ page }, step) => locate(page, step).check({ force: true }),
  press: ({ page }, { key }) => page.keyboard.press(key),
  type: ({ page }, { value }) => page.keyboard.type(value),
  wait: ({ page }, step) => locate(page, step).waitFor({ timeout: (step.seconds ?? 20) * 1000, state: step.state ?? "visible" }),
  text: ({ page }, step) => locate(page, step).innerText(),
  texts: ({ page }, { css }) => page.locator(css).allInnerTexts(),
  count: ({ page }, { css }) => page.locator(css).count(),
  value: ({ page }, step) => locate(page, step).inputValue(),
  url: ({ page }) => page.url(),
  cookies: ({ page }) => page.context().cookies(),
  clearCookies: ({ page }) => page.context().clearCookies(),
  evaluate: ({ page }, { script }) => page.evaluate(script),
  offline: ({ page }, { value }) => page.context().setOffline(value),
  clicks: (found) => found.clicks,
  complaints: (found) => found.complaints.splice(0),
  shot: async ({ page }, { path }) => {
    mkdirSync(dirname(path), { recursive: true });
    await page.screenshot({ path, fullPage: true });
  },
  async check({ page }) {
    await page.evaluate(axe);
    return page.evaluate(async () => ({
      sideways: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      violations: (await globalThis.axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`),
    }));
  },
  async download(found) {
    for (let i = 0; i < 200 && !found.downloads.length; ++i) await new Promise((resolve) => setTimeout(resolve, 50));
    const download = found.downloads.shift();
    return download ? { name: download.suggestedFilename(), path: await download.path() } : null;
  },
  close: async ({ page }, { page: name }) => {
    await page.context().close();
    pages.delete(name);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const step = JSON.parse(line);
  try {
    if (step.do === "open") await open(step);
    else if (!acts[step.do]) throw new Error(`console_browser.mjs does not know "${step.do}"`);
    const done = step.do === "open" ? null : await acts[step.do](pages.get(step.page), step);
    const plain = ["string", "number", "boolean"].includes(typeof done) || Array.isArray(done) || step.do === "evaluate" ||
      step.do === "check" || step.do === "download";
    console.log(JSON.stringify({ done: plain ? done ?? null : null }));
  } catch (error) {
    const page = pages.get(step.page)?.page;
    const seen = page ? await page.locator("body").innerText().catch(() => "") : "";
    console.log(JSON.stringify({ error: `${error}`, seen: seen.slice(0, 1500), complaints: pages.get(step.page)?.complaints }));
  }
}
await browser.close();
