// SPDX-License-Identifier: Apache-2.0
// A result as table, bars and CSV.
import { useState } from "preact/hooks";
import { Bars } from "../parts/charts.tsx";
import { save } from "../parts/save.ts";
import type { Result } from "../query/engine.ts";
import { cellText, drawable, isNumber, toCsv } from "../query/result.ts";
import { count, plural } from "../text/format.ts";

const kShown = 200;

export function QueryResult({ result, seconds }: { result: Result; seconds: number }) {
  const [shown, setShown] = useState(kShown);
  const draw = drawable(result.columns, result.rows.length);
  const table = <ResultTable result={result} shown={shown} />;
  return (
    <section class="section" aria-labelledby="result">
      <div class="section-head">
        <h2 id="result">
          <span role="status">
            {result.more
              ? `More than ${count(result.rows.length)} rows`
              : plural(result.rows.length, "row")}{" "}
            in {seconds.toFixed(1)} s
          </span>
        </h2>
        <button
          class="button"
          type="button"
          onClick={() => save("valetkey.csv", "text/csv", toCsv(result))}
        >
          Save as CSV
        </button>
      </div>
      {result.more && (
        <p class="quiet">
          Only the first {count(result.rows.length)} are here and in the CSV; the command writes
          all.
        </p>
      )}
      {result.rows.length === 0 ? (
        <p class="quiet">No row matches.</p>
      ) : draw ? (
        <div class="two">
          {table}
          <ResultBars result={result} names={draw.names} figures={draw.figures} />
        </div>
      ) : (
        table
      )}
      {result.rows.length > shown && (
        <div class="row">
          <button class="button" type="button" onClick={() => setShown(shown + 10 * kShown)}>
            Show more rows
          </button>
        </div>
      )}
    </section>
  );
}

function ResultTable({ result, shown }: { result: Result; shown: number }) {
  const look = result.columns.map((column) => (isNumber(column.type) ? "number" : ""));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Result">
      <table class="data">
        <thead>
          <tr>
            {result.columns.map((column, j) => (
              <th key={j} class={look[j]} title={column.type}>
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {result.rows.slice(0, shown).map((row, i) => (
            <tr key={i}>
              {row.map((cell, j) => (
                <td key={j} class={look[j]} dir="auto">
                  {cell === null ? (
                    <span class="quiet">NULL</span>
                  ) : (
                    <span class="cell" title={cell}>
                      {cellText(cell, result.columns[j]!.type)}
                    </span>
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface BarsProps {
  result: Result;
  names: number;
  figures: number[];
}

function ResultBars({ result, names, figures }: BarsProps) {
  const [column, setColumn] = useState(figures[figures.length - 1]!);
  const figure = figures.includes(column) ? column : figures[figures.length - 1]!;
  return (
    <div class="section">
      <label class="field">
        Bars of
        <select
          class="input"
          value={figure}
          onChange={(event) => setColumn(Number(event.currentTarget.value))}
        >
          {figures.map((i) => (
            <option key={i} value={i}>
              {result.columns[i]!.name}
            </option>
          ))}
        </select>
      </label>
      <Bars
        items={result.rows.map((row) => ({
          name: row[names] ?? "NULL",
          value: Number(row[figure] ?? 0),
          text: cellText(row[figure] ?? "NULL", result.columns[figure]!.type),
        }))}
      />
    </div>
  );
}
