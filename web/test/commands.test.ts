// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import {
  fileName,
  kTools,
  sdksMayAsk,
  sharingProfile,
  stepsFor,
  toolsOf,
} from "../src/text/commands.ts";

const place = {
  api: "https://valetkey.example.com",
  endpoint: "https://s3.valetkey.example.com",
  bucket: "optimizely-events-data",
  region: "eu-central-1",
  prefix: "v1/account_id=123/",
  account: "123",
};

test("a token's name becomes a plain file name", () => {
  expect(fileName("Ann’s laptop")).toBe("ann-s-laptop.token");
  expect(fileName("Éclair 🔑; rm -rf /")).toBe("eclair-rm-rf.token");
  expect(fileName("עברית")).toBe("my.token");
});

test("every tool gets the real addresses, and the token stands in no command", () => {
  for (const { value } of kTools) {
    const text = stepsFor(value, place, "job.token")
      .map((step) => step.code)
      .join("\n");
    expect(text, value).toContain(place.api);
    expect(text, value).not.toContain("vkpat_");
    if (value === "sharing") expect(text).toContain("#account-123.export.decisions");
    if (value === "valetkey" || value === "sharing") continue;
    expect(text, value).toContain("s3.valetkey.example.com");
    expect(text, value).toMatch(/account_id(=|%3D)123/);
  }
});

test("over plain HTTP to another machine valetkey stands between", () => {
  expect(sdksMayAsk("http://10.0.0.5:8080")).toBe(false);
  expect(sdksMayAsk("http://127.0.0.1:8080")).toBe(true);
  expect(sdksMayAsk("http://[::1]:8080")).toBe(true);
  const steps = stepsFor("aws", { ...place, api: "http://10.0.0.5:8080" }, "job.token");
  expect(steps[0]!.code).toBe("valetkey configure --api http://10.0.0.5:8080 --allow-http");
  expect(steps[1]!.code).toMatch(/^valetkey credentials-server --exec -- aws /);
});

test("Delta Sharing is offered where there are tables, by the profile that the client writes", () => {
  expect(toolsOf(true).map(({ value }) => value)).toContain("sharing");
  expect(toolsOf(false).map(({ value }) => value)).not.toContain("sharing");
  expect(JSON.parse(sharingProfile("https://a.example", "vkpat_x", null))).toEqual({
    shareCredentialsVersion: 1,
    endpoint: "https://a.example/delta-sharing/",
    bearerToken: "vkpat_x",
  });
  const until = "2027-01-01T00:00:00.000Z";
  expect(JSON.parse(sharingProfile("", "", until)).expirationTime).toBe(until);
});
