// SPDX-License-Identifier: Apache-2.0
// Commands to paste, tool by tool, with the real addresses. The token stands in none of them: it is
// read without echo into a file. tests/e2e/test_console_pages.py runs what this makes.
export type Tool =
  "valetkey" | "aws" | "boto3" | "duckdb" | "spark" | "rclone" | "curl" | "sharing";

export const kTools: { value: Tool; label: string }[] = [
  { value: "valetkey", label: "valetkey" },
  { value: "aws", label: "AWS CLI" },
  { value: "boto3", label: "boto3" },
  { value: "duckdb", label: "DuckDB" },
  { value: "spark", label: "Spark" },
  { value: "rclone", label: "rclone" },
  { value: "curl", label: "curl" },
  { value: "sharing", label: "Delta Sharing" },
];

// Those of a server that keeps tables, or of one that does not.
export function toolsOf(tables: boolean): typeof kTools {
  return kTools.filter(({ value }) => tables || value !== "sharing");
}

// What `valetkey configure share` writes: a profile of Delta Sharing, which holds the token.
export function sharingProfile(api: string, token: string, expires: string | null): string {
  const profile = {
    shareCredentialsVersion: 1,
    endpoint: `${api}/delta-sharing/`,
    bearerToken: token,
    ...(expires ? { expirationTime: expires } : {}),
  };
  return `${JSON.stringify(profile)}\n`;
}

export interface Place {
  api: string; // without a slash at its end
  endpoint: string;
  bucket: string;
  region: string;
  prefix: string; // of the account
  account: string;
}

export interface Step {
  title: string;
  text?: string;
  code: string;
  note?: string;
}

// A file name from a token's name: "Ann’s laptop" is ann-s-laptop.
export function fileName(name: string): string {
  const plain = name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 40);
  return `${plain || "my"}.token`;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d+){3}$/.test(host);
}

// SDKs fetch credentials by themselves over HTTPS, and over plain HTTP on their own machine only.
export function sdksMayAsk(api: string): boolean {
  const address = new URL(api);
  return address.protocol === "https:" || isLoopback(address.hostname);
}

function prefix(place: Place): string {
  return `${place.bucket}/${place.prefix}`;
}

function save(file: string): Step {
  return {
    title: "Save the token",
    text: "Run this, paste the token, press Enter. Nothing is echoed.",
    code: `mkdir -p ~/.config/valetkey && (umask 077
  read -rs TOKEN && printf %s "Bearer $TOKEN" > ~/.config/valetkey/${file})`,
  };
}

function configure(place: Place): Step {
  const http = sdksMayAsk(place.api) ? "" : " --allow-http";
  return {
    title: "Set the client up, once",
    text: "It asks for the token, tries it, and saves it where only you can read it. Nothing is echoed.",
    code: `valetkey configure --api ${place.api}${http}`,
  };
}

function environment(place: Place, file: string): Step {
  return {
    title: "Let the tool fetch credentials by itself",
    text: "It asks again before they expire, so a job may run for days.",
    code: `export AWS_REGION=${place.region} AWS_DEFAULT_REGION=${place.region}
export AWS_CONTAINER_CREDENTIALS_FULL_URI=${place.api}/v2/export/credentials/container
export AWS_CONTAINER_AUTHORIZATION_TOKEN="$(cat ~/.config/valetkey/${file})"`,
  };
}

// The two steps before an SDK's own, and what its command begins with.
function prepare(place: Place, file: string): { steps: Step[]; begin: string } {
  if (sdksMayAsk(place.api)) return { steps: [save(file), environment(place, file)], begin: "" };
  return {
    steps: [
      {
        ...configure(place),
        note: "SDKs refuse plain HTTP to another machine. So valetkey stands between, on this one.",
      },
    ],
    begin: "valetkey credentials-server --exec -- ",
  };
}

export function stepsFor(tool: Tool, place: Place, file: string): Step[] {
  const { steps, begin } = prepare(place, file);
  const where = prefix(place);
  const host = place.endpoint.replace(/^https?:\/\//, "");
  const tls = place.endpoint.startsWith("https:");
  switch (tool) {
    case "valetkey":
      return [
        configure(place),
        { title: "See your data", code: "valetkey ls" },
        {
          title: "Copy it, or ask it",
          code: `valetkey sync --last 7d --output ./data
valetkey query "SELECT experiment_id, count(*) FROM decisions GROUP BY 1"`,
        },
      ];
    case "aws":
      return [
        ...steps,
        {
          title: "See your data, and copy it",
          code: `${begin}aws --endpoint-url ${place.endpoint} s3 ls s3://${where}
${begin}aws --endpoint-url ${place.endpoint} s3 sync s3://${where} ./data`,
          note:
            "Keep the last slash: without it the answer is AccessDenied." +
            (place.api.startsWith("https:")
              ? " An AWS CLI before 2.13 cannot fetch credentials from an https:// address: choose valetkey above."
              : ""),
        },
      ];
    case "boto3":
      return [
        ...steps,
        {
          title: "Read your data",
          code: `${begin}python3 - <<'EOF'
import boto3
s3 = boto3.client("s3", endpoint_url="${place.endpoint}", region_name="${place.region}")
found = s3.list_objects_v2(Bucket="${place.bucket}", Prefix="${place.prefix}", MaxKeys=10)
for part in found.get("Contents", []):
    print(part["Key"], part["Size"])
    s3.download_file("${place.bucket}", part["Key"], "latest.part")
EOF`,
        },
      ];
    case "duckdb":
      return [
        ...steps,
        {
          title: "Ask your data",
          code: `${begin}duckdb -c "
INSTALL httpfs; LOAD httpfs; INSTALL aws; LOAD aws;
CREATE SECRET (TYPE s3, PROVIDER credential_chain, ENDPOINT '${host}', URL_STYLE 'path', USE_SSL ${tls}, REGION '${place.region}');
SELECT experiment_id, variation_id, count(DISTINCT visitor_id) AS visitors
FROM read_parquet('s3://${where}type=decisions/*/*/*.parquet', hive_partitioning = false)
GROUP BY ALL ORDER BY ALL;"`,
          note: "If DuckDB finds no credentials, put “valetkey credentials-server --exec --” before it.",
        },
      ];
    case "spark":
      return [
        ...steps,
        {
          title: "Read your data",
          text: "Hadoop 3.4 or newer.",
          code: `${begin}spark-shell \\
  --conf spark.hadoop.fs.s3a.endpoint=${place.endpoint} \\
  --conf spark.hadoop.fs.s3a.path.style.access=true \\
  --conf spark.hadoop.fs.s3a.aws.credentials.provider=software.amazon.awssdk.auth.credentials.ContainerCredentialsProvider <<'EOF'
spark.read.option("basePath", "s3a://${where}type=decisions/").parquet("s3a://${where}type=decisions/").show(10)
EOF`,
        },
      ];
    case "rclone":
      return [
        ...steps,
        {
          title: "Copy your data",
          code: `${begin}rclone copy ":s3,provider=Other,env_auth=true,endpoint='${place.endpoint}',region=${place.region}:${where}" ./data`,
          ...(begin ? {} : { note: "rclone 1.68 or newer where the address is https://." }),
        },
      ];
    case "sharing":
      return [
        configure(place),
        {
          title: "Write the profile",
          text: "It holds the token; only you can read it. A new token’s page offers it as a download, too.",
          code: "valetkey configure share --output valetkey.share",
        },
        {
          title: "Read your data",
          code: `python3 - <<'EOF'
import delta_sharing
decisions = delta_sharing.load_as_pandas("valetkey.share#account-${place.account}.export.decisions")
print(decisions.groupby("variation_id")["visitor_id"].nunique())
EOF`,
          note: "pip install delta-sharing. In Power BI: Get data, Delta Sharing, with the endpoint and the token of the profile.",
        },
      ];
    case "curl":
      return [
        save(file),
        {
          title: "Exchange the token for credentials",
          code: `eval "$(printf 'header = "Authorization: %s"' "$(cat ~/.config/valetkey/${file})" |
  curl -sS --config - ${place.api}/v2/export/credentials |
  jq -r '.credentials | "KEY_ID=\\(.accessKeyId) SECRET=\\(.secretAccessKey) SESSION=\\(.sessionToken)"')"`,
          note: "They live for an hour.",
        },
        {
          title: "See your data",
          code: `printf 'user = "%s:%s"\\nheader = "x-amz-security-token: %s"\\n' "$KEY_ID" "$SECRET" "$SESSION" |
  curl -sS --config - --aws-sigv4 "aws:amz:${place.region}:s3" -H "x-amz-content-sha256: UNSIGNED-PAYLOAD" \\
  "${place.endpoint}/${place.bucket}?list-type=2&prefix=${encodeURIComponent(place.prefix)}"`,
        },
      ];
  }
}

// One decision and one purchase, as an SDK sends them.
export function sendOne(eventsUrl: string, account: string): string {
  return `curl -i -H 'Content-Type: application/json' ${eventsUrl} -d '{
  "account_id": "${account}", "visitors": [{"visitor_id": "visitor 7", "snapshots": [{
    "decisions": [{"campaign_id": "4", "experiment_id": "42", "variation_id": "B"}],
    "events": [{"uuid": "'$(cat /proc/sys/kernel/random/uuid)'", "timestamp": '$(date +%s%3N)', "type": "campaign_activated", "entity_id": "4"},
               {"uuid": "'$(cat /proc/sys/kernel/random/uuid)'", "timestamp": '$(date +%s%3N)', "key": "purchase", "revenue": 3995}]}]}]}'`;
}

export type Sdk = "javascript" | "python";

export function sdkLines(sdk: Sdk, eventsUrl: string): string {
  if (sdk === "python")
    return `class ToValetkey:
    @staticmethod
    def dispatch_event(event):
        requests.post("${eventsUrl}", json=event.params, timeout=10).raise_for_status()

client = optimizely.Optimizely(datafile, event_dispatcher=ToValetkey)`;
  return `const url = "${eventsUrl}";
const client = createInstance({
  projectConfigManager: createPollingProjectConfigManager({ sdkKey }),
  eventProcessor: createBatchEventProcessor({
    eventDispatcher: { dispatchEvent: (event) => eventDispatcher.dispatchEvent({ ...event, url }) } }) });`;
}
