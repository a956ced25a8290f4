// SPDX-License-Identifier: Apache-2.0
// Prints what DuckDB answers to a query as JSON, numbers as numbers:
//   node query.mjs SQL
import { DuckDBInstance } from "@duckdb/node-api";

const connection = await (await DuckDBInstance.create(":memory:")).connect();
const answer = await connection.runAndReadAll(process.argv[2]);
const plain = (key, value) => (typeof value === "bigint" ? Number(value) : value);
console.log(JSON.stringify(answer.getRowObjectsJS(), plain));
