#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Visitors of a shop, as an Optimizely SDK would report them: decisions and conversions in batches to POST /v1/events.
// For demo and first tries. The same arguments give the same visitors; uuids are new each time.
import { createHash, randomUUID } from "node:crypto";
import { parseArgs } from "node:util";

const usage = `usage: script/send_events.mjs URL [--accounts 12345,123456] [--visitors 400]

Posts to URL (http://127.0.0.1:8080/v1/events), and prints a line of JSON for each account: how many events were
sent, how many of them twice, and how many rows of each type the export will have.`;

const experiments = [
  { campaign: "187001", id: "18786493712", variations: ["18786493713", "18786493714"] },
  { campaign: "204001", id: "20410805626", variations: ["20410805627", "20410805628", "20410805629"] },
  { campaign: "213001", id: "21357570126", variations: ["21357570127", "21357570128"] },
];
// An event's name is the customer's text, and Hive escapes some of it: one name shows that.
const conversions = ["homepage_view", "add_to_cart", "purchase", "Sign-up: step 2 (50% off?)"];
const visitorsInBatch = 10;
const patience = 5;

// A number from 0 to 2^32 that depends on nothing but the text.
const roll = (text) => createHash("sha256").update(text).digest().readUInt32BE(0);

function visitorOf(account, number, now) {
  const id = `visitor-${number}`;
  const chance = (what) => roll(`${account} ${id} ${what}`);
  let at = now - 3_600_000 + (chance("arrival") % 3_000_000);
  const next = () => (at += 200 + (chance(at) % 20_000));
  const snapshots = experiments.filter((_, i) => chance(`enrols ${i}`) % 10 < 6).map((experiment) => ({
    decisions: [{ campaign_id: experiment.campaign, experiment_id: experiment.id, is_campaign_holdback: false,
      variation_id: experiment.variations[chance(experiment.id) % experiment.variations.length] }],
    events: [{ uuid: randomUUID(), timestamp: next(), entity_id: experiment.campaign, key: "campaign_activated",
      type: "campaign_activated" }] }));
  for (const [i, key] of conversions.entries()) {
    if (i > 0 && chance(`does ${key}`) % 10 > 7 - 2 * i) continue;
    const cents = 500 + (chance("basket") % 9000);
    const bought = key === "purchase" ? { revenue: cents, value: cents / 100, quantity: 1 + (chance("size") % 3) } : {};
    snapshots.push({ decisions: [], events: [{ uuid: randomUUID(), timestamp: next(), entity_id: `${9000 + i}`, key,
      type: "custom", tags: { category: "shoes", ...bought }, ...bought }] });
  }
  return { visitor_id: id, snapshots, attributes: [
    { entity_id: "1001", key: "plan", type: "custom", value: ["free", "pro", "team"][chance("plan") % 3] },
    { entity_id: "$opt_bot_filtering", key: "$opt_bot_filtering", type: "custom", value: false }] };
}

// As SDKs do: what was not acknowledged is sent again. The uuids make that harmless.
async function post(url, batch) {
  for (let attempt = 1; ; attempt++) {
    const answer = await fetch(url, { method: "POST", body: JSON.stringify(batch), signal: AbortSignal.timeout(10_000),
      headers: { "content-type": "application/json", "x-optimizely-strict": "true" } }).catch((error) => error);
    if (answer.status === 204) return;
    const why = answer instanceof Error ? answer.cause?.message ?? answer.message : `${answer.status} ${await answer.text()}`;
    if (attempt === patience || (answer.status >= 400 && answer.status < 500 && answer.status !== 429))
      throw new Error(`${url} took no events: ${why}`);
    await new Promise((resolve) => { setTimeout(resolve, 200 * attempt); });
  }
}

async function sendAccount(url, account, visitors) {
  const now = Date.now();
  const sent = { account, events: 0, twice: 0, decisions: 0, conversions: 0 };
  for (let first = 0; first < visitors; first += visitorsInBatch) {
    const batch = { account_id: account, project_id: "7001", revision: "147", client_name: "node-sdk",
      client_version: "6.6.1", anonymize_ip: true, enrich_decisions: true,
      visitors: Array.from({ length: Math.min(visitorsInBatch, visitors - first) },
        (_, i) => visitorOf(account, first + i, now)) };
    const events = batch.visitors.flatMap((visitor) => visitor.snapshots).flatMap((snapshot) => snapshot.events);
    await post(url, batch);
    sent.events += events.length;
    sent.decisions += events.filter((event) => event.type === "campaign_activated").length;
    if (first === 0) {  // an answer that was lost on its way: the SDK sends the batch once more
      await post(url, batch);
      sent.twice += events.length;
    }
  }
  sent.conversions = sent.events - sent.decisions;
  console.log(JSON.stringify(sent));
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: {
  help: { type: "boolean" }, accounts: { type: "string", default: "12345,123456" },
  visitors: { type: "string", default: "400" } } });
if (values.help || positionals.length !== 1 || !/^[1-9][0-9]{0,6}$/.test(values.visitors)) {
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}
try {
  for (const account of values.accounts.split(",")) await sendAccount(positionals[0], account, Number(values.visitors));
} catch (error) {
  console.error(`send_events: ${error.message}`);
  process.exit(1);
}
