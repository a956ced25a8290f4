// SPDX-License-Identifier: Apache-2.0
// From a token to data: commands for the tool of one's choice, and what the server has seen so far.
import { useEffect, useState } from "preact/hooks";
import { post } from "../api/client.ts";
import { useLoad, type Loaded } from "../api/load.ts";
import type { NewToken, Seen, Start, Token, TokenPage } from "../api/types.ts";
import { Page } from "../frame.tsx";
import { Code } from "../parts/copy.tsx";
import { Choice, FormView, useForm } from "../parts/form.tsx";
import { LoadedView } from "../parts/states.tsx";
import { useSigned } from "../session.tsx";
import {
  fileName,
  sdkLines,
  sendOne,
  stepsFor,
  toolsOf,
  type Sdk,
  type Step,
  type Tool,
} from "../text/commands.ts";
import { ago, bytes, eventsSoFar, plural, until } from "../text/format.ts";
import { FreshToken } from "./token_parts.tsx";

const kPollMs = 1000;

export function StartPage({ id }: { id?: string }) {
  return id ? <WithToken key={id} id={id} /> : <FirstSteps />;
}

function WithToken({ id }: { id: string }) {
  const token = useLoad<Token>(`/tokens/${encodeURIComponent(id)}`);
  const name = token.data?.name ?? "your token";
  return (
    <Page
      title={`Get started with “${name}”`}
      trail={
        <>
          <a href="/tokens">Tokens</a> /{" "}
          <a href={`/tokens/${id}`}>
            <bdi>{name}</bdi>
          </a>
        </>
      }
      lead="Everything below is filled in for your account, except the token: it stays in a file, out of your shell’s history."
    >
      <LoadedView of={token} what="the token">
        {(data) =>
          data.state === "active" ? (
            <Guide token={data} />
          ) : (
            <div class="notice warn">
              <p>
                This token no longer works. <a href="/tokens/new">Generate another</a>.
              </p>
            </div>
          )
        }
      </LoadedView>
    </Page>
  );
}

// Without a token of one's own the first button makes one.
function FirstSteps() {
  const { session } = useSigned();
  const tokens = useLoad<TokenPage>("/tokens?limit=1000");
  const [made, setMade] = useState<NewToken | null>(null);
  const form = useForm(
    {},
    () => ({}),
    async () =>
      setMade(
        await post<NewToken>("/tokens", {
          name: "my first token",
          scopes: ["export"],
          expires_in: "90d",
        }),
      ),
  );
  const own = (tokens.data?.tokens ?? []).filter(
    (one) =>
      one.user === session.user.email && one.state === "active" && one.scopes.includes("export"),
  );
  const latest = own[own.length - 1] ?? null;
  return (
    <Page title="Get started" lead="From here to rows on your screen takes two minutes.">
      {made ? (
        <FreshToken made={made} start={false} />
      ) : (
        <LoadedView of={tokens} what="your tokens">
          {() =>
            latest ? (
              <p>
                You have {plural(own.length, "token")} already: the latest is{" "}
                <a href={`/tokens/${latest.id}/start`}>
                  <bdi>“{latest.name}”</bdi>
                </a>
                . <a href="/tokens/new">Generate another</a> for another tool.
              </p>
            ) : (
              <section class="notice" aria-labelledby="first">
                <h2 id="first">First, a token</h2>
                <p>
                  A tool proves with it that it may read your export. This one works for 90 days;
                  you can revoke it at any time.
                </p>
                <FormView form={form} button="Generate my first token" busyText="Generating…" />
              </section>
            )
          }
        </LoadedView>
      )}
      <Guide token={made ?? latest} />
    </Page>
  );
}

function Guide({ token }: { token: Token | null }) {
  const { config, session } = useSigned();
  const [tool, setTool] = useState<Tool>("aws");
  const start = useLoad<Start>("/start", kPollMs);
  const account = session.user.account?.id ?? "";
  const place = {
    endpoint: config.s3_endpoint,
    bucket: config.bucket,
    region: config.region,
    prefix: `v1/account_id=${account}/`,
    ...start.data?.place,
    api: config.api_url,
    account,
  };
  const steps = stepsFor(tool, place, fileName(token?.name ?? "my first token"));
  return (
    <div class="split">
      <div class="section">
        <Choice legend="Tool" options={toolsOf(config.tables)} value={tool} onChange={setTool} />
        <ol class="steps">
          {steps.map((step) => (
            <OneStep key={step.title} step={step} />
          ))}
        </ol>
        <Sending account={place.account} start={start} />
      </div>
      <aside class="aside" aria-label="Progress and addresses">
        <Watch token={token} />
        <section class="section" aria-labelledby="facts">
          <h2 id="facts">Your addresses</h2>
          <dl>
            <div>
              <dt>API</dt>
              <dd>{place.api}</dd>
            </div>
            <div>
              <dt>S3 endpoint</dt>
              <dd>{place.endpoint}</dd>
            </div>
            <div>
              <dt>Bucket</dt>
              <dd>{place.bucket}</dd>
            </div>
            <div>
              <dt>Prefix</dt>
              <dd>{place.prefix}</dd>
            </div>
            <div>
              <dt>Region</dt>
              <dd>{place.region}</dd>
            </div>
          </dl>
          {config.mixed_content && (
            <p class="small quiet">
              This page came over HTTPS, but the S3 endpoint speaks plain HTTP: browsers do not read
              it from here. Tools do.
            </p>
          )}
        </section>
      </aside>
    </div>
  );
}

function OneStep({ step }: { step: Step }) {
  return (
    <li>
      <div>
        <h2>{step.title}</h2>
        {step.text && <p>{step.text}</p>}
        <Code text={step.code} label={step.title.toLowerCase()} />
        {step.note && <p class="small quiet">{step.note}</p>}
      </div>
    </li>
  );
}

function Tick({ done, title, children }: { done: boolean; title: string; children: string }) {
  return (
    <li class={done ? "seen" : ""}>
      <svg viewBox="0 0 24 24" aria-hidden="true">
        {done ? (
          <path d="m5 12.5 4.5 4.5L19 7.5" />
        ) : (
          <circle cx="12" cy="12" r="8" stroke-dasharray="3 3" />
        )}
      </svg>
      <span>
        {title}
        <span class="visually-hidden">{done ? ", done" : ", waiting"}</span>
        <span class="small">{children}</span>
      </span>
    </li>
  );
}

function from(sight: { at: string; from: string | null }, now: Date): string {
  return `${ago(sight.at, now)}${sight.from ? ` from ${sight.from}` : ""}`;
}

// Each tick comes within two seconds of its happening. Screen readers hear the ticks, not the clock.
function Watch({ token }: { token: Token | null }) {
  const { config } = useSigned();
  const seen = useLoad<Seen>(token ? `/tokens/${token.id}/seen` : null, kPollMs);
  const [said, setSaid] = useState("");
  const {
    exchange,
    listing,
    first_bytes: read,
  } = seen.data ?? { exchange: null, listing: null, first_bytes: null };
  const now = new Date(seen.data?.now ?? Date.now());
  const latest = read
    ? "First bytes read."
    : listing
      ? "Days listed."
      : exchange
        ? "Token exchanged."
        : "";
  useEffect(() => setSaid(latest), [latest]);
  return (
    <section class="section" aria-labelledby="seen">
      <h2 id="seen">What we have seen</h2>
      <p class="visually-hidden" role="status">
        {said}
      </p>
      {seen.problem && <p class="small error">{seen.problem.message}</p>}
      <ul class="watch">
        <Tick done={!!exchange} title="Token exchanged">
          {exchange ? from(exchange, now) : token ? "waiting for your tool" : "needs a token"}
        </Tick>
        {config.own_endpoint && (
          <>
            <Tick done={!!listing} title="Days listed">
              {listing ? from(listing, now) : "waiting for a listing"}
            </Tick>
            <Tick done={!!read} title="First bytes read">
              {read ? `${from(read, now)}, ${bytes(read.bytes)}` : "waiting; copy a part to finish"}
            </Tick>
          </>
        )}
      </ul>
      {!config.own_endpoint && (
        <p class="small quiet">
          Listing and reading go to the bucket’s own engine: this server does not see them.
        </p>
      )}
    </section>
  );
}

// Events come in; the export follows. Both tick by themselves.
function Sending({ account, start }: { account: string; start: Loaded<Start> }) {
  const { config } = useSigned();
  const [sdk, setSdk] = useState<Sdk>("javascript");
  const [sent, setSent] = useState("");
  const form = useForm(
    {},
    () => ({}),
    async () => {
      const answer = await post<{ events: number; decisions: number }>("/samples");
      setSent(
        `${plural(answer.decisions, "decision")} and ${plural(answer.events, "conversion")} are in.`,
      );
      void start.reload();
    },
  );
  const data = start.data;
  const now = new Date(data?.now ?? Date.now());
  // Somebody else fills that bucket: there is nothing to send here.
  if (config.events_url === null && (!config.figures || config.listed)) return null;
  return (
    <section class="section apart" aria-labelledby="sending">
      <h2 id="sending">{data?.first_export ? "More events" : "No data yet?"}</h2>
      <p>
        Your applications send decisions and conversions; the server writes them into the export
        {data?.next_export ? ` ${until(data.next_export, now)}` : ""}. To try it, send some made-up
        ones.
      </p>
      {config.events_url === null ? (
        <p class="notice warn">This server takes no events: its operator switched that off.</p>
      ) : (
        <>
          <FormView form={form} button="Send sample events" busyText="Sending…" quiet />
          {sent && <p role="status">{sent}</p>}
          <ul class="watch">
            <Tick done={!!data?.first_event_day} title="First event received">
              {data?.first_event_day
                ? eventsSoFar(
                    data.first_event_day,
                    data.events_received_today,
                    data.now.slice(0, 10),
                  )
                : "waiting"}
            </Tick>
            <Tick done={!!data?.first_export} title="First export written">
              {data?.first_export
                ? ago(data.first_export, now) +
                  (data.rows_exported === null
                    ? ""
                    : `; ${plural(data.rows_exported, "row")} in all`)
                : data?.next_export
                  ? `due ${until(data.next_export, now)}`
                  : "waiting"}
            </Tick>
          </ul>
          {data?.first_export && config.figures && (
            <p>
              <a href="/export">See the rows</a>
            </p>
          )}
          <details>
            <summary>Send your own events</summary>
            <div class="section">
              <p>One decision and one purchase with curl; no token is needed to send.</p>
              <Code text={sendOne(config.events_url, account)} label="send one event" />
              <Choice
                legend="SDK"
                value={sdk}
                onChange={setSdk}
                options={[
                  { value: "javascript", label: "JavaScript SDK" },
                  { value: "python", label: "Python SDK" },
                ]}
              />
              <Code text={sdkLines(sdk, config.events_url)} label="point the SDK at it" />
            </div>
          </details>
        </>
      )}
    </section>
  );
}
