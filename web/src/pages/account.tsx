// SPDX-License-Identifier: Apache-2.0
// One account, as its operator sees it: figures, name, how long data is kept, suspended or not.
import { useState } from "preact/hooks";
import { post } from "../api/client.ts";
import { useLoad } from "../api/load.ts";
import type { Account, AccountPage as OneAccount } from "../api/types.ts";
import { Page } from "../frame.tsx";
import { Cancel, Dialog } from "../parts/dialog.tsx";
import { Field, FormView, useForm } from "../parts/form.tsx";
import { LoadedView } from "../parts/states.tsx";
import { toast } from "../parts/toast.tsx";
import { nameProblem } from "../text/check.ts";
import { bytes, count, inSentence, plural } from "../text/format.ts";

export function AccountState({ state }: { state: Account["state"] }) {
  const look = state === "active" ? "active" : state === "suspended" ? "soon" : "revoked";
  return (
    <span>
      <span class={`status ${look}`}>
        {state === "active" ? "Active" : state === "suspended" ? "Suspended" : "Deleted"}
      </span>
    </span>
  );
}

export function AccountPage({ id }: { id?: string }) {
  const account = useLoad<OneAccount>(`/operator/accounts/${encodeURIComponent(id ?? "")}`);
  const data = account.data;
  return (
    <Page
      title={data ? data.name || data.id : "Account"}
      trail={
        <>
          <a href="/operator">Operator</a> /
        </>
      }
      lead={data ? `Number ${data.id}, created ${inSentence(data.created, new Date())}.` : " "}
    >
      <LoadedView of={account} what="the account">
        {(found) => (
          <>
            <dl class="facts">
              <div>
                <dt>Status</dt>
                <dd>
                  <AccountState state={found.state} />
                </dd>
              </div>
              <div>
                <dt>People</dt>
                <dd>{count(found.users)}</dd>
              </div>
              <div>
                <dt>Tokens</dt>
                <dd>{count(found.tokens)}</dd>
              </div>
              <div>
                <dt>Stored</dt>
                <dd>
                  {found.stored ? bytes(found.stored.bytes) : "in another engine"}
                  {found.stored && (
                    <span class="small quiet">{plural(found.stored.parts, "part")}</span>
                  )}
                </dd>
              </div>
              <div>
                <dt>Last day with data</dt>
                <dd>{found.last_event_day ?? "none"}</dd>
              </div>
            </dl>
            <Settings account={found} onChange={() => void account.reload()} />
          </>
        )}
      </LoadedView>
    </Page>
  );
}

function Settings({ account, onChange }: { account: Account; onChange: () => void }) {
  const [asking, setAsking] = useState(false);
  const form = useForm(
    {
      name: account.name,
      retention_days: account.retention_days === null ? "" : String(account.retention_days),
    },
    (values) => {
      const name = nameProblem(values.name);
      const days = values.retention_days.trim();
      return {
        ...(name ? { name } : {}),
        ...(days && !/^[1-9]\d{0,4}$/.test(days)
          ? { retention_days: "Type a number of days, or nothing to keep data for ever." }
          : {}),
      };
    },
    async (values) => {
      await post(`/operator/accounts/${account.id}`, {
        name: values.name.trim(),
        retention_days: values.retention_days.trim() ? Number(values.retention_days) : null,
      });
      toast("Saved.");
      onChange();
    },
  );
  const active = account.state === "active";
  return (
    <>
      <FormView form={form} button="Save" busyText="Saving…">
        <Field form={form} name="name" label="Name" />
        <Field
          form={form}
          name="retention_days"
          label="Days that data is kept"
          hint="Empty: for ever. Older days are deleted with the next upkeep, and do not come back."
        />
      </FormView>
      {account.state !== "deleted" && (
        <section class="section apart" aria-labelledby="state">
          <h2 id="state">{active ? "Suspend" : "Resume"}</h2>
          <p>
            {active
              ? "Its tokens and people are refused within a second, and its events are not taken, until it is resumed. Nothing is deleted."
              : "Its tokens and people work again."}
          </p>
          <div class="row">
            <button class={`button ${active ? "danger" : ""}`} onClick={() => setAsking(true)}>
              {active ? "Suspend…" : "Resume…"}
            </button>
          </div>
        </section>
      )}
      {asking && (
        <SuspendDialog
          account={account}
          onClose={() => setAsking(false)}
          onDone={() => {
            setAsking(false);
            onChange();
          }}
        />
      )}
    </>
  );
}

function SuspendDialog({
  account,
  onClose,
  onDone,
}: {
  account: Account;
  onClose: () => void;
  onDone: () => void;
}) {
  const active = account.state === "active";
  const form = useForm(
    {},
    () => ({}),
    async () => {
      await post(`/operator/accounts/${account.id}`, { state: active ? "suspended" : "active" });
      onDone();
    },
  );
  return (
    <Dialog
      title={`${active ? "Suspend" : "Resume"} ${account.name || account.id}?`}
      onClose={onClose}
    >
      <p>
        {active
          ? `${plural(account.tokens, "token")} of ${plural(account.users, "person", "people")} stop within a second.`
          : `${plural(account.tokens, "token")} of ${plural(account.users, "person", "people")} work again.`}
      </p>
      <FormView
        form={form}
        button={active ? "Suspend" : "Resume"}
        danger={active}
        more={<Cancel onClick={onClose} />}
      />
    </Dialog>
  );
}
