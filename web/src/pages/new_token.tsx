// SPDX-License-Identifier: Apache-2.0
// Generating a token: its name, what it may do, how long, and for an admin whose it is.
import { useState } from "preact/hooks";
import { post } from "../api/client.ts";
import { useLoad } from "../api/load.ts";
import type { NewToken, Person, Scope } from "../api/types.ts";
import { Page } from "../frame.tsx";
import { Checks, Choice, Field, FormView, Select, useForm } from "../parts/form.tsx";
import { useSigned } from "../session.tsx";
import { nameProblem } from "../text/check.ts";
import { dateProblem, kLifetimes, kScopes, lifetimeRequest, type Lifetime } from "../text/token.ts";
import { FreshToken } from "./token_parts.tsx";

interface Wanted {
  name: string;
  scopes: Scope[];
  lifetime: Lifetime;
  expires: string;
  user: string;
}

function wrong(values: Wanted): Partial<Record<keyof Wanted, string>> {
  const name = nameProblem(values.name);
  const date = dateProblem(values.lifetime, values.expires, new Date());
  return {
    ...(name ? { name } : {}),
    ...(date ? { expires: date } : {}),
    ...(values.scopes.length ? {} : { scopes: "Choose at least one." }),
  };
}

export function NewTokenPage() {
  const { session } = useSigned();
  const { user } = session;
  const admin = user.role === "admin";
  const people = useLoad<{ people: Person[] }>(admin ? "/people" : null);
  const [made, setMade] = useState<NewToken | null>(null);
  const form = useForm<Wanted>(
    { name: "", scopes: ["export"], lifetime: "90d", expires: "", user: user.email },
    wrong,
    async (values) => {
      setMade(
        await post<NewToken>("/tokens", {
          name: values.name.trim(),
          scopes: values.scopes,
          ...lifetimeRequest(values.lifetime, values.expires),
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
