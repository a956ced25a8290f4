// SPDX-License-Identifier: Apache-2.0
// A form that checks each field where it stands, sends once, and shows what the server says beside
// the field at fault. What was typed stays whatever happens.
import type { ComponentChildren, TargetedEvent } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { asProblem } from "../api/load.ts";
import { ProblemNotice } from "./states.tsx";
import type { Problem } from "../api/client.ts";

type Errors<V> = Partial<Record<keyof V & string, string>>;

export interface Form<V> {
  values: V;
  errors: Errors<V>;
  problem: Problem | null;
  busy: boolean;
  set: <K extends keyof V & string>(name: K, value: V[K]) => void;
  submit: (event?: Event) => Promise<void>;
  element: { current: HTMLFormElement | null };
}

export function useForm<V extends object>(
  first: V,
  check: (values: V) => Errors<V>,
  send: (values: V) => Promise<void>,
): Form<V> {
  const [values, setValues] = useState(first);
  const [errors, setErrors] = useState<Errors<V>>({});
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const element = useRef<HTMLFormElement | null>(null);

  const show = (found: Errors<V>) => {
    setErrors(found);
    requestAnimationFrame(() =>
      element.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus(),
    );
  };
  const submit = async (event?: Event) => {
    event?.preventDefault();
    if (busy) return;
    setProblem(null);
    const found = check(values);
    if (Object.keys(found).length > 0) return show(found);
    setErrors({});
    setBusy(true);
    try {
      await send(values);
    } catch (error) {
      const said = asProblem(error);
      if (said.field && said.field in values) show({ [said.field]: said.message } as Errors<V>);
      else setProblem(said);
    } finally {
      setBusy(false);
    }
  };
  const set: Form<V>["set"] = (name, value) => {
    setValues((old) => ({ ...old, [name]: value }));
    setErrors((old) => ({ ...old, [name]: undefined }));
  };
  return { values, errors, problem, busy, set, submit, element };
}

interface FormViewProps<V> {
  form: Form<V>;
  button: string;
  busyText?: string;
  danger?: boolean;
  quiet?: boolean; // not the main action of the page
  more?: ComponentChildren;
  children?: ComponentChildren;
}

export function FormView<V>({
  form,
  button,
  busyText,
  danger,
  quiet,
  more,
  children,
}: FormViewProps<V>) {
  return (
    <form class="form" ref={form.element} onSubmit={form.submit} noValidate aria-busy={form.busy}>
      {form.problem && <ProblemNotice problem={form.problem} />}
      {children}
      <div class="row">
        <button
          class={`button ${quiet ? "" : "main"} ${danger ? "stop" : ""}`}
          type="submit"
          aria-disabled={form.busy}
        >
          {form.busy ? (busyText ?? `${button}…`) : button}
        </button>
        {more}
      </div>
    </form>
  );
}

interface FieldProps<V, K extends keyof V & string> {
  form: Form<V>;
  name: K;
  label: string;
  hint?: ComponentChildren;
  type?: "text" | "email" | "password" | "date" | "number";
  autocomplete?: string;
  autofocus?: boolean;
  readOnly?: boolean;
  maxLength?: number;
  lines?: number; // several lines of text, such as a list
}

export function Field<V, K extends keyof V & string>(props: FieldProps<V, K>) {
  const { form, name, label, hint, type = "text" } = props;
  const id = useId();
  const error = form.errors[name];
  const [shown, setShown] = useState(false);
  const describedBy = [hint ? `${id}-hint` : "", error ? `${id}-error` : ""]
    .filter(Boolean)
    .join(" ");
  const input = useRef<HTMLInputElement>(null);
  // In a dialog, which is not open yet, the dialog does this.
  useEffect(() => {
    if (props.autofocus) input.current?.focus();
  }, []);
  const put = (text: string) => form.set(name, text as V[K]);
  const common = {
    id,
    class: "input",
    name,
    value: String(form.values[name] ?? ""),
    maxLength: props.maxLength,
    spellcheck: false,
    autocapitalize: "off" as const,
    "aria-invalid": error ? ("true" as const) : undefined,
    "aria-describedby": describedBy || undefined,
  };
  const element = props.lines ? (
    <textarea {...common} rows={props.lines} onInput={(event) => put(event.currentTarget.value)} />
  ) : (
    <input
      {...common}
      {...({ type: type === "password" && shown ? "text" : type } as { type: "text" })}
      autocomplete={props.autocomplete ?? "off"}
      data-first={props.autofocus || undefined}
      readOnly={props.readOnly}
      dir={type === "text" ? "auto" : undefined}
      ref={input}
      onInput={(event) => put(event.currentTarget.value)}
    />
  );
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {type === "password" ? (
        <div class="with-button">
          {element}
          <button
            class="button"
            type="button"
            aria-pressed={shown}
            aria-label={`Show ${label.toLowerCase()}`}
            onClick={() => setShown(!shown)}
          >
            {shown ? "Hide" : "Show"}
          </button>
        </div>
      ) : (
        element
      )}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p class="error" id={`${id}-error`} role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

interface Option<T extends string> {
  value: T;
  label: string;
  hint?: string;
}

interface ChoiceProps<T extends string> {
  legend: string;
  options: readonly Option<T>[];
  value: T;
  onChange: (value: T) => void;
  // The legend is read aloud in any case; `seen` also shows it.
  seen?: boolean;
}

// One of a few, side by side.
export function Choice<T extends string>({
  legend,
  options,
  value,
  onChange,
  seen,
}: ChoiceProps<T>) {
  const name = useId();
  return (
    <fieldset class="field">
      <legend class={seen ? "" : "visually-hidden"}>{legend}</legend>
      <div class="choice">
        {options.map((option) => (
          <label key={option.value}>
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              onChange={() => onChange(option.value)}
            />
            {option.label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

interface ChecksProps<T extends string> {
  legend: string;
  options: readonly Option<T>[];
  values: readonly T[];
  error?: string | undefined;
  onChange: (values: T[]) => void;
}

export function Checks<T extends string>({
  legend,
  options,
  values,
  error,
  onChange,
}: ChecksProps<T>) {
  const id = useId();
  const toggle = (value: T) =>
    onChange(values.includes(value) ? values.filter((one) => one !== value) : [...values, value]);
  return (
    <fieldset class="field checks" aria-describedby={error ? `${id}-error` : undefined}>
      <legend>{legend}</legend>
      {options.map((option) => (
        <label key={option.value}>
          <input
            type="checkbox"
            checked={values.includes(option.value)}
            aria-invalid={error ? "true" : undefined}
            onChange={() => toggle(option.value)}
          />
          <span>
            {option.label}
            {option.hint && <span class="small quiet">{option.hint}</span>}
          </span>
        </label>
      ))}
      {error && (
        <p class="error" id={`${id}-error`} role="alert">
          {error}
        </p>
      )}
    </fieldset>
  );
}

interface SelectProps<T extends string> {
  label: string;
  options: readonly Option<T>[];
  value: T;
  onChange: (value: T) => void;
  hint?: string;
}

export function Select<T extends string>({
  label,
  options,
  value,
  onChange,
  hint,
}: SelectProps<T>) {
  const id = useId();
  const change = (event: TargetedEvent<HTMLSelectElement>) =>
    onChange(event.currentTarget.value as T);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        class="input"
        value={value}
        onChange={change}
        aria-describedby={hint ? `${id}-hint` : undefined}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}
