// SPDX-License-Identifier: Apache-2.0
// What stands where data would: loading, nothing yet, and what went wrong.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Problem } from "../api/client.ts";
import type { Loaded } from "../api/load.ts";

export function ProblemNotice({ problem, again }: { problem: Problem; again?: () => void }) {
  return (
    <div class="notice bad" role="alert">
      <p>
        {problem.message}
        {problem.retryAfter ? ` Wait ${problem.retryAfter} s.` : ""}
      </p>
      {again && (
        <div class="row">
          <button class="button" type="button" onClick={again}>
            Try again
          </button>
        </div>
      )}
    </div>
  );
}

// A quick answer shows no "Loading": it would only flicker.
export function Loading({ what }: { what: string }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = window.setTimeout(() => setLate(true), 250);
    return () => window.clearTimeout(timer);
  }, []);
  return (
    <p class="loading quiet" role="status">
      {late ? `Loading ${what}…` : ""}
    </p>
  );
}

export function Empty({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

interface LoadedViewProps<T> {
  of: Loaded<T>;
  what: string;
  children: (data: T) => ComponentChildren;
}

// Data that was loaded stays when loading it again fails; the failure is said above it.
export function LoadedView<T>({ of, what, children }: LoadedViewProps<T>) {
  return (
    <>
      {of.problem && <ProblemNotice problem={of.problem} again={() => void of.reload()} />}
      {of.data !== null ? children(of.data) : !of.problem && <Loading what={what} />}
    </>
  );
}
