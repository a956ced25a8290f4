// SPDX-License-Identifier: Apache-2.0
// DuckDB in a worker, which has a policy of its own: it alone may compile WebAssembly and talk to the
// S3 endpoint. It holds temporary credentials of the session, in memory. Loaded when a query first runs.
import { AsyncDuckDB, type AsyncDuckDBConnection, VoidLogger } from "@duckdb/duckdb-wasm";
import workerUrl from "@duckdb/duckdb-wasm/dist/duckdb-browser-eh.worker.js?url";
import { post } from "../api/client.ts";
import type { Credentials } from "../api/types.ts";
import { isListing, quoted } from "./sql.ts";

export interface Column {
  name: string;
  type: string;
}

export interface Result {
  columns: Column[];
  rows: (string | null)[][];
  more: boolean; // there were more rows than were asked for
}

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): {
    createScriptURL: (url: string) => string;
  };
}

// The one address that a worker may be made from.
const policy = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy(
  "valetkey",
  {
    createScriptURL: (url) => {
      if (url !== workerUrl) throw new TypeError("not the query worker");
      return url;
    },
  },
);

type Table = Awaited<ReturnType<AsyncDuckDBConnection["query"]>>;

function textOf(table: Table, known: Column[] | null, limit: number): Result {
  const columns =
    known ??
    table.schema.fields.map((field: { name: string }) => ({ name: field.name, type: "VARCHAR" }));
  const rows: Result["rows"] = [];
  for (let i = 0; i < Math.min(table.numRows, limit); ++i)
    rows.push(
      columns.map((_: Column, j: number) => {
        const cell: unknown = table.getChildAt(j)?.get(i) ?? null;
        return cell === null ? null : String(cell);
      }),
    );
  return { columns, rows, more: table.numRows > limit };
}

const kFreshMs = 10 * 60_000;

export class Engine {
  private database: AsyncDuckDB | null = null;
  private expires = 0;

  constructor(private readonly url: string) {}

  // Runs the statements that make the views, then `sql`; at most `limit` rows come back, as text.
  async run(views: string[], sql: string, limit: number): Promise<Result> {
    const database = (this.database ??= await this.open());
    const connection = await database.connect();
    try {
      if (Date.now() > this.expires - kFreshMs)
        for (const statement of await this.credentials()) await connection.query(statement);
      for (const statement of views) await connection.query(statement);
      if (isListing(sql)) return textOf(await connection.query(sql), null, limit);
      await connection.query(`CREATE OR REPLACE TEMP VIEW valetkey_result AS\n${sql}`);
      const described = await connection.query("DESCRIBE valetkey_result");
      const columns: Column[] = described.toArray().map((row: Record<string, unknown>) => ({
        name: String(row["column_name"]),
        type: String(row["column_type"]),
      }));
      const cells = columns.map((_, i) => `#${i + 1}::VARCHAR`).join(", ");
      return textOf(
        await connection.query(`SELECT ${cells} FROM valetkey_result LIMIT ${limit + 1}`),
        columns,
        limit,
      );
    } finally {
      // A worker that was ended in between does not answer any more.
      if (this.database === database) await connection.close();
    }
  }

  // Ends what runs; the next query starts a new worker.
  stop(): void {
    void this.database?.terminate();
    this.database = null;
    this.expires = 0;
  }

  private async open(): Promise<AsyncDuckDB> {
    const worker = new Worker(policy ? policy.createScriptURL(workerUrl) : workerUrl);
    const database = new AsyncDuckDB(new VoidLogger(), worker);
    await database.instantiate(new URL(this.url, location.origin).href);
    await database.open({ query: { castTimestampToDate: false } });
    return database;
  }

  private async credentials(): Promise<string[]> {
    const { credentials, endpoint, region } = await post<Credentials>("/credentials");
    this.expires = credentials.expiration;
    return Object.entries({
      s3_endpoint: endpoint,
      s3_region: region,
      s3_access_key_id: credentials.accessKeyId,
      s3_secret_access_key: credentials.secretAccessKey,
      s3_session_token: credentials.sessionToken,
    }).map(([name, value]) => `SET ${name} = ${quoted(value)}`);
  }
}
