// SPDX-License-Identifier: Apache-2.0
// The account's people, for its admins: invite, change the role, disable, sign out. What ends is said
// before it does.
import { useState } from "preact/hooks";
import { post } from "../api/client.ts";
import { useLoad } from "../api/load.ts";
import type { Ends, Invitation, Invited, Person, Token } from "../api/types.ts";
import { Page, ZoneNote } from "../frame.tsx";
import { CopyLine } from "../parts/copy.tsx";
import { Cancel, Dialog } from "../parts/dialog.tsx";
import { Choice, Field, FormView, useForm } from "../parts/form.tsx";
import { LoadedView } from "../parts/states.tsx";
import { toast } from "../parts/toast.tsx";
import { Wrapped } from "../parts/wrapped.tsx";
import { emailProblem } from "../text/check.ts";
import { inSentence, moment, plural } from "../text/format.ts";
import { TokenNames } from "./token_parts.tsx";

export type Change = "disable" | "enable" | "admin" | "member" | "sign-out" | "link";

export function PeoplePage() {
  const people = useLoad<{ people: Person[] }>("/people");
  const [inviting, setInviting] = useState(false);
  const [invited, setInvited] = useState<Invited | null>(null);
  const [doing, setDoing] = useState<{ change: Change; person: Person } | null>(null);
  const close = () => setDoing(null);
  const done = () => {
    close();
    void people.reload();
  };
  const show = (answer: Invited) => {
    setInviting(false);
    setInvited(answer);
    done();
    scrollTo(0, 0);
  };
  return (
    <Page
      title="People"
      lead="Members read the export with tokens of their own. Admins also handle people and everyone’s tokens."
      actions={
        <button class={`button ${invited ? "" : "main"}`} onClick={() => setInviting(true)}>
          Invite somebody
        </button>
      }
    >
      {invited && <InvitationNotice email={invited.person.email} invitation={invited.invitation} />}
      <LoadedView of={people} what="the people">
        {(data) => (
          <section class="section" aria-labelledby="all">
            <h2 id="all" class="visually-hidden">
              All people
            </h2>
            <table class="stack">
              <thead>
                <tr>
                  <th>Address</th>
                  <th>Role</th>
                  <th>Status</th>
                  <th class="number">Tokens</th>
                  <th>Last seen</th>
                  <th>
                    <span class="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {data.people.map((person) => (
                  <Row
                    key={person.id}
                    person={person}
                    onChange={(change) => setDoing({ change, person })}
                  />
                ))}
              </tbody>
            </table>
            <ZoneNote />
          </section>
        )}
      </LoadedView>
      {inviting && <InviteDialog onClose={() => setInviting(false)} onDone={show} />}
      {doing?.change === "link" && (
        <LinkDialog person={doing.person} onClose={close} onDone={show} />
      )}
      {doing && doing.change !== "link" && (
        <ChangeDialog person={doing.person} change={doing.change} onClose={close} onDone={done} />
      )}
    </Page>
  );
}

// The link is shown once.
export function InvitationNotice({ email, invitation }: { email: string; invitation: Invitation }) {
  return (
    <section class="notice" aria-labelledby="invited">
      <h2 id="invited" class="name">
        Send this link to <bdi>{email}</bdi>
      </h2>
      <p class="quiet">
        It is shown only now, and works once, until {inSentence(invitation.expires, new Date())}.
        Anyone who has it can set the password: send it in a way that only this person can read.
      </p>
      <CopyLine text={invitation.url} label="Link" />
    </section>
  );
}

function PersonStatus({ person }: { person: Person }) {
  if (person.state === "disabled")
    return (
      <span>
        <span class="status revoked">Disabled</span>
      </span>
    );
  if (person.invitation && !person.has_password)
    return (
      <span>
        <span class="status soon">Invited</span>
        <span class="small quiet">until {inSentence(person.invitation.expires, new Date())}</span>
      </span>
    );
  return (
    <span>
      <span class="status active">Active</span>
    </span>
  );
}

interface RowProps {
  person: Person;
  onChange: (change: Change) => void;
}

function Row({ person, onChange }: RowProps) {
  const active = person.state === "active";
  const button = (change: Change, text: string, look = "") => (
    <button
      class={`button plain ${look}`}
      aria-label={`${text.replace("…", "")}: ${person.email}`}
      onClick={(event) => {
        event.currentTarget.closest("details")?.removeAttribute("open");
        onChange(change);
      }}
    >
      {text}
    </button>
  );
  return (
    <tr class={active ? "" : "is-ended"}>
      <td class="lead">
        <span class="name" dir="auto">
          <Wrapped text={person.email} />
        </span>
        {person.you && <span class="small quiet">you</span>}
      </td>
      <td data-label="Role">
        <span>{person.role === "admin" ? "Admin" : "Member"}</span>
      </td>
      <td data-label="Status">
        <PersonStatus person={person} />
      </td>
      <td class="number" data-label="Tokens">
        <span>{person.tokens}</span>
      </td>
      <td data-label="Last seen">
        <span class="nowrap">
          {person.last_seen ? moment(person.last_seen, new Date()) : "Not yet"}
        </span>
      </td>
      <td class="act number">
        {!person.you && (
          <details
            class="menu"
            onKeyDown={(event) => {
              if (event.key === "Escape") event.currentTarget.open = false;
            }}
          >
            <summary class="button plain" aria-label={`Change ${person.email}`}>
              Change
            </summary>
            <div class="menu-list">
              {active &&
                button(
                  person.role === "admin" ? "member" : "admin",
                  person.role === "admin" ? "Make a member…" : "Make an admin…",
                )}
              {active &&
                button(
                  "link",
                  person.has_password ? "Link for a new password…" : "New invitation…",
                )}
              {active && person.sessions > 0 && button("sign-out", "Sign out everywhere…")}
              {active ? button("disable", "Disable…", "danger") : button("enable", "Enable…")}
            </div>
          </details>
        )}
      </td>
    </tr>
  );
}

interface InviteProps {
  onClose: () => void;
  onDone: (answer: Invited) => void;
}

function InviteDialog({ onClose, onDone }: InviteProps) {
  const form = useForm<{ email: string; role: "member" | "admin" }>(
    { email: "", role: "member" },
    (values) => emailProblem(values.email),
    async (values) =>
      onDone(await post<Invited>("/people", { email: values.email.trim(), role: values.role })),
  );
  return (
    <Dialog title="Invite somebody" onClose={onClose}>
      <FormView
        form={form}
        button="Make the invitation"
        busyText="Making it…"
        more={<Cancel onClick={onClose} />}
      >
        <Field form={form} name="email" label="E-mail address" type="email" autofocus />
        <Choice
          legend="Role"
          seen
          value={form.values.role}
          onChange={(role) => form.set("role", role)}
          options={[
            { value: "member", label: "Member" },
            { value: "admin", label: "Admin" },
          ]}
        />
        <p class="hint">You get a link to send. Nothing is mailed from here.</p>
      </FormView>
    </Dialog>
  );
}

interface PersonProps {
  person: Person;
  onClose: () => void;
}

function LinkDialog({
  person,
  onClose,
  onDone,
}: PersonProps & { onDone: (answer: Invited) => void }) {
  const form = useForm(
    {},
    () => ({}),
    async () => onDone(await post<Invited>(`/people/${person.id}/invitation`)),
  );
  return (
    <Dialog title={`Make a link for ${person.email}?`} onClose={onClose}>
      <p>
        {person.has_password
          ? "This person sets a new password with it; the current one works until then."
          : "It replaces the former invitation, whose link no longer works."}
      </p>
      <FormView
        form={form}
        button="Make the link"
        busyText="Making it…"
        more={<Cancel onClick={onClose} />}
      />
    </Dialog>
  );
}

const kQuestions: Record<
  Exclude<Change, "link">,
  { title: string; text: string; button: string; danger: boolean }
> = {
  disable: {
    title: "Disable",
    text: "This person can no longer sign in, and their tokens are refused within a second.",
    button: "Disable",
    danger: true,
  },
  enable: {
    title: "Enable",
    text: "This person can sign in again, and their tokens work again.",
    button: "Enable",
    danger: false,
  },
  admin: {
    title: "Make an admin of",
    text: "Admins handle people and everyone’s tokens.",
    button: "Make an admin",
    danger: false,
  },
  member: {
    title: "Make a member of",
    text: "Members handle their own tokens only.",
    button: "Make a member",
    danger: true,
  },
  "sign-out": {
    title: "Sign out",
    text: "All browsers of this person are signed out. Tokens go on working.",
    button: "Sign out everywhere",
    danger: false,
  },
};

interface ChangeProps extends PersonProps {
  change: Exclude<Change, "link">;
  onDone: () => void;
}

function ChangeDialog({ person, change, onClose, onDone }: ChangeProps) {
  const asks = change !== "enable" && change !== "admin";
  const ends = useLoad<Ends>(asks ? `/people/${person.id}/ends?change=${change}` : null);
  const question = kQuestions[change];
  const form = useForm(
    {},
    () => ({}),
    async () => {
      if (change === "sign-out") await post(`/people/${person.id}/sign-out`);
      else if (change === "disable" || change === "enable")
        await post(`/people/${person.id}`, { state: change === "disable" ? "disabled" : "active" });
      else await post(`/people/${person.id}`, { role: change });
      toast("Done.");
      onDone();
    },
  );
  return (
    <Dialog title={`${question.title} ${person.email}?`} onClose={onClose}>
      <p>{question.text}</p>
      {asks && (
        <LoadedView of={ends} what="what ends">
          {(data) => <EndsList ends={data} />}
        </LoadedView>
      )}
      <FormView
        form={form}
        button={question.button}
        busyText="One moment…"
        danger={question.danger}
        more={<Cancel onClick={onClose} />}
      />
    </Dialog>
  );
}

function EndsList({ ends }: { ends: Ends }) {
  const list = (title: string, tokens: Token[]) =>
    tokens.length > 0 && (
      <>
        <p>{title}</p>
        <TokenNames tokens={tokens} />
      </>
    );
  const nothing = ends.revoked.length + ends.refused.length + ends.sessions === 0;
  return (
    <>
      {nothing && <p>Nothing else ends.</p>}
      {ends.sessions > 0 && <p>{plural(ends.sessions, "browser")} will be signed out.</p>}
      {list(`${plural(ends.revoked.length, "token")} for good:`, ends.revoked)}
      {list(
        `${plural(ends.refused.length, "token")} until this person is enabled again:`,
        ends.refused,
      )}
    </>
  );
}
