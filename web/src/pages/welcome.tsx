// SPDX-License-Identifier: Apache-2.0
// An invitation's link: its code is in the fragment, which no server's log sees. It sets the password
// and signs in.
import { useLocation } from "preact-iso";
import { useEffect, useState } from "preact/hooks";
import { post, type Problem } from "../api/client.ts";
import { asProblem } from "../api/load.ts";
import type { Config, InvitationOffer, Session } from "../api/types.ts";
import { InsecureBanner, Key } from "../frame.tsx";
import { Field, FormView, useForm } from "../parts/form.tsx";
import { Loading, ProblemNotice } from "../parts/states.tsx";
import { passwordProblem } from "../text/check.ts";
import { inSentence } from "../text/format.ts";

interface WelcomeProps {
  config: Config;
  signedIn: (session: Session) => void;
}

export function WelcomePage({ config, signedIn }: WelcomeProps) {
  const [code] = useState(() => location.hash.slice(1));
  const [offer, setOffer] = useState<InvitationOffer | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const load = () => {
    setProblem(null);
    post<InvitationOffer>("/invitation", { code }, { open: true }).then(
      setOffer,
      (error: unknown) => setProblem(asProblem(error)),
    );
  };
  useEffect(() => {
    document.title = "Welcome · Valetkey";
    if (code) load();
  }, []);
  const over = !code || problem?.status === 404;
  return (
    <>
      {!config.secure && <InsecureBanner />}
      <main id="main" class="narrow">
        <p class="brand">
          <Key />
          Valetkey
        </p>
        {over ? (
          <Over />
        ) : problem ? (
          <ProblemNotice problem={problem} again={load} />
        ) : offer ? (
          <Accept config={config} code={code} offer={offer} signedIn={signedIn} />
        ) : (
          <Loading what="your invitation" />
        )}
      </main>
    </>
  );
}

function Over() {
  return (
    <>
      <h1>This link is used up</h1>
      <p>
        An invitation works once, and for three days. If you have a password already,{" "}
        <a href="/sign-in">sign in</a>. Otherwise ask the person who invited you for a new link.
      </p>
    </>
  );
}

interface AcceptProps extends WelcomeProps {
  code: string;
  offer: InvitationOffer;
}

function Accept({ config, code, offer, signedIn }: AcceptProps) {
  const { route } = useLocation();
  const form = useForm(
    { email: offer.email, password: "" },
    (values): { password?: string } => {
      const wrong = passwordProblem(values.password, config.password_min);
      return wrong ? { password: wrong } : {};
    },
    async ({ password }) => {
      const session = await post<Session>("/invitation/accept", { code, password }, { open: true });
      // The code is worth nothing now; it leaves the address bar all the same.
      route(session.user.role === "operator" ? "/operator" : "/start", true);
      signedIn(session);
    },
  );
  return (
    <>
      <h1>Welcome</h1>
      <p>
        {offer.account ? (
          <>
            You are invited to <bdi class="name">{offer.account.name}</bdi> as {article(offer.role)}
            .{" "}
          </>
        ) : (
          <>You are invited as an operator. </>
        )}
        Choose a password, and you are in.
      </p>
      <FormView form={form} button="Set password and sign in" busyText="Signing in…">
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
          label="New password"
          type="password"
          autocomplete="new-password"
          autofocus
          hint={`At least ${config.password_min} characters. A few words in a row are easy to remember.`}
        />
      </FormView>
      <p class="small quiet">
        This link works once, until {inSentence(offer.expires, new Date())}.
      </p>
    </>
  );
}

function article(role: string): string {
  return role === "admin" ? "an admin" : `a ${role}`;
}
