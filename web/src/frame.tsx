// SPDX-License-Identifier: Apache-2.0
// The bar above every page, and the head of each.
import type { ComponentChildren } from "preact";
import { useLocation } from "preact-iso";
import { useEffect, useRef } from "preact/hooks";
import { call } from "./api/client.ts";
import { asProblem } from "./api/load.ts";
import { toast } from "./parts/toast.tsx";
import { Wrapped } from "./parts/wrapped.tsx";
import { useSigned } from "./session.tsx";

const kTenant = [
  ["/export", "Export"],
  ["/query", "Query"],
  ["/tokens", "Tokens"],
  ["/activity", "Activity"],
] as const;

export function Key() {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      <circle cx="8" cy="8" r="4.5" />
      <path d="M11.5 11.5 20 20m-4.5-4.5 2.5-2.5" />
    </svg>
  );
}

export async function signOut(): Promise<void> {
  try {
    await call("DELETE", "/session", { open: true });
  } catch (error) {
    const problem = asProblem(error);
    if (problem.status !== 401) return toast(problem.message);
  }
  location.assign("/sign-in"); // a new page: nothing of this one stays in memory
}

export function Frame({ children }: { children: ComponentChildren }) {
  const nav = useRef<HTMLElement>(null);
  const { config, session } = useSigned();
  const { path } = useLocation();
  const { user } = session;
  const pages =
    user.role === "operator"
      ? ([["/operator", "Operator"]] as const)
      : user.role === "admin"
        ? [...kTenant, ["/people", "People"] as const]
        : kTenant;
  useEffect(() => {
    const current = nav.current?.querySelector<HTMLElement>("[aria-current]");
    if (current) nav.current!.scrollLeft = current.offsetLeft - nav.current!.offsetLeft - 16;
  }, [path]);
  const here = (href: string) => path === href || path.startsWith(`${href}/`);
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="bar">
        <div class="bar-inner">
          <a class="brand" href="/">
            <Key />
            Valetkey
          </a>
          <nav class="nav" ref={nav} aria-label="Console">
            {pages.map(([href, name]) => (
              <a
                key={href}
                href={href}
                aria-current={here(href) ? (path === href ? "page" : "true") : undefined}
              >
                {name}
              </a>
            ))}
          </nav>
          <div class="who">
            <a href="/me" dir="auto" aria-current={here("/me") ? "page" : undefined}>
              <Wrapped text={user.email} />
            </a>
            <br />
            <span class="quiet">
              {user.account && (
                <>
                  <bdi>{user.account.name}</bdi>,{" "}
                </>
              )}
              {user.role}
              {" · "}
              <button class="link" type="button" onClick={signOut}>
                Sign out
              </button>
            </span>
          </div>
        </div>
        {!config.secure && <InsecureBanner />}
      </header>
      {children}
    </>
  );
}

export function InsecureBanner() {
  return (
    <p class="banner">
      <strong>This connection is not encrypted.</strong> Others on the network can read passwords
      and tokens. Ask your operator for an https:// address.
    </p>
  );
}

interface PageProps {
  title: string;
  lead?: ComponentChildren;
  trail?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
}

let pagesShown = 0;

// A page's head and body. After a change of page the focus is on its name, so that a screen reader
// says where one is.
export function Page({ title, lead, trail, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (pagesShown++ > 0) heading.current?.focus({ preventScroll: true });
  }, []);
  useEffect(() => {
    document.title = `${title} · Valetkey`;
  }, [title]);
  return (
    <main id="main">
      <div class="head">
        <div>
          {trail && <p class="trail">{trail}</p>}
          <h1 tabIndex={-1} ref={heading} dir="auto">
            {title}
          </h1>
          {lead && <p>{lead}</p>}
        </div>
        {actions && <div class="row">{actions}</div>}
      </div>
      {children}
    </main>
  );
}

export function ZoneNote() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return <p class="small quiet">Times are in your time zone, {zone}. Export dates are UTC.</p>;
}
