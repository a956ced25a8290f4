// SPDX-License-Identifier: Apache-2.0
// The list of tokens: one's own, and for an admin everyone's.
import { useState } from "preact/hooks";
import { get } from "../api/client.ts";
import { asProblem, useLoad } from "../api/load.ts";
import type { NewToken, Token, TokenPage } from "../api/types.ts";
import { Page, ZoneNote } from "../frame.tsx";
import { Choice } from "../parts/form.tsx";
import { Empty, LoadedView } from "../parts/states.tsx";
import { toast } from "../parts/toast.tsx";
import { Wrapped } from "../parts/wrapped.tsx";
import { useSigned } from "../session.tsx";
import { dateOf, moment, on, plural, several } from "../text/format.ts";
import { expiresSoon, inOrder, limitsOf, timeLeft } from "../text/token.ts";
import { FreshToken, LastUsed, ReplaceDialog, RevokeDialog, Status } from "./token_parts.tsx";

export function TokensPage() {
  const { session } = useSigned();
  const admin = session.user.role === "admin";
  const tokens = useLoad<TokenPage>("/tokens?limit=1000");
  const [fresh, setFresh] = useState<NewToken | null>(null);
  return (
    <Page
      title="Tokens"
      lead="A token buys credentials that read this account’s export, for an hour at a time. Give each job its own, so that one can be revoked without the others noticing."
      actions={
        <a class={`button ${fresh ? "" : "main"}`} href="/tokens/new">
          Generate a token
        </a>
      }
    >
      {fresh && <FreshToken made={fresh} start />}
      <LoadedView of={tokens} what="the tokens">
        {(page) => (
          <>
            <ExpiryNotice tokens={page.tokens} email={session.user.email} />
            <TokenList
              page={page}
              admin={admin}
              email={session.user.email}
              onFresh={setFresh}
              onChange={() => void tokens.reload()}
              onMore={tokens.set}
            />
          </>
        )}
      </LoadedView>
    </Page>
  );
}

// A word days before a job of one's own stops.
export function ExpiryNotice({ tokens, email }: { tokens: Token[]; email: string }) {
  const now = new Date();
  const soon = tokens.filter((one) => one.user === email && expiresSoon(one, now));
  const first = soon[0];
  if (!first) return null;
  return (
    <div class="notice warn">
      <p>
        <bdi>{several(soon.map((one) => `“${one.name}”`))}</bdi>{" "}
        {soon.length === 1 ? `expires ${on(first.expires!, now)}` : "expire within a week"}.{" "}
        {soon.length === 1 ? (
          <a href={`/tokens/${first.id}`}>Replace it</a>
        ) : (
          <a href="/tokens">Replace them</a>
        )}{" "}
        before the jobs that use {soon.length === 1 ? "it" : "them"} stop.
      </p>
    </div>
  );
}

interface ListProps {
  page: TokenPage;
  admin: boolean;
  email: string;
  onChange: () => void;
  onFresh: (made: NewToken) => void;
  onMore: (page: TokenPage) => void;
}

const kWindow = 100;

function TokenList({ page, admin, email, onChange, onFresh, onMore }: ListProps) {
  const [whose, setWhose] = useState<"mine" | "all">(admin ? "all" : "mine");
  const [words, setWords] = useState("");
  const [shown, setShown] = useState(kWindow);
  const [doing, setDoing] = useState<{ what: "revoke" | "replace"; token: Token } | null>(null);
  const mine = page.tokens.filter((one) => whose === "all" || one.user === email);
  const found = inOrder(
    mine.filter((one) => `${one.name} ${one.user}`.toLowerCase().includes(words.toLowerCase())),
  );
  const active = mine.filter((one) => one.state === "active").length;
  const close = () => setDoing(null);
  const more = async () => {
    try {
      const next = await get<TokenPage>(
        `/tokens?limit=1000&after=${encodeURIComponent(page.next!)}`,
      );
      onMore({ tokens: [...page.tokens, ...next.tokens], next: next.next });
    } catch (error) {
      toast(asProblem(error).message);
    }
  };
  return (
    <section class="section" aria-labelledby="all">
      <div class="section-head">
        <h2 id="all" class="visually-hidden">
          All tokens
        </h2>
        {admin && (
          <Choice
            legend="Whose"
            value={whose}
            onChange={setWhose}
            options={[
              { value: "mine", label: "Mine" },
              { value: "all", label: "Everyone’s" },
            ]}
          />
        )}
        {page.tokens.length > 20 && (
          <input
            class="input find"
            type="search"
            aria-label="Find by name or owner"
            placeholder="Find by name or owner"
            value={words}
            onInput={(event) => setWords(event.currentTarget.value)}
          />
        )}
        {mine.length > 0 && (
          <p class="small quiet">
            {active} active, {mine.length - active} ended
          </p>
        )}
      </div>
      {found.length === 0 ? (
        <NoTokens words={words} />
      ) : (
        <table class="stack">
          <thead>
            <tr>
              <th>Name and scopes</th>
              {admin && <th>Owner</th>}
              <th>Created</th>
              <th>Last used</th>
              <th>Expires</th>
              <th>Status</th>
              <th>
                <span class="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {found.slice(0, shown).map((token) => (
              <Row
                key={token.id}
                token={token}
                owner={admin}
                onRevoke={() => setDoing({ what: "revoke", token })}
                onReplace={() => setDoing({ what: "replace", token })}
              />
            ))}
          </tbody>
        </table>
      )}
      {found.length > shown && (
        <div class="row">
          <button class="button" onClick={() => setShown(shown + kWindow)}>
            Show {plural(Math.min(kWindow, found.length - shown), "more", "more")}
          </button>
        </div>
      )}
      {page.next && (
        <div class="row">
          <button class="button" onClick={more}>
            Load newer tokens
          </button>
        </div>
      )}
      <ZoneNote />
      {doing?.what === "revoke" && (
        <RevokeDialog
          token={doing.token}
          onClose={close}
          onDone={() => {
            close();
            onChange();
          }}
        />
      )}
      {doing?.what === "replace" && (
        <ReplaceDialog
          token={doing.token}
          onClose={close}
          onMade={(made) => {
            close();
            onFresh(made);
            onChange();
            scrollTo(0, 0);
          }}
        />
      )}
    </section>
  );
}

function NoTokens({ words }: { words: string }) {
  if (words)
    return (
      <Empty title="No token matches">
        <p>Try fewer letters of its name or of its owner’s address.</p>
      </Empty>
    );
  return (
    <Empty title="No token yet">
      <p>
        Generate one and give it to a tool or a job. <a href="/start">Get started</a> shows how,
        tool by tool.
      </p>
    </Empty>
  );
}

interface RowProps {
  token: Token;
  owner: boolean;
  onRevoke: () => void;
  onReplace: () => void;
}

function Row({ token, owner, onRevoke, onReplace }: RowProps) {
  const now = new Date();
  const active = token.state === "active";
  return (
    <tr class={active ? "" : "is-ended"}>
      <td class="lead">
        <a class="name" href={`/tokens/${token.id}`} dir="auto">
          {token.name}
        </a>
        <span class="small quiet">{token.scopes.join(", ")}</span>
        {limitsOf(token).map((limit) => (
          <span key={limit} class="small quiet wrap" dir="auto">
            <Wrapped text={limit} />
          </span>
        ))}
      </td>
      {owner && (
        <td data-label="Owner">
          <span class="wrap" dir="auto">
            <Wrapped text={token.user} />
          </span>
        </td>
      )}
      <td data-label="Created">
        <span class="nowrap">{moment(token.created, now)}</span>
      </td>
      <td data-label="Last used">
        <LastUsed token={token} now={now} />
      </td>
      <td data-label="Expires">
        <span class="nowrap">
          {token.expires ? dateOf(token.expires) : "Never"}
          <span class="small quiet">{timeLeft(token, now)}</span>
        </span>
      </td>
      <td data-label="Status">
        <Status token={token} now={now} />
      </td>
      <td class="act number">
        {active && (
          <>
            <button class="button plain" aria-label={`Replace ${token.name}`} onClick={onReplace}>
              Replace…
            </button>
            <button
              class="button plain danger"
              aria-label={`Revoke ${token.name}`}
              onClick={onRevoke}
            >
              Revoke…
            </button>
          </>
        )}
      </td>
    </tr>
  );
}
