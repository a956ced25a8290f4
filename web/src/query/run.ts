// SPDX-License-Identifier: Apache-2.0
// A question from the page to its answer: what it would read, the engine, and failures in words.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, Problem, withQuery } from "../api/client.ts";
import { asProblem, useLoad } from "../api/load.ts";
import type { Selection, View } from "../api/types.ts";
import { useSigned } from "../session.tsx";
import { bytes, plural } from "../text/format.ts";
import type { Engine, Result } from "./engine.ts";
import {
  engineMessage,
  oneStatement,
  sqlProblem,
  tierOf,
  typesOf,
  viewStatements,
  type Asked,
  type Parts,
} from "./sql.ts";

const kMostRows = 50_000;

export interface Run {
  start: () => Promise<void>;
  stop: () => void;
  busy: string; // what is being done; "" when nothing is
  wrong: string; // of the SQL
  size: string; // what would be read, in a sentence
  tier: "run" | "warn" | "command";
  problem: Problem | null;
  result: Result | null;
  seconds: number;
  number: number; // of the result, to tell it from the one before
}

export function useRun(asked: Asked): Run {
  const { config } = useSigned();
  const engine = useRef<Engine | null>(null);
  const number = useRef(0);
  const [busy, setBusy] = useState("");
  const [wrong, setWrong] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [done, setDone] = useState<{ result: Result; seconds: number; number: number } | null>(
    null,
  );
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
    if (
      said ||
      busy ||
      !config.figures ||
      !config.engine ||
      !chosen.parts ||
      chosen.tier === "command"
    )
      return;
    const mine = ++number.current;
    const begun = performance.now();
    setProblem(null);
    setBusy(
      engine.current ? "Reading…" : `Loading the engine, ${bytes(config.engine.bytes)}, once…`,
    );
    try {
      const { views } = await get<{ views: View[] }>(
        withQuery("/views", { engine: "0.9", experiment: asked.experiment, event: asked.event }),
      );
      engine.current ??= new (await import("./engine.ts")).Engine(config.engine.url);
      const result = await engine.current.run(
        viewStatements(views, chosen.parts, config.bucket),
        oneStatement(asked.sql),
        kMostRows,
      );
      if (mine === number.current)
        setDone({ result, seconds: (performance.now() - begun) / 1000, number: mine });
    } catch (error) {
      if (mine !== number.current) return;
      const failure = await inWords(error);
      if (failure instanceof Problem) setProblem(failure);
      else setWrong(failure);
    } finally {
      if (mine === number.current) setBusy("");
    }
  };
  return {
    start,
    stop,
    busy,
    wrong,
    problem,
    size: chosen.size,
    tier: chosen.tier,
    result: done?.result ?? null,
    seconds: done?.seconds ?? 0,
    number: done?.number ?? 0,
  };
}

// What the engine says is about the SQL, but a refused read, of which it says nothing: then the session
// is asked, which asks for the password again where it has ended.
async function inWords(error: unknown): Promise<Problem | string> {
  if (error instanceof Problem) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (
    /^(Parser|Binder|Catalog|Conversion|Invalid Input|Out of Range|Not implemented|Mismatch Type|Constraint)/.test(
      text,
    )
  )
    return engineMessage(text);
  try {
    await get("/session");
  } catch (failure) {
    return asProblem(failure);
  }
  if (/memory/i.test(text))
    return new Problem(
      -1,
      "memory",
      "The browser has not enough memory for this. Choose fewer days, or copy it as a command.",
    );
  return new Problem(
    -1,
    "read",
    "A part could not be read: the credentials had ended, or the S3 endpoint cannot be reached from this browser. Run it again.",
  );
}

// The parts that a question would read, and how much that is. Asked again when the days or the types
// change, not at every letter.
function useSelection(asked: Asked): { parts: Parts | null; size: string; tier: Run["tier"] } {
  const { config } = useSigned();
  const types = typesOf(asked.sql);
  const dated = asked.since !== "" && asked.until !== "" && asked.since <= asked.until;
  const ready = dated && config.figures;
  const path = (type: string) =>
    ready && types.includes(type as "events")
      ? withQuery("/export/parts", {
          type,
          since: asked.since,
          until: asked.until,
          experiment: type === "decisions" ? asked.experiment : "",
          event: type === "events" ? asked.event : "",
        })
      : null;
  const found = {
    decisions: useLoad<Selection>(path("decisions")),
    events: useLoad<Selection>(path("events")),
  };
  if (dated && !ready) return { parts: null, size: "", tier: "command" };
  if (!ready)
    return {
      parts: null,
      size: asked.since > asked.until ? "The first day is after the last." : "Choose the days.",
      tier: "run",
    };
  const problem = types.map((type) => found[type].problem).find((one) => one);
  if (problem) return { parts: null, size: problem.message, tier: "run" };
  const selections = types.map((type) => found[type].data);
  if (selections.some((one) => one === null))
    return { parts: null, size: "Looking at the parts…", tier: "run" };
  const total = selections.reduce((sum, one) => sum + one!.bytes, 0);
  const count = selections.reduce((sum, one) => sum + one!.parts.length, 0);
  const whole = selections.every((one) => one!.complete);
  const size =
    count === 0
      ? "There is no data in these days."
      : whole
        ? `It reads at most ${bytes(total)} in ${plural(count, "part")}, in this browser.`
        : `There are more than ${plural(count, "part")}.`;
  return {
    parts: Object.fromEntries(types.map((type) => [type, found[type].data!.parts])),
    size,
    tier: tierOf(total, whole, config.query_run_bytes, config.query_warn_bytes),
  };
}
