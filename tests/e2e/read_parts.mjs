// SPDX-License-Identifier: Apache-2.0
// Prints each row of the Parquet files below a folder as a line of JSON, as one of two unrelated readers sees it:
//   node read_parts.mjs duckdb|hyparquet FOLDER
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";

const [reader, folder] = process.argv.slice(2);

async function* withDuckdb(file) {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const quoted = file.replaceAll("'", "''");
  const answer = await connection.runAndReadAll(
    `SELECT * FROM read_parquet(['${quoted.replaceAll(/[[*?]/g, "[$&]")}'], hive_partitioning = false)`);
  yield* answer.getRowObjectsJson();
}

async function* withHyparquet(file) {
  const bytes = readFileSync(file);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  yield* await parquetReadObjects({ file: buffer, compressors });
}

const plain = (key, value) => (typeof value === "bigint" ? Number(value) : value);
for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.name.endsWith(".parquet")) continue;
  const file = join(entry.parentPath ?? entry.path, entry.name);
  for await (const row of reader === "duckdb" ? withDuckdb(file) : withHyparquet(file)) {
    if (reader === "duckdb" && row.revenue != null) row.revenue = Number(row.revenue);
    console.log(JSON.stringify({ ...row, _part: relative(folder, file) }, plain));
  }
}
