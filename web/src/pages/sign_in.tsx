// SPDX-License-Identifier: Apache-2.0
// Signing in: as a page of its own, and in place when a session ended while somebody was at work.
import { useLocation } from "preact-iso";
import { useEffect, useState } from "preact/hooks";
import { get, post } from "../api/client.ts";
import { asProblem } from "../api/load.ts";
import type { Config, Session } from "../api/types.ts";
import { InsecureBanner, Key } from "../frame.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Field, FormView, useForm } from "../parts/form.tsx";
import { emailProblem } from "../text/check.ts";

interface SignInProps {
  config: Config;
  signedIn: (session: Session) => void;
}

const kOidcReasons: Record<string, string> = {
  denied: "Your identity provider did not sign you in. Try again, or ask your administrator.",
  unknown_user:
    "Your identity provider knows you, but there is no such user here. Ask an administrator for an invitation.",
  unverified:
    "Your identity provider has not verified your e-mail address. Verify it there, then sign in again.",
  expired: "Signing in took longer than 10 minutes, or the page was loaded twice. Sign in again.",
  failed: "Your identity provider could not be asked. Try again in a minute.",
};

export function signIn(email: string, password: string): Promise<Session> {
  return post<Session>("/session", { email, password }, { open: true });
}

export function SignInPage({ config, signedIn }: SignInProps) {
  const { path, url, route } = useLocation();
  const reason = new URLSearchParams(location.hash.slice(1)).get("oidc");
  useEffect(() => {
    document.title = "Sign in · Valetkey";
  }, []);
  const form = useForm(
    { email: "", password: "" },
    (values) => ({
      ...emailProblem(values.email),
      ...(values.password ? {} : { password: "Type your password." }),
    }),
    async (values) => {
      const session = await signIn(values.email.trim(), values.password);
      if (path === "/sign-in") route("/", true);
      signedIn(session);
    },
  );
  const next = path === "/sign-in" ? "/" : url;
  return (
    <>
      {!config.secure && <InsecureBanner />}
      <main id="main" class="narrow">
        <p class="brand">
          <Key />
          Valetkey
        </p>
        <h1>Sign in</h1>
        {reason && (
          <div class="notice warn" role="alert">
            <p>{kOidcReasons[reason] ?? kOidcReasons["failed"]}</p>
          </div>
        )}
        {config.password_sign_in && (
          <FormView form={form} button="Sign in" busyText="Signing in…">
            <Field
              form={form}
              name="email"
              label="E-mail address"
              type="email"
              autocomplete="username"
              autofocus
            />
            <Field
              form={form}
              name="password"
              label="Password"
              type="password"
              autocomplete="current-password"
            />
          </FormView>
        )}
        {config.oidc && (
          <a
            class={`button ${config.password_sign_in ? "" : "main"}`}
            href={`${config.oidc.start}?next=${encodeURIComponent(next)}`}
          >
            Sign in with {hostOf(config.oidc.issuer)}
          </a>
        )}
        <p class="small quiet">
          No account, or a forgotten password? An administrator of your account sends you a link.
        </p>
      </main>
    </>
  );
}

export function hostOf(address: string): string {
  try {
    return new URL(address).host;
  } catch {
    return "your identity provider";
  }
}

interface AgainProps {
  config: Config;
  session: Session;
  onSignedIn: (session: Session) => void;
}

export function SignInAgain({ config, session, onSignedIn }: AgainProps) {
  const [said, setSaid] = useState("");
  const form = useForm(
    { email: session.user.email, password: "" },
    (values): { password?: string } => (values.password ? {} : { password: "Type your password." }),
    async (values) => onSignedIn(await signIn(values.email, values.password)),
  );
  const look = async () => {
    try {
      onSignedIn(await get<Session>("/session", { open: true }));
    } catch (error) {
      setSaid(asProblem(error).status === 401 ? "Not signed in yet." : asProblem(error).message);
    }
  };
  return (
    <Dialog title="Your session has ended">
      <p>Sign in again to go on. What you typed is still here.</p>
      {config.password_sign_in && session.user.has_password && (
        <FormView
          form={form}
          button="Sign in"
          busyText="Signing in…"
          more={
            <button class="button plain" type="button" onClick={() => location.assign("/sign-in")}>
              Leave this page
            </button>
          }
        >
          <Field
            form={form}
            name="email"
            label="E-mail address"
            type="email"
            autocomplete="username"
            readOnly
          />
          <Field
            form={form}
            name="password"
            label="Password"
            type="password"
            autocomplete="current-password"
            autofocus
          />
        </FormView>
      )}
      {config.oidc && (
        <div class="row">
          <a class="button" href={`${config.oidc.start}?next=/me`} target="_blank" rel="noopener">
            Sign in with {hostOf(config.oidc.issuer)} in a new tab
          </a>
          <button class="button" type="button" onClick={look}>
            I have signed in
          </button>
          <span role="status">{said}</span>
        </div>
      )}
    </Dialog>
  );
}
