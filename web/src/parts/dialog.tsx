// SPDX-License-Identifier: Apache-2.0
// A question that has to be answered first. The browser's own dialog: it holds the focus, closes on
// Escape and gives the focus back.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

interface DialogProps {
  title: string;
  onClose?: () => void; // without it the dialog stays until it is answered
  children: ComponentChildren;
}

export function Dialog({ title, onClose, children }: DialogProps) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    element?.showModal();
    element?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => {
      element?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const cancel = (event: Event) => {
    event.preventDefault();
    onClose?.();
  };
  return (
    <dialog class="dialog" ref={dialog} aria-labelledby={id} onCancel={cancel}>
      <h2 id={id} class="name">
        {title}
      </h2>
      {children}
    </dialog>
  );
}

// Leaves a dialog with nothing done.
export function Cancel({ onClick, children }: { onClick: () => void; children?: string }) {
  return (
    <button class="button" type="button" onClick={onClick}>
      {children ?? "Cancel"}
    </button>
  );
}
