// SPDX-License-Identifier: Apache-2.0
// Questions in SQL. What is typed stands in the address, after the #, so that it survives a reload and
// can be sent to a colleague; nothing runs by itself.
import { useEffect, useState } from "preact/hooks";
import { useLoad } from "../api/load.ts";
import type { Examples, Export } from "../api/types.ts";
import { Page } from "../frame.tsx";
import { CopyButton } from "../parts/copy.tsx";
import { ProblemNotice } from "../parts/states.tsx";
import { useRun, type Run } from "../query/run.ts";
import { asCommand, examplesOf, lastWeek, type Asked } from "../query/sql.ts";
import { useSigned } from "../session.tsx";
import { dayNumber, dayOf } from "../text/format.ts";
import { ElsewhereQuery } from "./elsewhere.tsx";
import { QueryResult } from "./query_result.tsx";

function fromAddress(): Partial<Asked> {
  const found = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries(
    [...found].filter(([name]) => ["sql", "since", "until", "experiment", "event"].includes(name)),
  );
}

function keepInAddress(asked: Asked): void {
  const kept = new URLSearchParams(Object.entries(asked).filter(([, value]) => value));
  history.replaceState(history.state, "", `#${kept}`);
}

export function QueryPage() {
  const { config } = useSigned();
  const data = useLoad<Export>(config.figures ? "/export" : null);
  const examples = useLoad<Examples>(config.figures ? "/examples" : null);
  const [asked, setAsked] = useState<Asked>(() => ({
    sql: "",
    since: "",
    until: "",
    experiment: "",
    event: "",
    ...fromAddress(),
  }));
  const change = (part: Partial<Asked>) => setAsked((old) => ({ ...old, ...part }));

  // The latest week that has data, until somebody chooses.
  useEffect(() => {
    if (asked.since) return;
    if (!config.figures) change(lastWeek(new Date()));
    if (!data.data) return;
    const last = data.data.days[data.data.days.length - 1]?.day ?? data.data.today;
    const first = data.data.first_day ?? last;
    change({ until: last, since: dayOf(Math.max(dayNumber(first), dayNumber(last) - 6)) });
  }, [data.data]);
  useEffect(() => {
    if (asked.sql) keepInAddress(asked);
  }, [asked]);

  const problem = data.problem ?? examples.problem;
  return (
    <Page
      title="Query"
      lead={
        "Ask your export in SQL: the views decisions, events and attributed_conversions." +
        (config.figures ? " It runs in this browser; your data goes nowhere else." : "")
      }
    >
      {problem && (
        <ProblemNotice
          problem={problem}
          again={() => {
            void data.reload();
            void examples.reload();
          }}
        />
      )}
      <Ask
        asked={asked}
        change={change}
        examples={examples.data}
        coming={config.figures && !examples.data && !examples.problem}
      />
    </Page>
  );
}

interface AskProps {
  asked: Asked;
  change: (part: Partial<Asked>) => void;
  examples: Examples | null;
  coming: boolean; // the account's own ids: without them an example asks for what is not there
}

function Ask({ asked, change, examples, coming }: AskProps) {
  const { config } = useSigned();
  const run = useRun(asked);
  const form = (event: Event) => {
    event.preventDefault();
    void run.start();
  };
  return (
    <>
      <form class="query" onSubmit={form}>
        <div class="row" role="group" aria-label="Examples">
          <span class="quiet">Examples:</span>
          {examplesOf(examples ?? { experiments: [], variations: [], events: [] }).map(
            (example) => (
              <button
                key={example.name}
                class="button"
                type="button"
                disabled={coming}
                onClick={() => change({ sql: example.sql })}
              >
                {example.name}
              </button>
            ),
          )}
        </div>
        <div class="row fields">
          <DayField
            label="First day, UTC"
            value={asked.since}
            onChange={(since) => change({ since })}
          />
          <DayField
            label="Last day, UTC"
            value={asked.until}
            onChange={(until) => change({ until })}
          />
          <NameField
            label="Only experiment"
            value={asked.experiment}
            names={examples?.experiments ?? []}
            onChange={(experiment) => change({ experiment })}
          />
          <NameField
            label="Only event"
            value={asked.event}
            names={examples?.events ?? []}
            onChange={(event) => change({ event })}
          />
        </div>
        <div class="field">
          <label for="sql">SQL</label>
          <textarea
            id="sql"
            class="input"
            rows={10}
            spellcheck={false}
            autocapitalize="off"
            value={asked.sql}
            aria-invalid={run.wrong ? "true" : undefined}
            aria-describedby="sql-hint sql-error"
            onInput={(event) => change({ sql: event.currentTarget.value })}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
              // Much is confirmed with the button itself.
              const button = event.currentTarget.form?.querySelector<HTMLElement>("[type=submit]");
              if (run.tier === "warn") button?.focus();
              else form(event);
            }}
          />
          <p class="error engine" id="sql-error" role="alert">
            {run.wrong}
          </p>
          <p class="hint" id="sql-hint">
            {run.size} {config.figures && run.tier === "run" && "Ctrl-Enter runs it."}
          </p>
        </div>
        <RunButtons asked={asked} run={run} />
      </form>
      {run.problem && <ProblemNotice problem={run.problem} />}
      {run.result && <QueryResult key={run.number} result={run.result} seconds={run.seconds} />}
    </>
  );
}

function RunButtons({ asked, run }: { asked: Asked; run: Run }) {
  const { config } = useSigned();
  const command = asCommand({ ...asked, sql: asked.sql || "SELECT …" });
  if (!config.figures)
    return (
      <>
        <ElsewhereQuery />
        <div class="row">
          <CopyButton label="Copy as valetkey command" text={command} />
        </div>
      </>
    );
  return (
    <>
      {!config.engine && (
        <p class="notice">
          This server has no engine for the browser. Copy the question as a command and run it with
          valetkey: it gives the same answer.
        </p>
      )}
      {config.engine && config.mixed_content && (
        <p class="notice warn">
          This page came over HTTPS and the S3 endpoint speaks plain HTTP, so the browser refuses to
          read it. Use the command.
        </p>
      )}
      {config.engine && !config.mixed_content && run.tier === "warn" && (
        <p class="notice warn">
          That is much for a browser: it may take minutes, and more memory than there is. Choose
          fewer days or one experiment, copy it as a command, or run it all the same.
        </p>
      )}
      {run.tier === "command" && (
        <p class="notice warn">
          That is more than a browser should read. Choose fewer days or one experiment, or copy it
          as a command: valetkey reads any amount.
        </p>
      )}
      <div class="row">
        {config.engine && !config.mixed_content && run.tier !== "command" && !run.busy && (
          <button class="button main" type="submit">
            {run.tier === "warn" ? "Run anyway" : "Run"}
          </button>
        )}
        {run.busy && (
          <button class="button" type="button" onClick={run.stop}>
            Stop
          </button>
        )}
        <CopyButton label="Copy as valetkey command" text={command} />
        <span class="small quiet" role="status">
          {run.busy}
        </span>
      </div>
    </>
  );
}

function DayField({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (day: string) => void;
}) {
  return (
    <label class="field">
      {label}
      <input
        class="input"
        type="date"
        value={value}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    </label>
  );
}

interface NameFieldProps {
  label: string;
  value: string;
  names: string[];
  onChange: (name: string) => void;
}

function NameField({ label, value, names, onChange }: NameFieldProps) {
  const list = `names-${label.replace(/\W+/g, "-")}`;
  return (
    <label class="field">
      {label}
      <input
        class="input"
        list={list}
        value={value}
        placeholder="any"
        dir="auto"
        onInput={(event) => onChange(event.currentTarget.value.trim())}
      />
      <datalist id={list}>
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </label>
  );
}
