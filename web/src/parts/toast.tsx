// SPDX-License-Identifier: Apache-2.0
// A word that something is done. Never the only place of what matters: it goes away.
import { useEffect, useState } from "preact/hooks";

let show: ((text: string) => void) | null = null;

export function toast(text: string): void {
  show?.(text);
}

const kShownMs = 5000;

export function Toasts() {
  const [said, setSaid] = useState<{ text: string; number: number }>({ text: "", number: 0 });
  useEffect(() => {
    show = (text) => setSaid((old) => ({ text, number: old.number + 1 }));
    return () => {
      show = null;
    };
  }, []);
  useEffect(() => {
    if (!said.text) return;
    const timer = window.setTimeout(() => setSaid((old) => ({ ...old, text: "" })), kShownMs);
    return () => window.clearTimeout(timer);
  }, [said.number]);
  return (
    <div class="toasts" role="status">
      {said.text && <p class="toast">{said.text}</p>}
    </div>
  );
}
