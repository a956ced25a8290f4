// SPDX-License-Identifier: Apache-2.0
// One day: its experiments or events, their parts, and each part as a download.
import { useState } from "preact/hooks";
import { get, post, withQuery } from "../api/client.ts";
import { asProblem, useLoad } from "../api/load.ts";
import type { DayPage as DayAnswer, ExportType, Part, PartPage, Partition } from "../api/types.ts";
import { Page } from "../frame.tsx";
import { Empty, LoadedView } from "../parts/states.tsx";
import { toast } from "../parts/toast.tsx";
import { useSigned } from "../session.tsx";
import { bytes, count, dayNumber, dayOf, longDay, moment, plural } from "../text/format.ts";
import { NotFoundPage } from "./not_found.tsx";
import { ElsewhereExport } from "./elsewhere.tsx";
import { DayState, SumCells } from "./export.tsx";

interface DayProps {
  type?: string;
  day?: string;
  query?: Record<string, string>;
}

// The partition is no part of the path: its name may hold anything.
export function DayPage({ type, day, query }: DayProps) {
  const { config } = useSigned();
  const partition = query?.["partition"];
  if (!config.figures) return <ElsewhereExport />;
  if ((type !== "decisions" && type !== "events") || !day || !isDay(day)) return <NotFoundPage />;
  return partition ? (
    <PartsPage type={type} day={day} partition={partition} />
  ) : (
    <OneDay key={`${type}${day}`} type={type} day={day} />
  );
}

function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(dayNumber(text));
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

function plainName(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

interface OneDayProps {
  type: ExportType;
  day: string;
}

function OneDay({ type, day }: OneDayProps) {
  const path = `/export/${type}/${day}`;
  const { config } = useSigned();
  const loaded = useLoad<DayAnswer>(`${path}?limit=1000`);
  const data = loaded.data;
  const what = type === "decisions" ? "Experiment" : "Event";
  const more = async () => {
    try {
      const next = await get<DayAnswer>(withQuery(path, { limit: "1000", after: data!.next }));
      loaded.set({ ...next, partitions: [...data!.partitions, ...next.partitions] });
    } catch (error) {
      toast(asProblem(error).message);
    }
  };
  const step = (by: number) => `/export/${type}/${dayOf(dayNumber(day) + by)}`;
  return (
    <Page
      title={longDay(day, today())}
      trail={
        <>
          <a href={type === "events" ? "/export?type=events" : "/export"}>Export</a> / {type}
        </>
      }
      lead={data ? summary(data, config.listed) : " "}
      actions={
        <>
          <a class="button" href={step(-1)}>
            Day before
          </a>
          {day < today() && (
            <a class="button" href={step(1)}>
              Day after
            </a>
          )}
        </>
      }
    >
      <LoadedView of={loaded} what="the day">
        {(found) =>
          found.partitions.length === 0 ? (
            <Empty title={`No ${type} on this day`}>
              <p>
                {found.complete
                  ? "The day is closed: nothing came."
                  : "The day is still open; what comes is shown after the next export."}
              </p>
            </Empty>
          ) : (
            <section class="section" aria-labelledby="names">
              <div class="section-head">
                <h2 id="names">{what}s</h2>
                <DayState complete={found.complete} />
              </div>
              <table class="stack">
                <thead>
                  <tr>
                    <th>{what}</th>
                    {!config.listed && <th class="number">Rows</th>}
                    <th class="number">Size</th>
                    <th class="number">Parts</th>
                    <th>
                      <span class="visually-hidden">Download</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {found.partitions.map((one) => (
                    <Row key={one.partition} of={one} base={path} rows={!config.listed} />
                  ))}
                </tbody>
              </table>
              {found.next && (
                <div class="row">
                  <button class="button" onClick={more}>
                    Load more
                  </button>
                </div>
              )}
              <p>
                <a href={queryLink(type, day)}>Ask this day in SQL</a>
              </p>
            </section>
          )
        }
      </LoadedView>
    </Page>
  );
}

function queryLink(type: ExportType, day: string): string {
  return `/query#${new URLSearchParams({ since: day, until: day, sql: `SELECT * FROM ${type} LIMIT 20` })}`;
}

function summary(data: DayAnswer, listed: boolean): string {
  if (data.bytes === null || data.parts === null)
    return "The day has more parts than can be added up at once. Days are UTC.";
  const size = `${bytes(data.bytes)} in ${plural(data.parts, "part")}. Days are UTC.`;
  if (listed) return size;
  return `${data.rows === null ? "Rows not counted" : plural(data.rows, "row")}, ${size}`;
}

function Row({ of, base, rows }: { of: Partition; base: string; rows: boolean }) {
  const href = withQuery(base, { partition: of.partition });
  return (
    <tr>
      <td class="lead">
        <a class="name mono" href={href} dir="auto">
          {of.value}
        </a>
      </td>
      <SumCells of={of} rows={rows} />
      <td class="act number">
        <a class="button plain" href={href} aria-label={`Parts of ${of.value}`}>
          Parts
        </a>
      </td>
    </tr>
  );
}

function PartsPage({ type, day, partition }: OneDayProps & { partition: string }) {
  const base = `/export/${type}/${day}`;
  const path = `${base}/parts`;
  const loaded = useLoad<PartPage>(withQuery(path, { partition, limit: "1000" }));
  const { config } = useSigned();
  const value = plainName(partition.slice(partition.indexOf("=") + 1));
  const more = async () => {
    try {
      const next = await get<PartPage>(
        withQuery(path, { partition, limit: "1000", after: loaded.data!.next }),
      );
      loaded.set({ parts: [...loaded.data!.parts, ...next.parts], next: next.next });
    } catch (error) {
      toast(asProblem(error).message);
    }
  };
  return (
    <Page
      title={value}
      lead="Each part is one Parquet file. Download it here, or read its address with a tool."
      trail={
        <>
          <a href="/export">Export</a> / {type} / <a href={base}>{longDay(day, today())}</a>
        </>
      }
    >
      {config.mixed_content && (
        <p class="notice warn">
          The S3 endpoint speaks plain HTTP: your browser may warn about the download or block it.
        </p>
      )}
      <LoadedView of={loaded} what="the parts">
        {(data) => (
          <section class="section" aria-labelledby="parts">
            <h2 id="parts" class="visually-hidden">
              Parts
            </h2>
            <table class="stack">
              <thead>
                <tr>
                  <th>Part</th>
                  {!config.listed && <th class="number">Rows</th>}
                  <th class="number">Size</th>
                  <th>Written</th>
                  <th>
                    <span class="visually-hidden">Download</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {data.parts.map((part) => (
                  <PartRow key={part.key} part={part} />
                ))}
              </tbody>
            </table>
            {data.next && (
              <div class="row">
                <button class="button" onClick={more}>
                  Load more
                </button>
              </div>
            )}
          </section>
        )}
      </LoadedView>
    </Page>
  );
}

function PartRow({ part }: { part: Part }) {
  const { config } = useSigned();
  const name = part.key.slice(part.key.lastIndexOf("/") + 1);
  const [busy, setBusy] = useState(false);
  const download = async () => {
    setBusy(true);
    try {
      const { url } = await post<{ url: string }>("/export/link", { key: part.key });
      location.assign(url); // an attachment: this page stays
    } catch (error) {
      toast(asProblem(error).message);
    } finally {
      setBusy(false);
    }
  };
  return (
    <tr>
      <td class="lead">
        <span class="mono small wrap">{name}</span>
        <details class="small">
          <summary>Address</summary>
          <code class="wrap">
            s3://{config.bucket}/{part.key}
          </code>
        </details>
      </td>
      {!config.listed && (
        <td class="number" data-label="Rows">
          <span>{part.rows === null ? "not counted" : count(part.rows)}</span>
        </td>
      )}
      <td class="number" data-label="Size">
        <span>{bytes(part.bytes)}</span>
      </td>
      <td data-label="Written">
        <span class="nowrap">{moment(part.modified, new Date())}</span>
      </td>
      <td class="act number">
        <button
          class="button plain"
          aria-disabled={busy}
          aria-label={`Download ${name}`}
          onClick={download}
        >
          Download
        </button>
      </td>
    </tr>
  );
}
