// SPDX-License-Identifier: Apache-2.0
// What a page shows of the server: loaded when it opens, again on demand, and again and again where
// it polls. What was shown stays while it is loaded again.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get, Problem } from "./client.ts";

export interface Loaded<T> {
  data: T | null;
  problem: Problem | null;
  reload: () => Promise<void>;
  set: (data: T) => void;
}

export function useLoad<T>(path: string | null, pollMs = 0): Loaded<T> {
  const [state, setState] = useState<{
    path: string | null;
    data: T | null;
    problem: Problem | null;
  }>({ path, data: null, problem: null });
  const current = useRef<AbortController | null>(null);

  const reload = useCallback(async () => {
    current.current?.abort();
    if (path === null) return;
    const controller = (current.current = new AbortController());
    try {
      const data = await get<T>(path, { signal: controller.signal });
      if (!controller.signal.aborted) setState({ path, data, problem: null });
    } catch (error) {
      if (controller.signal.aborted) return;
      setState((old) => ({
        path,
        data: old.path === path ? old.data : null,
        problem: asProblem(error),
      }));
    }
  }, [path]);

  useEffect(() => {
    void reload();
    return () => current.current?.abort();
  }, [reload]);

  useEffect(() => {
    if (!pollMs) return;
    let stopped = false;
    let timer = 0;
    const again = async () => {
      if (document.visibilityState === "visible") await reload();
      if (!stopped) timer = window.setTimeout(again, pollMs);
    };
    timer = window.setTimeout(again, pollMs);
    return () => {
      stopped = true;
      window.clearTimeout(timer);
    };
  }, [reload, pollMs]);

  const set = useCallback((data: T) => setState({ path, data, problem: null }), [path]);
  const shown = state.path === path ? state : { data: null, problem: null };
  return { data: shown.data, problem: shown.problem, reload, set };
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem(
    -1,
    "page",
    `The page failed: ${error instanceof Error ? error.message : String(error)}`,
  );
}
