// SPDX-License-Identifier: Apache-2.0
// A shop that uses the JavaScript SDK as its documentation says, batching included. Prints what the SDK returned to
// it, a line of JSON for each call:
//   node js_sdk.mjs EVENTS_URL DATAFILE VISITORS
import { readFileSync } from "node:fs";
import { createBatchEventProcessor, createInstance, createStaticProjectConfigManager, eventDispatcher }
  from "@optimizely/optimizely-sdk";

const [url, datafile, visitors] = process.argv.slice(2);

// The SDK's own dispatcher, told another address: docs/guide.md.
const toValetkey = { dispatchEvent: (event) => eventDispatcher.dispatchEvent({ ...event, url }) };
const client = createInstance({
  projectConfigManager: createStaticProjectConfigManager({ datafile: readFileSync(datafile, "utf8") }),
  eventProcessor: createBatchEventProcessor({ eventDispatcher: toValetkey, batchSize: 7, flushInterval: 200 }),
});
await client.onReady({ timeout: 10_000 });

const tell = (call) => console.log(JSON.stringify(call));
for (let i = 0; i < Number(visitors); i++) {
  const visitor = `visitor ${i} é`;
  const attributes = { country: ["de", "fr", "us"][i % 3], age: 20 + i % 50, member: i % 4 === 0 };
  const user = client.createUserContext(visitor, attributes);
  for (const flag of i % 5 === 0 ? ["banner"] : ["checkout", "banner"]) {
    const { ruleKey, variationKey, enabled } = user.decide(flag);
    tell({ call: "decide", visitor, attributes, flag, ruleKey, variationKey, enabled });
  }
  const track = (event, tags) => {
    user.trackEvent(event, tags);
    tell({ call: "track", visitor, attributes, event, tags });
  };
  if (i % 2 === 0) track("purchase", { revenue: 100 + i, value: i / 8, category: "shoes", size: 36 + i % 10 });
  if (i % 6 === 0) track("purchase", { revenue: 1 });
  if (i % 3 === 0) track("sign up / step 2?", { $note: "ü\"'" });
  if (i % 7 === 0) track("search");
}
await client.close();
