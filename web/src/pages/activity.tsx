// SPDX-License-Identifier: Apache-2.0
// Who did what, and how much was read each day.
import { useLocation } from "preact-iso";
import { useState } from "preact/hooks";
import { get, withQuery } from "../api/client.ts";
import { asProblem, useLoad } from "../api/load.ts";
import type { ActivityPage as Answer, ActivityRecord, Usage } from "../api/types.ts";
import { Page, ZoneNote } from "../frame.tsx";
import { DayBars } from "../parts/charts.tsx";
import { Empty, LoadedView } from "../parts/states.tsx";
import { toast } from "../parts/toast.tsx";
import { Wrapped } from "../parts/wrapped.tsx";
import { useSigned } from "../session.tsx";
import { actionWords } from "../text/actions.ts";
import { bytes, count, dayNumber, dayOf, exactly, tiny, tinyDay } from "../text/format.ts";

const kDays = 30;

export function ActivityPage() {
  const { session } = useSigned();
  const admin = session.user.role === "admin";
  const { query, route } = useLocation();
  const since = query["since"] ?? "",
    until = query["until"] ?? "",
    user = query["user"] ?? "";
  const path = (before?: string | null) =>
    withQuery("/activity", { since, until, user, before, limit: "100" });
  const records = useLoad<Answer>(path());
  const change = (part: Record<string, string>) =>
    route(withQuery("/activity", { since, until, user, ...part }), true);
  const more = async () => {
    try {
      const next = await get<Answer>(path(records.data!.next));
      records.set({ records: [...records.data!.records, ...next.records], next: next.next });
    } catch (error) {
      toast(asProblem(error).message);
    }
  };
  return (
    <Page
      title="Activity"
      lead={admin ? "What people and tokens of this account did." : "What you and your tokens did."}
    >
      <UsageSection />
      <section class="section" aria-labelledby="log">
        <div class="section-head">
          <h2 id="log">Log</h2>
        </div>
        <div class="row fields">
          <label class="field">
            From
            <input
              class="input"
              type="date"
              value={since}
              onChange={(event) => change({ since: event.currentTarget.value })}
            />
          </label>
          <label class="field">
            To
            <input
              class="input"
              type="date"
              value={until}
              onChange={(event) => change({ until: event.currentTarget.value })}
            />
          </label>
          {admin && (
            <label class="field">
              Person
              <input
                class="input"
                type="email"
                value={user}
                placeholder="everyone"
                onChange={(event) => change({ user: event.currentTarget.value.trim() })}
              />
            </label>
          )}
        </div>
        <LoadedView of={records} what="the log">
          {(data) =>
            data.records.length === 0 ? (
              <Empty title="Nothing here">
                <p>
                  {since || until || user
                    ? "Nothing matches. Choose more days, or everyone."
                    : "As soon as somebody signs in or a token is used, it stands here."}
                </p>
              </Empty>
            ) : (
              <Log records={data.records} />
            )
          }
        </LoadedView>
        {records.data?.next && (
          <div class="row">
            <button class="button" onClick={more}>
              Load older ones
            </button>
          </div>
        )}
        <ZoneNote />
      </section>
    </Page>
  );
}

// "cli:0" is the command line on the server, and the number of the user there.
function nameOf(actor: ActivityRecord["actor"]): string {
  if (actor === null) return "";
  if (typeof actor !== "string") return actor.email;
  return actor.startsWith("cli:") ? "the command line" : actor;
}

// The id of a web session says nothing to people.
function subjectOf(record: ActivityRecord): string {
  if (record.action.startsWith("session.")) return "";
  return record.subject_name ?? record.subject ?? "";
}

function Log({ records }: { records: ActivityRecord[] }) {
  return (
    <table class="stack">
      <thead>
        <tr>
          <th>What</th>
          <th>Who</th>
          <th>On what</th>
          <th>From</th>
          <th>When</th>
        </tr>
      </thead>
      <tbody>
        {records.map((one, i) => (
          <tr key={i}>
            <td class="lead">
              <span class="name">{actionWords(one.action)}</span>{" "}
              {one.count > 1 && <span class="tag">{count(one.count)} times</span>}
              {one.outcome !== "ok" && one.outcome !== "" && (
                <span class="small quiet">{one.outcome}</span>
              )}
            </td>
            <td data-label="Who">
              <span class="wrap" dir="auto">
                <Wrapped text={nameOf(one.actor)} />
              </span>
            </td>
            <td data-label="On what">
              <span class="wrap" dir="auto">
                <Wrapped text={subjectOf(one)} />
              </span>
            </td>
            <td data-label="From">
              <span class="nowrap">{one.from ?? ""}</span>
            </td>
            <td data-label="When">
              <span class="nowrap">{exactly(one.at)}</span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function UsageSection() {
  const [since] = useState(() =>
    dayOf(dayNumber(new Date().toISOString().slice(0, 10)) - kDays + 1),
  );
  const { config } = useSigned();
  const usage = useLoad<Usage>(withQuery("/usage", { since }));
  return (
    <section class="section" aria-labelledby="usage">
      <h2 id="usage">The last 30 days</h2>
      <LoadedView of={usage} what="the figures">
        {(data) => {
          const days = data.days;
          const sum = (pick: (day: Usage["days"][number]) => number) =>
            days.reduce((all, day) => all + pick(day), 0);
          return (
            <>
              <dl class="facts">
                <div>
                  <dt>Exchanges</dt>
                  <dd>{count(sum((day) => day.exchanges))}</dd>
                </div>
                <div>
                  <dt>Requests</dt>
                  <dd>{count(sum((day) => day.requests))}</dd>
                </div>
                <div>
                  <dt>Read</dt>
                  <dd>{bytes(sum((day) => day.bytes_sent))}</dd>
                </div>
                <div>
                  <dt>Events received</dt>
                  <dd>{count(sum((day) => day.events))}</dd>
                </div>
              </dl>
              {!config.own_endpoint && (
                <p class="quiet">
                  Requests and bytes of the bucket are counted by its engine, not here.
                </p>
              )}
              {days.length > 0 && (
                <div class="two even">
                  <UsageBars
                    title="Exchanges a day"
                    days={days}
                    since={since}
                    pick={(day) => day.exchanges}
                    text={tiny}
                  />
                  <UsageBars
                    title="Bytes read a day"
                    days={days}
                    since={since}
                    pick={(day) => day.bytes_sent}
                    text={bytes}
                  />
                </div>
              )}
              <UsageTable days={days} />
            </>
          );
        }}
      </LoadedView>
    </section>
  );
}

interface UsageBarsProps {
  title: string;
  days: Usage["days"];
  since: string;
  pick: (day: Usage["days"][number]) => number;
  text: (value: number) => string;
}

function UsageBars({ title, days, since, pick, text }: UsageBarsProps) {
  const found = new Map(days.map((day) => [day.day, pick(day)]));
  const bars = Array.from({ length: kDays }, (_, i) => {
    const day = dayOf(dayNumber(since) + i);
    const size = found.get(day) ?? 0;
    return { day, size, title: `${day}: ${text(size)}` };
  });
  return (
    <section class="section">
      <h3>{title}</h3>
      <DayBars
        bars={bars}
        text={text}
        wide={500}
        label={`${title}, from ${tinyDay(since)}. The table has the figures.`}
      />
    </section>
  );
}

function UsageTable({ days }: { days: Usage["days"] }) {
  if (days.length === 0) return <p class="quiet">Nothing was read or received in these days.</p>;
  return (
    <details>
      <summary>These figures as a table</summary>
      <table class="stack">
        <thead>
          <tr>
            <th>Day, UTC</th>
            <th class="number">Exchanges</th>
            <th class="number">Requests</th>
            <th class="number">Read</th>
            <th class="number">Events</th>
          </tr>
        </thead>
        <tbody>
          {days
            .slice()
            .reverse()
            .map((day) => (
              <tr key={day.day}>
                <td class="lead">
                  <span class="name">{tinyDay(day.day)}</span>
                </td>
                <td class="number" data-label="Exchanges">
                  <span>{count(day.exchanges)}</span>
                </td>
                <td class="number" data-label="Requests">
                  <span>{count(day.requests)}</span>
                </td>
                <td class="number" data-label="Read">
                  <span>{bytes(day.bytes_sent)}</span>
                </td>
                <td class="number" data-label="Events">
                  <span>{count(day.events)}</span>
                </td>
              </tr>
            ))}
        </tbody>
      </table>
    </details>
  );
}
