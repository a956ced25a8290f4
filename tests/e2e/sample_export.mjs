#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Writes a small Experimentation Events Export of the real layout and schema: for tests and first tries.
// The same arguments give the same rows. Written by DuckDB, so timestamps are milliseconds of local type.
import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { DuckDBInstance } from "@duckdb/node-api";

const usage = `usage: tests/e2e/sample_export.mjs FOLDER [--accounts 12345,123456] [--first-day 2026-03-01] [--days 3] [--rows 400]

Writes FOLDER/v1/account_id=.../type=.../date=.../..., rows being those of one part.`;

// An event's name is the customer's text, and Hive escapes some of it: one name of the sample shows that.
const experiments = ["18786493712", "20410805626", "21357570126"];
const events = ["homepage_view", "add_to_cart", "purchase", "Sign-up: step 2 (50% off?)"];

function escapeForHive(value) {
  const escaped = new Set('"#%\'*/:=?\\{[]^');
  return [...Buffer.from(value, "utf8")]
    .map((byte) => (byte < 0x20 || byte === 0x7f || escaped.has(String.fromCharCode(byte))
      ? `%${byte.toString(16).toUpperCase().padStart(2, "0")}` : Buffer.from([byte])))
    .reduce((all, part) => Buffer.concat([all, Buffer.from(part)]), Buffer.alloc(0)).toString("utf8");
}

function uuidOf(text) {
  const hex = createHash("sha256").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

// Columns that decisions and conversions share; i is the row, `salt` makes parts differ.
function columns(salt, account, day) {
  const pick = (name, values) => `(${values})[1 + (hash(i, ${quoted(salt + name)}) % len(${values}))::INT]`;
  return {
    uuid: `uuid_of(i, ${quoted(salt)})`,
    timestamp: `at_of(i, ${quoted(salt)}, ${quoted(day)})`,
    visitor_id: `'visitor-' || (hash(i, ${quoted(account + day)}) % 997)::VARCHAR`,
    session_id: `uuid_of(i, ${quoted(salt + "session")})`,
    account_id: quoted(account),
    attributes: `[{'id': '1001', 'name': 'plan', 'type': 'custom', 'value': ${pick("plan", "['free','pro','team']")}},
                  {'id': '', 'name': '$opt_bot_filtering', 'type': 'custom', 'value': 'false'}]`,
    user_ip: `'198.51.100.0'`,
    user_agent: pick("agent", "['Mozilla/5.0 (X11; Linux x86_64)', 'okhttp/4.9.0', 'swift-sdk/4.0.0']"),
    referer: pick("referer", "['https://shop.example/', NULL]"),
    revision: `'147'`,
    client_engine: pick("engine", "['node-sdk','swift-sdk','java-sdk']"),
    client_version: `'5.3.0'`,
  };
}

function decisionsSql(salt, account, day, experiment, rows) {
  const c = columns(salt, account, day);
  return `SELECT ${c.uuid} AS uuid, ${c.timestamp} AS timestamp, (${c.timestamp} + INTERVAL 2 SECOND)::TIMESTAMP_MS AS process_timestamp,
    ${c.visitor_id} AS visitor_id, ${c.session_id} AS session_id, ${c.account_id} AS account_id,
    '${experiment}1' AS campaign_id, '${experiment}' AS experiment_id,
    ('${experiment}' || (2 + i % 2)::VARCHAR) AS variation_id, ${c.attributes} AS attributes,
    ${c.user_ip} AS user_ip, ${c.user_agent} AS user_agent, ${c.referer} AS referer, (i % 20 = 0) AS is_holdback,
    ${c.revision} AS revision, ${c.client_engine} AS client_engine, ${c.client_version} AS client_version
    FROM range(${rows}) t(i)`;
}

function conversionsSql(salt, account, day, event, rows) {
  const c = columns(salt, account, day);
  const bought = event === "purchase";
  return `SELECT ${c.uuid} AS uuid, ${c.timestamp} AS timestamp, (${c.timestamp} + INTERVAL 2 SECOND)::TIMESTAMP_MS AS process_timestamp,
    ${c.visitor_id} AS visitor_id, ${c.session_id} AS session_id, ${c.account_id} AS account_id,
    [{'campaign_id': '${experiments[0]}1', 'experiment_id': '${experiments[0]}',
      'variation_id': ('${experiments[0]}' || (2 + i % 2)::VARCHAR), 'is_holdback': (i % 20 = 0)}] AS experiments,
    '${1000 + events.indexOf(event)}' AS entity_id, ${c.attributes} AS attributes, ${c.user_ip} AS user_ip,
    ${c.user_agent} AS user_agent, ${c.referer} AS referer, 'custom' AS event_type, ${quoted(event)} AS event_name,
    ${bought ? "(500 + i * 37 % 9000)" : "NULL"}::BIGINT AS revenue,
    ${bought ? "(5 + i * 37 % 9000 / 100.0)" : "NULL"}::DOUBLE AS value,
    ${bought ? "(1 + i % 3)" : "NULL"}::BIGINT AS quantity,
    MAP {'category': 'shoes', 'size': (36 + i % 10)::VARCHAR} AS tags,
    ${c.revision} AS revision, ${c.client_engine} AS client_engine, ${c.client_version} AS client_version
    FROM range(${rows}) t(i)`;
}

async function writePart(connection, folder, salt, sql) {
  mkdirSync(folder, { recursive: true });
  const path = `${folder}/part-00000-${uuidOf(salt)}.c000.snappy.parquet`;
  await connection.run(`COPY (${sql}) TO ${quoted(path)} (FORMAT parquet, COMPRESSION snappy)`);
}

async function writeDay(connection, root, account, day, rows) {
  const base = `${root}/v1/account_id=${account}`;
  for (const experiment of experiments) {
    const salt = `${account} ${day} ${experiment}`;
    await writePart(connection, `${base}/type=decisions/date=${day}/experiment=${experiment}`, salt,
      decisionsSql(salt, account, day, experiment, rows));
  }
  for (const event of events) {
    const salt = `${account} ${day} ${event}`;
    await writePart(connection, `${base}/type=events/date=${day}/event=${escapeForHive(event)}`, salt,
      conversionsSql(salt, account, day, event, rows));
  }
  for (const type of ["decisions", "events"]) writeFileSync(`${base}/type=${type}/date=${day}/_SUCCESS`, "");
}

async function main() {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: {
    help: { type: "boolean" }, accounts: { type: "string", default: "12345,123456" },
    "first-day": { type: "string", default: "2026-03-01" }, days: { type: "string", default: "3" },
    rows: { type: "string", default: "400" } } });
  if (values.help || positionals.length !== 1) { console.log(usage); process.exit(values.help ? 0 : 2); }
  const root = positionals[0];
  rmSync(`${root}/v1`, { recursive: true, force: true });
  const connection = await (await DuckDBInstance.create(":memory:", { threads: "1" })).connect();
  await connection.run(`CREATE MACRO uuid_of(i, salt) AS md5(i::VARCHAR || salt)::UUID::VARCHAR`);
  await connection.run(`CREATE MACRO at_of(i, salt, day) AS
    epoch_ms(epoch_ms(day::TIMESTAMP) + (hash(i, salt) % 86390000)::BIGINT)::TIMESTAMP_MS`);
  for (const account of values.accounts.split(",")) {
    for (let offset = 0; offset < Number(values.days); offset++) {
      const day = new Date(Date.parse(values["first-day"]) + offset * 86400000).toISOString().slice(0, 10);
      await writeDay(connection, root, account, day, Number(values.rows));
    }
  }
}

await main();
