// SPDX-License-Identifier: Apache-2.0
// Loads a page with a cold cache and prints {"kib", "interactive_ms"}: what came over the wire until nothing more was
// asked for, and by Chromium's own trace how long after the navigation began there was content and the main thread was
// free: the later of first contentful paint and the end of the last task above 50 ms.
// usage: console_load.mjs URL
import { chromium } from "playwright-core";

const kLongUs = 50_000;
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"] });
const page = await (await browser.newContext()).newPage();
const cdp = await page.context().newCDPSession(page);
const events = [];
let bytes = 0;
cdp.on("Tracing.dataCollected", ({ value }) => events.push(...value));
cdp.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
await cdp.send("Network.enable");
await cdp.send("Tracing.start", { traceConfig: { includedCategories: ["loading", "blink.user_timing", "devtools.timeline", "toplevel"] } });
await page.goto(process.argv[2], { waitUntil: "networkidle" });
await page.getByRole("heading").first().waitFor();
const complete = new Promise((resolve) => cdp.once("Tracing.tracingComplete", resolve));
await cdp.send("Tracing.end");
await complete;
await browser.close();

const paint = events.find((event) => event.name === "firstContentfulPaint");
const begun = events.filter((event) => event.name === "navigationStart" && event.pid === paint.pid && event.ts <= paint.ts).pop();
const busy = events.filter((event) => event.name === "RunTask" && event.pid === paint.pid && event.tid === paint.tid &&
  event.ts >= begun.ts && event.dur > kLongUs).map((event) => event.ts + event.dur);
console.log(JSON.stringify({ kib: bytes / 1024, interactive_ms: (Math.max(paint.ts, ...busy) - begun.ts) / 1000 }));
