// SPDX-License-Identifier: Apache-2.0
// Copying text, also where the page came over plain HTTP and the browser has no clipboard for it.
import { useRef, useState } from "preact/hooks";

// False where the browser refused; the text is then selected, for Ctrl-C.
async function copyText(text: string, shown: HTMLElement): Promise<boolean> {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Not allowed here: the older way may be.
    }
  }
  const selection = getSelection();
  selection?.selectAllChildren(shown);
  if (!document.execCommand("copy")) return false;
  selection?.removeAllRanges();
  return true;
}

function useCopy(text: string) {
  const shown = useRef<HTMLElement>(null);
  const [said, setSaid] = useState("");
  const copy = async () => {
    const done = shown.current !== null && (await copyText(text, shown.current));
    setSaid(done ? "Copied" : "Press Ctrl-C");
    window.setTimeout(() => setSaid(""), 3000);
  };
  return { shown, said, copy };
}

// For those who do not see the button change.
function Said({ text }: { text: string }) {
  return (
    <span class="visually-hidden" role="status">
      {text}
    </span>
  );
}

// A secret that is shown once.
export function CopyLine({ text, label }: { text: string; label: string }) {
  const { shown, said, copy } = useCopy(text);
  return (
    <div class="copy">
      <code ref={shown} role="region" tabIndex={0} aria-label={label}>
        {text}
      </code>
      <button class="button main" type="button" onClick={copy}>
        {said || `Copy ${label.toLowerCase()}`}
      </button>
      <Said text={said} />
    </div>
  );
}

// Commands to paste.
export function Code({ text, label }: { text: string; label: string }) {
  const { shown, said, copy } = useCopy(text);
  return (
    <div class="code">
      <pre tabIndex={0} role="region" aria-label={label}>
        <code ref={shown}>{text}</code>
      </pre>
      <button class="button" type="button" aria-label={`Copy: ${label}`} onClick={copy}>
        {said || "Copy"}
      </button>
      <Said text={said} />
    </div>
  );
}

// Copies what is not on the page, such as a long command; shows it where the browser refuses.
export function CopyButton({ text, label }: { text: string; label: string }) {
  const { shown, said, copy } = useCopy(text);
  return (
    <>
      <button class="button" type="button" onClick={copy}>
        {said || label}
      </button>
      <Said text={said} />
      <code
        class={said === "Press Ctrl-C" ? "wrapped" : "off-screen"}
        aria-hidden="true"
        ref={shown}
      >
        {text}
      </code>
    </>
  );
}
