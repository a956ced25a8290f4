// SPDX-License-Identifier: Apache-2.0
// Prints the schema of each Parquet file below a folder, a line of JSON a file: its root first, then every node in
// the order of the file, as an unrelated reader parses the footer.
//   node footers.mjs FOLDER
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parquetMetadata } from "hyparquet";

const [folder] = process.argv.slice(2);
for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.name.endsWith(".parquet")) continue;
  const file = join(entry.parentPath ?? entry.path, entry.name);
  const bytes = readFileSync(file);
  const { schema } = parquetMetadata(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  console.log(JSON.stringify({ part: relative(folder, file), schema }));
}
