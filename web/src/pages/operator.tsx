// SPDX-License-Identifier: Apache-2.0
// The operator's pages: health, exporter, disk, keys and accounts. Never a row of a tenant.
import { useState } from "preact/hooks";
import { post } from "../api/client.ts";
import { useLoad } from "../api/load.ts";
import type { Account, Invitation, Operator } from "../api/types.ts";
import { Page, ZoneNote } from "../frame.tsx";
import { Cancel, Dialog } from "../parts/dialog.tsx";
import { Field, FormView, useForm } from "../parts/form.tsx";
import { Empty, LoadedView } from "../parts/states.tsx";
import { useSigned } from "../session.tsx";
import { emailProblem, nameProblem } from "../text/check.ts";
import { ago, bytes, count, dateOf, duration, inSentence, plural } from "../text/format.ts";
import { AccountState } from "./account.tsx";
import { InvitationNotice } from "./people.tsx";

const kPollMs = 10_000;

export function OperatorPage() {
  const { config } = useSigned();
  const state = useLoad<Operator>("/operator", kPollMs);
  const accounts = useLoad<{ accounts: Account[] }>("/operator/accounts");
  const [creating, setCreating] = useState(false);
  const [made, setMade] = useState<{ email: string; invitation: Invitation } | null>(null);
  const done = (email: string, invitation: Invitation | null) => {
    setCreating(false);
    setMade(invitation && { email, invitation });
    void accounts.reload();
  };
  return (
    <Page
      title="Operator"
      lead={state.data ? health(state.data) : " "}
      actions={
        <button class={`button ${made ? "" : "main"}`} onClick={() => setCreating(true)}>
          Create an account
        </button>
      }
    >
      {made && <InvitationNotice email={made.email} invitation={made.invitation} />}
      {config.mixed_content && (
        <p class="notice warn">
          This console speaks HTTPS and the S3 endpoint plain HTTP: browsers will not read from it,
          so the query page offers commands only.
        </p>
      )}
      <LoadedView of={state} what="the server’s state">
        {(data) => <State data={data} />}
      </LoadedView>
      <section class="section" aria-labelledby="accounts">
        <h2 id="accounts">Accounts</h2>
        <LoadedView of={accounts} what="the accounts">
          {(data) =>
            data.accounts.length === 0 ? (
              <Empty title="No account yet">
                <p>Create one; its first admin gets a link to set a password.</p>
              </Empty>
            ) : (
              <Accounts accounts={data.accounts} />
            )
          }
        </LoadedView>
      </section>
      {state.data && <Keys keys={state.data.keys} />}
      <ZoneNote />
      {creating && <CreateDialog onClose={() => setCreating(false)} onDone={done} />}
    </Page>
  );
}

function health(data: Operator): string {
  if (data.problems.length > 0)
    return `${plural(data.problems.length, "thing")} ${data.problems.length === 1 ? "needs" : "need"} your attention.`;
  return `All is well. Version ${data.version}, running since ${inSentence(data.started, new Date())}.`;
}

function State({ data }: { data: Operator }) {
  const now = new Date();
  const { exporter, disk } = data;
  return (
    <>
      {data.problems.length > 0 && (
        <div class="notice bad" role="alert">
          <ul>
            {data.problems.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </div>
      )}
      <dl class="facts">
        <div>
          <dt>Last export</dt>
          <dd>
            {!exporter.enabled
              ? "switched off"
              : exporter.last_export
                ? ago(exporter.last_export, now)
                : "not yet"}
            {exporter.closed_through && (
              <span class="small quiet">days closed through {exporter.closed_through}</span>
            )}
          </dd>
        </div>
        <div>
          <dt>Waiting for export</dt>
          <dd>
            {bytes(exporter.waiting_bytes)}
            {exporter.oldest_waiting_s !== null && (
              <span class="small quiet">the oldest for {duration(exporter.oldest_waiting_s)}</span>
            )}
          </dd>
        </div>
        <div>
          <dt>Disk free</dt>
          <dd>
            {bytes(disk.free_bytes)}
            <span class="small quiet">
              {disk.total_bytes > 0
                ? `${Math.round((disk.free_bytes / disk.total_bytes) * 100)} % of ${bytes(disk.total_bytes)}`
                : ""}
            </span>
          </dd>
        </div>
        <div>
          <dt>Addresses</dt>
          <dd class="plainer">
            {data.addresses.api}
            <br />
            {data.addresses.s3}
            <br />
            {data.addresses.admin}
          </dd>
        </div>
      </dl>
    </>
  );
}

function Accounts({ accounts }: { accounts: Account[] }) {
  return (
    <table class="stack">
      <thead>
        <tr>
          <th>Account</th>
          <th>Status</th>
          <th class="number">People</th>
          <th class="number">Tokens</th>
          <th class="number">Stored</th>
          <th class="number">Events today</th>
          <th>Kept for</th>
        </tr>
      </thead>
      <tbody>
        {accounts.map((one) => (
          <tr key={one.id} class={one.state === "active" ? "" : "is-ended"}>
            <td class="lead">
              <a class="name" href={`/operator/accounts/${one.id}`} dir="auto">
                {one.name || one.id}
              </a>
              <span class="small quiet">{one.id}</span>
            </td>
            <td data-label="Status">
              <AccountState state={one.state} />
            </td>
            <td class="number" data-label="People">
              <span>{count(one.users)}</span>
            </td>
            <td class="number" data-label="Tokens">
              <span>{count(one.tokens)}</span>
            </td>
            <td class="number" data-label="Stored">
              <span>{one.stored ? bytes(one.stored.bytes) : "–"}</span>
            </td>
            <td class="number" data-label="Events today">
              <span>{count(one.events_today)}</span>
            </td>
            <td data-label="Kept for">
              <span>
                {one.retention_days === null ? "no limit" : plural(one.retention_days, "day")}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Keys({ keys }: { keys: Operator["keys"] }) {
  const now = new Date();
  return (
    <section class="section" aria-labelledby="keys">
      <h2 id="keys">Keys</h2>
      <table class="stack">
        <thead>
          <tr>
            <th>Key</th>
            <th>For</th>
            <th>State</th>
            <th>Age</th>
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <tr key={key.id + key.purpose}>
              <td class="lead">
                <span class="name mono">{key.id}</span>
              </td>
              <td data-label="For">
                <span>{key.purpose}</span>
              </td>
              <td data-label="State">
                <span>{key.state}</span>
              </td>
              <td data-label="Age">
                <span>
                  {duration((now.getTime() - new Date(key.created).getTime()) / 1000)}
                  <span class="small quiet">since {dateOf(key.created)}</span>
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="small quiet">
        valetkeyd keys rotate makes a new one; the old one goes on opening what it sealed.
      </p>
    </section>
  );
}

interface CreateProps {
  onClose: () => void;
  onDone: (email: string, invitation: Invitation | null) => void;
}

function CreateDialog({ onClose, onDone }: CreateProps) {
  const form = useForm(
    { name: "", id: "", admin: "" },
    (values): Record<string, string> => {
      const name = nameProblem(values.name);
      return {
        ...(name ? { name } : {}),
        ...(values.id && !/^[0-9]{1,19}$/.test(values.id.trim())
          ? { id: "An account’s number has digits only." }
          : {}),
        ...(values.admin.trim() ? { admin: emailProblem(values.admin).email ?? "" } : {}),
      };
    },
    async (values) => {
      const admin = values.admin.trim();
      const { invitation } = await post<{ invitation: Invitation | null }>("/operator/accounts", {
        name: values.name.trim(),
        ...(values.id.trim() ? { id: values.id.trim() } : {}),
        ...(admin ? { admin } : {}),
      });
      onDone(admin, invitation);
    },
  );
  return (
    <Dialog title="Create an account" onClose={onClose}>
      <FormView
        form={form}
        button="Create"
        busyText="Creating…"
        more={<Cancel onClick={onClose} />}
      >
        <Field form={form} name="name" label="Name" autofocus />
        <Field
          form={form}
          name="id"
          label="Number"
          hint="Leave it out to get a free one. It stands in every path of the export."
        />
        <Field
          form={form}
          name="admin"
          label="E-mail address of its first admin"
          type="email"
          hint="You get a link to send. Can be left out."
        />
      </FormView>
    </Dialog>
  );
}
