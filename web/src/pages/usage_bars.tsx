// SPDX-License-Identifier: Apache-2.0
// One figure of 30 days as bars.
import type { UsageDay } from "../api/types.ts";
import { dayNumber, dayOf, tinyDay } from "../text/format.ts";
import { axis } from "../text/days.ts";

interface UsageBarsProps {
  title: string;
  days: UsageDay[];
  since: string;
  pick: (day: UsageDay) => number;
  text: (value: number) => string;
}

const kDays = 30, kLeft = 70, kEach = 14, kBase = 112, kWide = kLeft + kDays * kEach;

export function UsageBars({ title, days, since, pick, text }: UsageBarsProps) {
  const found = new Map(days.map((day) => [day.day, pick(day)]));
  const values = Array.from({ length: kDays }, (_, i) => {
    const day = dayOf(dayNumber(since) + i);
    return { day, value: found.get(day) ?? 0 };
  });
  const { top } = axis(Math.max(0, ...values.map((one) => one.value)));
  const y = (value: number) => kBase - (value / top) * (kBase - 12);
  return (
    <section class="section">
      <h3>{title}</h3>
      <svg class="chart" viewBox={`0 0 ${kWide} 136`} role="img" aria-label={`${title}, from ${tinyDay(since)}. The table has the figures.`}>
        {[0, top].map((at) => (
          <g key={at}>
            <line class="grid" x1={kLeft} x2={kWide} y1={y(at)} y2={y(at)} />
            <text x={kLeft - 8} y={y(at) + 4} text-anchor="end">{text(at)}</text>
          </g>
        ))}
        {values.map(({ day, value }, i) => value > 0 && (
          <rect key={day} class="bar" x={kLeft + i * kEach + 2} width={kEach - 4} y={y(value)} height={Math.max(1, kBase - y(value))}>
            <title>{`${day}: ${text(value)}`}</title>
          </rect>
        ))}
        {values.map(({ day }, i) => i % 7 === 3 && (
          <text key={day} x={kLeft + (i + 0.5) * kEach} y={kBase + 18} text-anchor="middle">{tinyDay(day)}</text>
        ))}
      </svg>
    </section>
  );
}
