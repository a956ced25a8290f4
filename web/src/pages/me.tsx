// SPDX-License-Identifier: Apache-2.0
// Oneself: the password, the browsers that are signed in, the theme.
import { useState } from "preact/hooks";
import { post, remove } from "../api/client.ts";
import { asProblem, useLoad } from "../api/load.ts";
import type { OneSession } from "../api/types.ts";
import { Page, signOut, ZoneNote } from "../frame.tsx";
import { Choice, Field, FormView, useForm } from "../parts/form.tsx";
import { LoadedView } from "../parts/states.tsx";
import { toast } from "../parts/toast.tsx";
import { useSigned } from "../session.tsx";
import { passwordProblem } from "../text/check.ts";
import { moment } from "../text/format.ts";
import { keepTheme, readTheme, type Theme } from "../theme.ts";

export function MePage() {
  const { config, session } = useSigned();
  const { user } = session;
  return (
    <Page
      title="You"
      lead={
        <>
          <bdi>{user.email}</bdi>,{" "}
          {user.account && (
            <>
              <bdi>{user.account.name}</bdi>,{" "}
            </>
          )}
          {user.role}
        </>
      }
      actions={
        <button class="button" onClick={signOut}>
          Sign out
        </button>
      }
    >
      <ThemeSection />
      <Sessions />
      {config.password_sign_in && user.has_password && (
        <PasswordSection email={user.email} least={config.password_min} />
      )}
      <p class="small quiet">
        Valetkey {config.version} ·{" "}
        <a href="/openapi.json" target="_blank">
          API reference
        </a>
      </p>
    </Page>
  );
}

function ThemeSection() {
  const [theme, setTheme] = useState(readTheme);
  const choose = (value: Theme) => {
    setTheme(value);
    keepTheme(value);
  };
  return (
    <section class="section" aria-labelledby="theme">
      <h2 id="theme">Theme</h2>
      <Choice
        legend="Theme"
        value={theme}
        onChange={choose}
        options={[
          { value: "system", label: "As the system" },
          { value: "light", label: "Light" },
          { value: "dark", label: "Dark" },
        ]}
      />
    </section>
  );
}

function Sessions() {
  const sessions = useLoad<{ sessions: OneSession[] }>("/sessions");
  const end = async (one: OneSession) => {
    try {
      await remove(`/sessions/${one.id}`);
      toast("That browser is signed out.");
      void sessions.reload();
    } catch (error) {
      toast(asProblem(error).message);
    }
  };
  const endAll = async () => {
    try {
      await remove("/sessions");
      location.assign("/sign-in");
    } catch (error) {
      toast(asProblem(error).message);
    }
  };
  const now = new Date();
  return (
    <section class="section" aria-labelledby="sessions">
      <div class="section-head">
        <h2 id="sessions">Where you are signed in</h2>
        <button class="button" onClick={endAll}>
          Sign out everywhere
        </button>
      </div>
      <LoadedView of={sessions} what="the sessions">
        {(data) => (
          <table class="stack">
            <thead>
              <tr>
                <th>Signed in</th>
                <th>Last used</th>
                <th>From</th>
                <th>Ends</th>
                <th>
                  <span class="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {data.sessions.map((one) => (
                <tr key={one.id}>
                  <td class="lead">
                    <span class="name">{moment(one.created, now)}</span>
                    {one.current && <span class="small quiet">this browser</span>}
                  </td>
                  <td data-label="Last used">
                    <span>{one.last_used ? moment(one.last_used, now) : "Not yet"}</span>
                  </td>
                  <td data-label="From">
                    <span>{one.last_used_from ?? "not known"}</span>
                  </td>
                  <td data-label="Ends">
                    <span>{moment(one.expires, now)}</span>
                  </td>
                  <td class="act number">
                    {!one.current && (
                      <button
                        class="button plain danger"
                        aria-label={`Sign out the browser of ${moment(one.created, now)}`}
                        onClick={() => end(one)}
                      >
                        Sign out
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </LoadedView>
      <ZoneNote />
    </section>
  );
}

function PasswordSection({ email, least }: { email: string; least: number }) {
  const form = useForm(
    { current: "", new: "" },
    (values) => {
      const wrong = passwordProblem(values.new, least);
      return {
        ...(values.current ? {} : { current: "Type your current password." }),
        ...(wrong ? { new: wrong } : {}),
      };
    },
    async (values) => {
      await post("/password", values);
      form.set("current", "");
      form.set("new", "");
      toast("Your password is changed. Your other browsers are signed out.");
    },
  );
  return (
    <section class="section" aria-labelledby="password">
      <h2 id="password">Password</h2>
      <FormView form={form} button="Change the password" busyText="Changing it…">
        <input
          class="visually-hidden"
          type="email"
          autocomplete="username"
          value={email}
          readOnly
          tabIndex={-1}
          aria-hidden="true"
        />
        <Field
          form={form}
          name="current"
          label="Current password"
          type="password"
          autocomplete="current-password"
        />
        <Field
          form={form}
          name="new"
          label="New password"
          type="password"
          autocomplete="new-password"
          hint={`At least ${least} characters. Your other browsers are signed out.`}
        />
      </FormView>
    </section>
  );
}
