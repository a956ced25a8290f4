// SPDX-License-Identifier: Apache-2.0
// What is made of a result: cells to read, bars, CSV. Pure.
import type { Column, Result } from "./engine.ts";

export function isNumber(type: string): boolean {
  return /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DOUBLE|FLOAT|REAL|DECIMAL)/.test(type);
}

// Figures in groups of three, as far as one can read them; the whole text is the cell's title.
export function cellText(text: string, type: string): string {
  if (!isNumber(type)) return text;
  if (/INT/.test(type)) return text.replace(/\B(?=(\d{3})+$)/g, ",");
  const value = Number(text);
  if (!Number.isFinite(value)) return text;
  return value.toLocaleString("en-US", {
    maximumSignificantDigits: Math.abs(value) >= 1e4 ? 9 : 6,
  });
}

// As `valetkey query` writes it: NULL is nothing, an empty text "".
export function toCsv({ columns, rows }: Result): string {
  const field = (text: string | null) =>
    text === null
      ? ""
      : text === "" || /[",\r\n]/.test(text)
        ? `"${text.replaceAll('"', '""')}"`
        : text;
  return [columns.map((column) => field(column.name)), ...rows.map((row) => row.map(field))]
    .map((fields) => `${fields.join(",")}\n`)
    .join("");
}

export interface Drawn {
  names: number;
  figures: number[];
}

const kMostBars = 40;

// Which column names the bars, and which could be their length. Null where bars would say nothing.
export function drawable(columns: Column[], rows: number): Drawn | null {
  const names = columns.findIndex((column) => !isNumber(column.type));
  const figures = columns.flatMap((column, i) => (isNumber(column.type) ? [i] : []));
  return names >= 0 && figures.length > 0 && rows > 1 && rows <= kMostBars
    ? { names, figures }
    : null;
}
