// SPDX-License-Identifier: Apache-2.0
// The export: is yesterday complete, which days are there, and what do rows look like.
import { useLocation } from "preact-iso";
import { useLoad } from "../api/load.ts";
import type {
  Export,
  ExportDay,
  ExportType,
  FirstRows,
  Partition,
  TokenPage,
} from "../api/types.ts";
import { Page } from "../frame.tsx";
import { DayBars, describe, HeatLegend, HeatMap, ticked } from "../parts/charts.tsx";
import { Choice } from "../parts/form.tsx";
import { Empty, LoadedView } from "../parts/states.tsx";
import { useSigned } from "../session.tsx";
import {
  calendar,
  cellsBetween,
  daysOf,
  firstSentence,
  lastShown,
  measure,
  missingDays,
  sizeOf,
  uncountedDays,
} from "../text/days.ts";
import {
  bytes,
  count,
  dayNumber,
  dayOf,
  duration,
  longDay,
  plural,
  several,
  short,
  shortDay,
} from "../text/format.ts";
import { ElsewhereExport } from "./elsewhere.tsx";
import { ExpiryNotice } from "./tokens.tsx";

export const kTypes: { value: ExportType; label: string }[] = [
  { value: "decisions", label: "Decisions" },
  { value: "events", label: "Events" },
];

const kPollMs = 30_000;

export function ExportPage() {
  const { config } = useSigned();
  return config.figures ? <OwnExport /> : <ElsewhereExport />;
}

function OwnExport() {
  const { session } = useSigned();
  const { query, route } = useLocation();
  const type: ExportType = query["type"] === "events" ? "events" : "decisions";
  const loaded = useLoad<Export>("/export", kPollMs);
  const tokens = useLoad<TokenPage>("/tokens?limit=1000");
  const data = loaded.data;
  return (
    <Page
      title="Export"
      lead={data ? firstSentence(data, new Date()) : " "}
      actions={
        data &&
        data.days.length > 0 && (
          <Choice
            legend="Type"
            options={kTypes}
            value={type}
            onChange={(value) =>
              route(value === "events" ? "/export?type=events" : "/export", true)
            }
          />
        )
      }
    >
      {tokens.data && <ExpiryNotice tokens={tokens.data.tokens} email={session.user.email} />}
      <LoadedView of={loaded} what="the export">
        {(found) =>
          found.days.length === 0 ? <NoData data={found} /> : <Days data={found} type={type} />
        }
      </LoadedView>
    </Page>
  );
}

function NoData({ data }: { data: Export }) {
  const { config, session } = useSigned();
  const place = `s3://${config.bucket}/v1/account_id=${session.user.account!.id}/`;
  if (!config.events_url)
    return (
      <Empty title="Nothing has been exported yet">
        <p>
          Days of decisions and events below <code class="wrap">{place}</code> are shown here, a
          minute after they are written.
        </p>
      </Empty>
    );
  return (
    <Empty title="Nothing has been exported yet">
      <p>
        Your applications send events; {duration(config.export_every_s)} later at most they are
        Parquet, and this page shows the days.{" "}
        {data.next_export && "Events that are in already come with the next export."}
      </p>
      <p>
        <a class="button main" href="/start">
          Send sample events
        </a>
      </p>
    </Empty>
  );
}

function Days({ data, type }: { data: Export; type: ExportType }) {
  const { config } = useSigned();
  const days = daysOf(data, type);
  const by = measure(days);
  const uncounted = by === "bytes";
  const rows = days.reduce((sum, one) => sum + (one.rows ?? 0), 0);
  const size = days.reduce((sum, one) => sum + (one.bytes ?? 0), 0);
  const unknown = uncountedDays(days);
  const missing = missingDays(data, type);
  const most = Math.max(0, ...days.map((one) => sizeOf(one, by)));
  const hrefOf = (day: string) => `/export/${type}/${day}`;
  const about = `${uncounted ? "Size" : "Rows"} of ${type} a day`;
  if (days.length === 0)
    return (
      <Empty title={`No ${type} yet`}>
        <p>There are days of the other type: choose it above.</p>
      </Empty>
    );
  const bars = (most: number, wide: number) => {
    const last = lastShown(data, type, most);
    const since = dayOf(Math.max(dayNumber(last) - most + 1, dayNumber(days[0]!.day) - 3));
    const cells = cellsBetween(data, type, since, last);
    return (
      <DayBars
        wide={wide}
        text={(figure) => ticked(figure, by)}
        bars={cells.map((cell) => ({
          day: cell.day,
          size: sizeOf(cell, by),
          title: describe(cell, by),
          href: hrefOf(cell.day),
          ...(cell.state === "open" ? { look: "partial" as const } : {}),
        }))}
        label={`${about}, from ${since} to ${last}. The table of days has the figures.`}
      />
    );
  };
  return (
    <>
      <dl class="facts">
        {!config.listed && (
          <div>
            <dt>Rows</dt>
            <dd>
              {uncounted ? "not counted" : short(rows)}
              {uncounted && <span class="small quiet">of parts imported long ago</span>}
            </dd>
          </div>
        )}
        <div>
          <dt>Size</dt>
          <dd>
            {bytes(size)}
            {unknown > 0 && (
              <span class="small quiet"> of {plural(days.length - unknown, "day")}</span>
            )}
          </dd>
        </div>
        <div>
          <dt>Days</dt>
          <dd>
            {count(days.length)}{" "}
            <span class="small quiet">since {shortDay(days[0]!.day, data.today)}</span>
          </dd>
        </div>
        <div>
          <dt>Days without data</dt>
          <dd>
            {count(missing.length)}{" "}
            <span class="small quiet">
              {several(missing.map((day) => shortDay(day, data.today)).reverse(), 2)}
            </span>
          </dd>
        </div>
        {data.retention_days !== null && (
          <div>
            <dt>Kept for</dt>
            <dd>{plural(data.retention_days, "day")}</dd>
          </div>
        )}
      </dl>
      <div class="two">
        <section class="section" aria-labelledby="cal">
          <h2 id="cal">Days</h2>
          <div class="wide-only">
            <HeatMap
              cells={calendar(data, type, 22)}
              by={by}
              chosen={null}
              hrefOf={hrefOf}
              label={`${about}, 22 weeks.`}
            />
          </div>
          <div class="narrow-only">
            <HeatMap
              cells={calendar(data, type, 12)}
              by={by}
              chosen={null}
              hrefOf={hrefOf}
              label={`${about}, 12 weeks.`}
            />
          </div>
          <HeatLegend most={most} by={by} />
        </section>
        <section class="section" aria-labelledby="bars">
          <h2 id="bars">{uncounted ? "Size a day" : "Rows a day"}</h2>
          <div class="wide-only">{bars(60, 560)}</div>
          <div class="narrow-only">{bars(30, 330)}</div>
        </section>
      </div>
      {config.listed && <ListedNotice unknown={unknown} />}
      <DayTable data={data} type={type} />
      <FirstTenRows type={type} />
    </>
  );
}

function ListedNotice({ unknown }: { unknown: number }) {
  return (
    <p class="small quiet">
      The export lies in a bucket of another engine. Its figures are added up from listings, once a
      minute at most, and listings know no rows.
      {unknown > 0 &&
        ` ${plural(unknown, "day")} would take too many of them: a day’s own page adds it up.`}
    </p>
  );
}

function DayTable({ data, type }: { data: Export; type: ExportType }) {
  const { config } = useSigned();
  const days = daysOf(data, type).slice().reverse();
  const table = (shown: typeof days) => (
    <table class="stack">
      <thead>
        <tr>
          <th>Day, UTC</th>
          {!config.listed && <th class="number">Rows</th>}
          <th class="number">Size</th>
          <th class="number">Parts</th>
          <th>State</th>
        </tr>
      </thead>
      <tbody>
        {shown.map((one) => (
          <tr key={one.day}>
            <td class="lead">
              <a class="name" href={`/export/${type}/${one.day}`}>
                {longDay(one.day, data.today)}
              </a>
            </td>
            <SumCells of={one} rows={!config.listed} />
            <td data-label="State">
              <DayState complete={one.complete} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
  return (
    <section class="section" aria-labelledby="latest">
      <h2 id="latest">Latest days</h2>
      {table(days.slice(0, 7))}
      {days.length > 7 && (
        <details>
          <summary>All {count(days.length)} days</summary>
          {table(days.slice(7))}
        </details>
      )}
    </section>
  );
}

export function SumCells({ of, rows }: { of: ExportDay | Partition; rows: boolean }) {
  return (
    <>
      {rows && (
        <td class="number" data-label="Rows">
          <span>{of.rows === null ? "not counted" : count(of.rows)}</span>
        </td>
      )}
      <td class="number" data-label="Size">
        <span>{of.bytes === null ? "not added up" : bytes(of.bytes)}</span>
      </td>
      <td class="number" data-label="Parts">
        <span>{of.parts === null ? "–" : count(of.parts)}</span>
      </td>
    </>
  );
}

export function DayState({ complete }: { complete: boolean | null }) {
  if (complete === null) return <span class="quiet">–</span>;
  return (
    <span>
      {complete ? (
        <span class="status active">Complete</span>
      ) : (
        <span class="status soon">Not complete</span>
      )}
    </span>
  );
}

function FirstTenRows({ type }: { type: ExportType }) {
  const first = useLoad<FirstRows>(`/export/${type}/rows`);
  return (
    <section class="section" aria-labelledby="rows">
      <h2 id="rows">First rows of the latest part</h2>
      <LoadedView of={first} what="rows">
        {(data) =>
          data.key === null ? (
            <p class="quiet">There is no part yet.</p>
          ) : (
            <div class="scroll" tabIndex={0} role="region" aria-label="Rows, as a table">
              <table class="data">
                <caption class="mono">{data.key}</caption>
                <thead>
                  <tr>
                    {data.columns.map((column) => (
                      <th key={column.name} title={column.type}>
                        {column.name}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {data.rows.map((row, i) => (
                    <tr key={i}>
                      {row.map((cell, j) => (
                        <td key={j} dir="auto">
                          {cell === null ? (
                            <span class="quiet">–</span>
                          ) : (
                            <span class="cell" title={cell}>
                              {cell}
                            </span>
                          )}
                        </td>
                      ))}
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </LoadedView>
    </section>
  );
}
