// SPDX-License-Identifier: Apache-2.0
// Our charts: plain SVG with classes, no style attributes. What they show stands in a table too.
import { useLocation } from "preact-iso";
import type { Day } from "../api/types.ts";
import { axis, sizeOf, type Cell } from "../text/days.ts";
import { bytes, monthName, plural, tiny, tinyDay } from "../text/format.ts";

type Measure = "rows" | "bytes";

function said(size: number, by: Measure): string {
  return by === "rows" ? plural(size, "row") : bytes(size);
}

export function ticked(size: number, by: Measure): string {
  return by === "rows" ? tiny(size) : bytes(size);
}

export function describe(cell: Cell, by: Measure): string {
  if (cell.state === "none") return `${cell.day}: no data`;
  if (cell.state === "before" || cell.state === "future") return cell.day;
  const open = cell.state === "open" ? ", not complete" : "";
  if (cell.has && cell.bytes === null) return `${cell.day}: not added up`;
  return `${cell.day}: ${said(sizeOf(cell, by), by)}${open}`;
}

interface HeatProps {
  cells: Cell[]; // whole weeks, Monday first
  by: Measure;
  label: string;
  chosen: Day | null;
  hrefOf: (day: Day) => string;
}

const kCell = 16,
  kStep = 22,
  kLeft = 31,
  kTop = 19;

export function HeatMap({ cells, by, label, chosen, hrefOf }: HeatProps) {
  const { route } = useLocation();
  const weeks = Math.ceil(cells.length / 7);
  const width = kLeft + weeks * kStep;
  return (
    <svg
      class="heat"
      width={width}
      height="172"
      viewBox={`0 0 ${width} 172`}
      role="img"
      aria-label={label}
    >
      {[
        [0, "Mon"],
        [2, "Wed"],
        [4, "Fri"],
        [6, "Sun"],
      ].map(([row, name]) => (
        <text key={name} x="0" y={kTop + Number(row) * kStep + 12}>
          {name}
        </text>
      ))}
      {cells.map((cell, i) => {
        const x = kLeft + Math.floor(i / 7) * kStep,
          y = kTop + (i % 7) * kStep;
        const first = cell.day.endsWith("-01") || (i === 0 && Number(cell.day.slice(8)) < 15);
        const month = first && (
          <text x={kLeft + Math.floor(i / 7) * kStep} y="11">
            {monthName(cell.day)}
          </text>
        );
        if (cell.state === "future" || cell.state === "before")
          return <g key={cell.day}>{month}</g>;
        const look =
          cell.state === "none" ? "none" : `h${cell.level} ${cell.state === "open" ? "open" : ""}`;
        const has = cell.state !== "none" && cell.has;
        return (
          <g key={cell.day}>
            {month}
            <rect
              x={x}
              y={y}
              width={kCell}
              height={kCell}
              rx="3"
              class={`${look} ${cell.day === chosen ? "chosen" : ""} ${has ? "press" : ""}`}
              onClick={has ? () => route(hrefOf(cell.day)) : undefined}
            >
              <title>{describe(cell, by)}</title>
            </rect>
          </g>
        );
      })}
    </svg>
  );
}

export function HeatLegend({ most, by }: { most: number; by: Measure }) {
  return (
    <p class="legend">
      <span>
        {by === "rows" ? "Rows: 0" : "Size: 0"}
        <svg width="84" height="13" viewBox="0 0 84 13" aria-hidden="true">
          {[0, 1, 2, 3, 4].map((level) => (
            <rect key={level} x={level * 17} width="13" height="13" rx="3" class={`h${level}`} />
          ))}
        </svg>
        {ticked(most, by)}
      </span>
      <span>
        <svg class="heat" width="15" height="15" viewBox="0 0 15 15" aria-hidden="true">
          <rect x="1" y="1" width="13" height="13" rx="3" class="h2 open" />
        </svg>
        not complete
      </span>
      <span>
        <svg class="heat" width="15" height="15" viewBox="0 0 15 15" aria-hidden="true">
          <rect x="1" y="1" width="13" height="13" rx="3" class="none" />
        </svg>
        no data
      </span>
    </p>
  );
}

export interface Bar {
  day: Day;
  size: number;
  title: string;
  look?: "partial" | "chosen";
  href?: string;
}

interface DayBarsProps {
  bars: Bar[];
  text: (size: number) => string;
  label: string;
  wide: number; // its own width: text in it is then as large as the page's
}

const kHigh = 200,
  kAxis = 62,
  kBase = 172;

// A bar a day; dashed where the day is not complete.
export function DayBars({ bars, text, label, wide }: DayBarsProps) {
  const { route } = useLocation();
  const { top, step } = axis(Math.max(0, ...bars.map((bar) => bar.size)));
  const each = (wide - kAxis) / Math.max(1, bars.length);
  const y = (size: number) => kBase - (size / top) * (kBase - 10);
  const lines: number[] = [];
  for (let at = 0; at <= top; at += step) lines.push(at);
  const every = Math.max(1, Math.ceil(bars.length / (wide / 90)));
  return (
    <svg class="chart" viewBox={`0 0 ${wide} ${kHigh}`} role="img" aria-label={label}>
      {lines.map((at) => (
        <g key={at}>
          <line class="grid" x1={kAxis} x2={wide} y1={y(at)} y2={y(at)} />
          <text x={kAxis - 8} y={y(at) + 4} text-anchor="end">
            {text(at)}
          </text>
        </g>
      ))}
      {bars.map(
        (bar, i) =>
          bar.size > 0 && (
            <rect
              key={bar.day}
              class={`bar ${bar.look ?? ""} ${bar.href ? "press" : ""}`}
              x={kAxis + i * each + each * 0.12}
              width={each * 0.76}
              y={y(bar.size)}
              height={Math.max(1, kBase - y(bar.size))}
              rx="1"
              onClick={bar.href ? () => route(bar.href!) : undefined}
            >
              <title>{bar.title}</title>
            </rect>
          ),
      )}
      {bars.map(
        (bar, i) =>
          i % every === Math.floor(every / 2) && (
            <text key={bar.day} x={kAxis + (i + 0.5) * each} y={kBase + 20} text-anchor="middle">
              {tinyDay(bar.day)}
            </text>
          ),
      )}
    </svg>
  );
}

// Names and figures with a bar each.
export function Bars({ items }: { items: { name: string; value: number; text: string }[] }) {
  const most = Math.max(0, ...items.map((item) => item.value));
  return (
    <ul class="bars">
      {items.map((item, i) => (
        <li key={i} class={item.value === most && items.length > 1 ? "chosen" : ""}>
          <span class="what mono" dir="auto">
            {item.name}
          </span>
          <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
            <rect
              width={most > 0 ? Math.max(0, (item.value / most) * 100) : 0}
              height="10"
              rx="0.5"
            />
          </svg>
          <span class="number">{item.text}</span>
        </li>
      ))}
    </ul>
  );
}
