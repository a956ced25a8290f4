// SPDX-License-Identifier: Apache-2.0
// A job of two and a half hours with the current AWS SDK for JavaScript: one client, credentials from the
// environment, or from the provider that is named, a minute a step. ENDPOINT may be empty: then the environment or
// the profile says it. usage: long_job.mjs ENDPOINT BUCKET PREFIX OFFSET_FILE FOLDER [fromIni|fromProcess|fromHttp]
// Downloads everything into FOLDER at the end; prints the number of calls.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { GetObjectCommand, ListObjectsV2Command, paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import * as providers from "@aws-sdk/credential-providers";

const [endpoint, bucket, prefix, offset, folder, provider] = process.argv.slice(2);
const client = new S3Client({
  region: "us-east-1", forcePathStyle: true, maxAttempts: 1, ...(endpoint ? { endpoint } : {}),
  ...(provider ? { credentials: providers[provider]() } : {}),
});
const start = Number(readFileSync(offset, "utf8"));
let calls = 0;
for (let minute = 0; minute <= 150; minute++) {
  writeFileSync(`${offset}.new`, `+${start + minute * 60}\n`);
  renameSync(`${offset}.new`, offset);
  await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 2 }));
  calls++;
}
for await (const page of paginateListObjectsV2({ client, pageSize: 5 }, { Bucket: bucket, Prefix: prefix })) {
  for (const { Key } of page.Contents ?? []) {
    const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key, ChecksumMode: "ENABLED" }));
    const path = `${folder}/${Key.slice(prefix.length)}`;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, await answer.Body.transformToByteArray());
    calls++;
  }
}
console.log(calls);
