// SPDX-License-Identifier: Apache-2.0
// The frame around every page, who may see which, and what happens when a session ends.
import { Component, type ComponentChildren } from "preact";
import { lazy, LocationProvider, Route, Router, useLocation } from "preact-iso";
import { useCallback, useEffect, useState } from "preact/hooks";
import { get, onExpiredSession, Problem } from "./api/client.ts";
import { asProblem } from "./api/load.ts";
import type { Config, Session } from "./api/types.ts";
import { Frame } from "./frame.tsx";
import { AccountPage } from "./pages/account.tsx";
import { ActivityPage } from "./pages/activity.tsx";
import { DayPage } from "./pages/day.tsx";
import { ExportPage } from "./pages/export.tsx";
import { HomePage } from "./pages/home.tsx";
import { MePage } from "./pages/me.tsx";
import { NotFoundPage } from "./pages/not_found.tsx";
import { OperatorPage } from "./pages/operator.tsx";
import { PeoplePage } from "./pages/people.tsx";
import { SignInAgain, SignInPage } from "./pages/sign_in.tsx";
import { StartPage } from "./pages/start.tsx";
import { NewTokenPage } from "./pages/new_token.tsx";
import { TokenPage } from "./pages/token.tsx";
import { TokensPage } from "./pages/tokens.tsx";
import { WelcomePage } from "./pages/welcome.tsx";
import { Loading, ProblemNotice } from "./parts/states.tsx";
import { Toasts } from "./parts/toast.tsx";
import { SignedContext } from "./session.tsx";

const QueryPage = lazy(() => import("./pages/query.tsx").then((module) => module.QueryPage));

interface Begun {
  config: Config;
  session: Session | null;
}

async function begin(): Promise<Begun> {
  const [config, session] = await Promise.all([
    get<Config>("/config", { open: true }),
    get<Session>("/session", { open: true }).catch((error: unknown) => {
      if (error instanceof Problem && error.status === 401) return null;
      throw error;
    }),
  ]);
  return { config, session };
}

export function App() {
  return (
    <Mishaps>
      <LocationProvider scope={/^\/(?!v2\/)/}>
        <Console />
        <Toasts />
      </LocationProvider>
    </Mishaps>
  );
}

function Console() {
  const [begun, setBegun] = useState<Begun | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const { path } = useLocation();
  const load = useCallback(() => {
    setProblem(null);
    begin().then(setBegun, (error: unknown) => setProblem(asProblem(error)));
  }, []);
  useEffect(load, []);

  if (problem)
    return (
      <main id="main" class="narrow">
        <h1>Valetkey</h1>
        <ProblemNotice problem={problem} again={load} />
      </main>
    );
  if (!begun)
    return (
      <main id="main" class="narrow">
        <Loading what="the console" />
      </main>
    );
  const signedIn = (session: Session) => setBegun({ ...begun, session });
  if (path === "/welcome") return <WelcomePage config={begun.config} signedIn={signedIn} />;
  if (!begun.session) return <SignInPage config={begun.config} signedIn={signedIn} />;
  return <SignedInConsole config={begun.config} session={begun.session} signedIn={signedIn} />;
}

interface SignedProps {
  config: Config;
  session: Session;
  signedIn: (session: Session) => void;
}

function SignedInConsole({ config, session, signedIn }: SignedProps) {
  const [again, setAgain] = useState<(() => void)[]>([]);
  useEffect(() => {
    onExpiredSession(() => new Promise((resolve) => setAgain((waiting) => [...waiting, resolve])));
    return () => onExpiredSession(null);
  }, []);
  const resume = (fresh: Session) => {
    // Somebody else: nothing of the former person's page may stay.
    if (fresh.user.id !== session.user.id) return location.assign("/");
    signedIn(fresh);
    again.forEach((resolve) => resolve());
    setAgain([]);
  };
  return (
    <SignedContext.Provider value={{ config, session, signedIn }}>
      <Frame>
        <Pages session={session} />
      </Frame>
      {again.length > 0 && <SignInAgain config={config} session={session} onSignedIn={resume} />}
    </SignedContext.Provider>
  );
}

function Pages({ session }: { session: Session }) {
  const role = session.user.role;
  if (role === "operator")
    return (
      <Router>
        <Route path="/" component={OperatorPage} />
        <Route path="/sign-in" component={OperatorPage} />
        <Route path="/operator" component={OperatorPage} />
        <Route path="/operator/accounts/:id" component={AccountPage} />
        <Route path="/me" component={MePage} />
        <Route default component={NotFoundPage} />
      </Router>
    );
  return (
    <Router>
      <Route path="/" component={HomePage} />
      <Route path="/sign-in" component={HomePage} />
      <Route path="/start" component={StartPage} />
      <Route path="/export" component={ExportPage} />
      <Route path="/export/:type/:day" component={DayPage} />
      <Route path="/query" component={QueryPage} />
      <Route path="/tokens" component={TokensPage} />
      <Route path="/tokens/new" component={NewTokenPage} />
      <Route path="/tokens/:id" component={TokenPage} />
      <Route path="/tokens/:id/start" component={StartPage} />
      <Route path="/activity" component={ActivityPage} />
      <Route path="/people" component={role === "admin" ? PeoplePage : NotFoundPage} />
      <Route path="/me" component={MePage} />
      <Route default component={NotFoundPage} />
    </Router>
  );
}

// The last resort: a page that failed says so, and can be loaded again.
class Mishaps extends Component<{ children: ComponentChildren }, { error: unknown }> {
  override state = { error: null as unknown };
  static override getDerivedStateFromError(error: unknown) {
    return { error };
  }
  override render() {
    if (this.state.error === null) return this.props.children;
    return (
      <main id="main" class="narrow">
        <h1>This page failed</h1>
        <ProblemNotice problem={asProblem(this.state.error)} />
        <div class="row">
          <button class="button main" onClick={() => location.reload()}>
            Load it again
          </button>
        </div>
      </main>
    );
  }
}
