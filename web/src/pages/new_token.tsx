// SPDX-License-Identifier: Apache-2.0
// Generating a token: its name, what it may do, how long, and for an admin whose it is.
import { useState } from "preact/hooks";
import { post } from "../api/client.ts";
import { useLoad } from "../api/load.ts";
import type { Config, NewToken, Person, Scope } from "../api/types.ts";
import { Page } from "../frame.tsx";
import { Checks, Choice, Field, FormView, Select, useForm, type Form } from "../parts/form.tsx";
import { useSigned } from "../session.tsx";
import { nameProblem } from "../text/check.ts";
import {
  dateProblem,
  kLifetimes,
  kReads,
  kScopes,
  lifetimeRequest,
  limitsRequest,
  prefixesProblem,
  sourcesProblem,
  type Lifetime,
  type Limits,
} from "../text/token.ts";
import { FreshToken } from "./token_parts.tsx";

interface Wanted extends Limits {
  name: string;
  scopes: Scope[];
  lifetime: Lifetime;
  expires: string;
  user: string;
}

function wrong(values: Wanted): Partial<Record<keyof Wanted, string>> {
  const name = nameProblem(values.name);
  const date = dateProblem(values.lifetime, values.expires, new Date());
  const prefixes = prefixesProblem(values);
  const sources = sourcesProblem(values);
  return {
    ...(name ? { name } : {}),
    ...(date ? { expires: date } : {}),
    ...(prefixes ? { prefixes } : {}),
    ...(sources ? { sources } : {}),
    ...(values.scopes.length ? {} : { scopes: "Choose at least one." }),
  };
}

export function NewTokenPage() {
  const { session, config } = useSigned();
  const { user } = session;
  const admin = user.role === "admin";
  const people = useLoad<{ people: Person[] }>(admin ? "/people" : null);
  const [made, setMade] = useState<NewToken | null>(null);
  const form = useForm<Wanted>(
    {
      name: "",
      scopes: ["export"],
      lifetime: "90d",
      expires: "",
      user: user.email,
      reads: "all",
      prefixes: "",
      sources: "",
    },
    wrong,
    async (values) => {
      setMade(
        await post<NewToken>("/tokens", {
          name: values.name.trim(),
          scopes: values.scopes,
          ...lifetimeRequest(values.lifetime, values.expires),
          ...limitsRequest(values),
          ...(values.user === user.email ? {} : { user: values.user }),
        }),
      );
      scrollTo(0, 0);
    },
  );
  const trail = (
    <>
      <a href="/tokens">Tokens</a> / new
    </>
  );
  if (made)
    return (
      <Page
        title="Your new token"
        trail={trail}
        actions={
          <button
            class="button"
            onClick={() => {
              setMade(null);
              form.set("name", "");
            }}
          >
            Generate another
          </button>
        }
      >
        <FreshToken made={made} start={made.scopes.includes("export")} />
      </Page>
    );
  const owners = (people.data?.people ?? []).filter((one) => one.state === "active" && !one.you);
  return (
    <Page
      title="Generate a token"
      trail={trail}
      lead="One for each tool or job. You see its value once, on the next page."
    >
      <FormView
        form={form}
        button="Generate"
        busyText="Generating…"
        more={
          <a class="button" href="/tokens">
            Cancel
          </a>
        }
      >
        <Field
          form={form}
          name="name"
          label="Name"
          maxLength={200}
          autofocus
          hint="What will use it, such as “nightly job” or “Ann’s laptop”."
        />
        <Checks
          legend="It may"
          values={form.values.scopes}
          error={form.errors.scopes}
          options={kScopes.filter((scope) => admin || !scope.admin)}
          onChange={(scopes) => form.set("scopes", scopes)}
        />
        <Choice
          legend="It works for"
          seen
          options={kLifetimes}
          value={form.values.lifetime}
          onChange={(lifetime) => form.set("lifetime", lifetime)}
        />
        {form.values.lifetime === "date" && (
          <Field form={form} name="expires" label="Last day" type="date" />
        )}
        {form.values.lifetime === "never" && (
          <p class="hint">
            It works until somebody revokes it. A lifetime is safer: the console reminds you a week
            ahead.
          </p>
        )}
        <LimitFields form={form} offered={config.narrowing} />
        {owners.length > 0 && (
          <Select
            label="Whose it is"
            value={form.values.user}
            onChange={(value) => form.set("user", value)}
            hint="It ends when this person is disabled."
            options={[
              { value: user.email, label: `${user.email} (you)` },
              ...owners.map((one) => ({ value: one.email, label: one.email })),
            ]}
          />
        )}
      </FormView>
    </Page>
  );
}

interface LimitFieldsProps {
  form: Form<Wanted>;
  offered: Config["narrowing"];
}

// What most tokens do without stays folded up, until something in it needs a look.
function LimitFields({ form, offered }: LimitFieldsProps) {
  if (!offered.prefixes && !offered.sources)
    return (
      <p class="hint">
        It opens the account’s whole export: the bucket’s engine cannot hold a token to less.
      </p>
    );
  const wrong = form.errors.prefixes ?? form.errors.sources;
  return (
    <details open={wrong ? true : undefined}>
      <summary>Limit what it reads, or from where</summary>
      <div class="form">
        {offered.prefixes && (
          <>
            <Choice
              legend="It reads"
              seen
              options={kReads}
              value={form.values.reads}
              onChange={(reads) => form.set("reads", reads)}
            />
            <Field
              form={form}
              name="prefixes"
              label="Only below"
              lines={2}
              hint={
                <>
                  Prefixes below the account’s own, one a line, such as{" "}
                  <code>type=decisions/date=2026-11-29/</code>. Empty: all of it.
                </>
              }
            />
          </>
        )}
        {offered.sources && (
          <Field
            form={form}
            name="sources"
            label="Only from"
            lines={2}
            hint={
              <>
                Addresses or networks, one a line, such as <code>198.51.100.0/24</code>. Empty: from
                everywhere.
              </>
            }
          />
        )}
        <p class="hint">
          Limits stay for good. A limited token lists only with one of its prefixes, and makes only
          tokens that are limited as far.
        </p>
      </div>
    </details>
  );
}
