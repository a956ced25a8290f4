// SPDX-License-Identifier: Apache-2.0
// Questions in SQL. What is typed stands in the address, after the #, so that it survives a reload and
// can be sent to a colleague; nothing runs by itself.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, withQuery } from "../api/client.ts";
import { asProblem, useLoad } from "../api/load.ts";
import type { Examples, Export, Selection, View } from "../api/types.ts";
import { Page } from "../frame.tsx";
import { CopyButton } from "../parts/copy.tsx";
import { ProblemNotice } from "../parts/states.tsx";
import { Problem } from "../api/client.ts";
import type { Engine, Result } from "../query/engine.ts";
import { asCommand, engineMessage, examplesOf, oneStatement, sqlProblem, tierOf, typesOf, viewStatements, type Asked, type Parts } from "../query/sql.ts";
import { useSigned } from "../session.tsx";
import { bytes, dayNumber, dayOf, plural } from "../text/format.ts";
import { QueryResult } from "./query_result.tsx";

const kMostRows = 50_000;

function fromAddress(): Partial<Asked> {
  const found = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries([...found].filter(([name]) => ["sql", "since", "until", "experiment", "event"].includes(name)));
}

function keepInAddress(asked: Asked): void {
  const kept = new URLSearchParams(Object.entries(asked).filter(([, value]) => value));
  history.replaceState(history.state, "", `#${kept}`);
}

export function QueryPage() {
  const data = useLoad<Export>("/export");
  const examples = useLoad<Examples>("/examples");
  const [asked, setAsked] = useState<Asked>(() =>
    ({ sql: "", since: "", until: "", experiment: "", event: "", ...fromAddress() }));
  const change = (part: Partial<Asked>) => setAsked((old) => ({ ...old, ...part }));

  // The latest week that has data, until somebody chooses.
  useEffect(() => {
    if (!data.data || asked.since) return;
    const last = data.data.days[data.data.days.length - 1]?.day ?? data.data.today;
    const first = data.data.first_day ?? last;
    change({ until: last, since: dayOf(Math.max(dayNumber(first), dayNumber(last) - 6)) });
  }, [data.data]);
  useEffect(() => {
    if (asked.sql) keepInAddress(asked);
  }, [asked]);

  const problem = data.problem ?? examples.problem;
  return (
    <Page title="Query" lead="Ask your export in SQL: the views decisions, events and attributed_conversions. It runs in this browser; your data goes nowhere else.">
      {problem && <ProblemNotice problem={problem} again={() => { void data.reload(); void examples.reload(); }} />}
      <Ask asked={asked} change={change} examples={examples.data} />
    </Page>
  );
}

interface AskProps {
  asked: Asked;
  change: (part: Partial<Asked>) => void;
  examples: Examples | null;
}

function Ask({ asked, change, examples }: AskProps) {
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
          {examplesOf(examples ?? { experiments: [], variations: [], events: [] }).map((example) => (
            <button key={example.name} class="button" type="button" onClick={() => change({ sql: example.sql })}>{example.name}</button>
          ))}
        </div>
        <div class="row fields">
          <DayField label="First day, UTC" value={asked.since} onChange={(since) => change({ since })} />
          <DayField label="Last day, UTC" value={asked.until} onChange={(until) => change({ until })} />
          <NameField label="Only experiment" value={asked.experiment} names={examples?.experiments ?? []}
            onChange={(experiment) => change({ experiment })} />
          <NameField label="Only event" value={asked.event} names={examples?.events ?? []} onChange={(event) => change({ event })} />
        </div>
        <div class="field">
          <label for="sql">SQL</label>
          <textarea id="sql" class="input" rows={10} spellcheck={false} autocapitalize="off" value={asked.sql}
            aria-invalid={run.wrong ? "true" : undefined} aria-describedby="sql-hint sql-error"
            onInput={(event) => change({ sql: event.currentTarget.value })}
            onKeyDown={(event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form(event); }} />
          <p class="error engine" id="sql-error" role="alert">{run.wrong}</p>
          <p class="hint" id="sql-hint">{run.size} Ctrl-Enter runs it.</p>
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
  return (
    <>
      {!config.engine && (
        <p class="notice">This server has no engine for the browser. Copy the question as a command and run it with
          valetkey: it gives the same answer.</p>
      )}
      {config.engine && config.mixed_content && (
        <p class="notice warn">This page came over HTTPS and the S3 endpoint speaks plain HTTP, so the browser refuses to
          read it. Use the command.</p>
      )}
      {run.tier === "command" && (
        <p class="notice warn">That is more than a browser should read. Choose fewer days or one experiment, or copy it as a
          command: valetkey reads any amount.</p>
      )}
      <div class="row">
        {config.engine && !config.mixed_content && run.tier !== "command" && !run.busy && (
          <button class="button main" type="submit">{run.tier === "warn" ? "Run anyway" : "Run"}</button>
        )}
        {run.busy && <button class="button" type="button" onClick={run.stop}>Stop</button>}
        <CopyButton label="Copy as valetkey command" text={command} />
        <span class="small quiet" role="status">{run.busy}</span>
      </div>
    </>
  );
}

interface Run {
  start: () => Promise<void>;
  stop: () => void;
  busy: string;     // what is being done; "" when nothing is
  wrong: string;    // of the SQL
  size: string;     // what would be read, in a sentence
  tier: "run" | "warn" | "command";
  problem: Problem | null;
  result: Result | null;
  seconds: number;
  number: number;   // of the result, to tell it from the one before
}

function useRun(asked: Asked): Run {
  const { config } = useSigned();
  const engine = useRef<Engine | null>(null);
  const number = useRef(0);
  const [busy, setBusy] = useState("");
  const [wrong, setWrong] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [done, setDone] = useState<{ result: Result; seconds: number; number: number } | null>(null);
  const chosen = useSelection(asked);
  useEffect(() => () => engine.current?.stop(), []);
  useEffect(() => setWrong(""), [asked.sql]);

  const stop = () => {
    ++number.current;
    engine.current?.stop();
    setBusy("");
  };
  const start = async () => {
    const said = sqlProblem(asked.sql);
    setWrong(said ?? "");
    if (said || busy || !config.engine || !chosen.parts || chosen.tier === "command") return;
    const mine = ++number.current;
    const begun = performance.now();
    setProblem(null);
    setBusy(engine.current ? "Reading…" : `Loading the engine, ${bytes(config.engine.bytes)}, once…`);
    try {
      const { views } = await get<{ views: View[] }>(withQuery("/views", { engine: "0.9", experiment: asked.experiment, event: asked.event }));
      engine.current ??= new (await import("../query/engine.ts")).Engine(config.engine.url);
      const result = await engine.current.run(viewStatements(views, chosen.parts, config.bucket), oneStatement(asked.sql), kMostRows);
      if (mine === number.current) setDone({ result, seconds: (performance.now() - begun) / 1000, number: mine });
    } catch (error) {
      if (mine !== number.current) return;
      const failure = await inWords(error);
      if (failure instanceof Problem) setProblem(failure);
      else setWrong(failure);
    } finally {
      if (mine === number.current) setBusy("");
    }
  };
  return { start, stop, busy, wrong, problem, size: chosen.size, tier: chosen.tier,
    result: done?.result ?? null, seconds: done?.seconds ?? 0, number: done?.number ?? 0 };
}

// What the engine says is about the SQL, but a refused read, of which it says nothing: then the session
// is asked, which asks for the password again where it has ended.
async function inWords(error: unknown): Promise<Problem | string> {
  if (error instanceof Problem) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (/^(Parser|Binder|Catalog|Conversion|Invalid Input|Out of Range|Not implemented|Mismatch Type|Constraint)/.test(text)) return engineMessage(text);
  try {
    await get("/session");
  } catch (failure) {
    return asProblem(failure);
  }
  if (/memory/i.test(text)) return new Problem(-1, "memory", "The browser has not enough memory for this. Choose fewer days, or copy it as a command.");
  return new Problem(-1, "read", "A part could not be read: the credentials had ended, or the S3 endpoint cannot be reached from this browser. Run it again.");
}

// The parts that a question would read, and how much that is. Asked again when the days or the types
// change, not at every letter.
function useSelection(asked: Asked): { parts: Parts | null; size: string; tier: Run["tier"] } {
  const { config } = useSigned();
  const types = typesOf(asked.sql);
  const ready = asked.since !== "" && asked.until !== "" && asked.since <= asked.until;
  const path = (type: string) => ready && types.includes(type as "events") ? withQuery("/export/parts", {
    type, since: asked.since, until: asked.until,
    experiment: type === "decisions" ? asked.experiment : "", event: type === "events" ? asked.event : "" }) : null;
  const found = { decisions: useLoad<Selection>(path("decisions")), events: useLoad<Selection>(path("events")) };
  if (!ready)
    return { parts: null, size: asked.since > asked.until ? "The first day is after the last." : "Choose the days.", tier: "run" };
  const problem = types.map((type) => found[type].problem).find((one) => one);
  if (problem) return { parts: null, size: problem.message, tier: "run" };
  const selections = types.map((type) => found[type].data);
  if (selections.some((one) => one === null)) return { parts: null, size: "Looking at the parts…", tier: "run" };
  const total = selections.reduce((sum, one) => sum + one!.bytes, 0);
  const count = selections.reduce((sum, one) => sum + one!.parts.length, 0);
  const whole = selections.every((one) => one!.complete);
  const size = count === 0 ? "There is no data in these days."
    : whole ? `It reads at most ${bytes(total)} in ${plural(count, "part")}, in this browser.`
      : `There are more than ${plural(count, "part")}.`;
  return {
    parts: Object.fromEntries(types.map((type) => [type, found[type].data!.parts])), size,
    tier: tierOf(total, whole, config.query_run_bytes, config.query_warn_bytes),
  };
}

function DayField({ label, value, onChange }: { label: string; value: string; onChange: (day: string) => void }) {
  return (
    <label class="field">{label}
      <input class="input" type="date" value={value} onInput={(event) => onChange(event.currentTarget.value)} />
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
    <label class="field">{label}
      <input class="input" list={list} value={value} placeholder="any" dir="auto" onInput={(event) => onChange(event.currentTarget.value.trim())} />
      <datalist id={list}>{names.map((name) => <option key={name} value={name} />)}</datalist>
    </label>
  );
}
