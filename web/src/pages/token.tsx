// SPDX-License-Identifier: Apache-2.0
// One token: what it is, when it was used, and what can be done to it.
import { useState } from "preact/hooks";
import { useLoad } from "../api/load.ts";
import type { NewToken, Token } from "../api/types.ts";
import { Page, ZoneNote } from "../frame.tsx";
import { LoadedView } from "../parts/states.tsx";
import { Wrapped } from "../parts/wrapped.tsx";
import { exactly, moment } from "../text/format.ts";
import { limitsOf, timeLeft } from "../text/token.ts";
import { FreshToken, LastUsed, ReplaceDialog, RevokeDialog, Status } from "./token_parts.tsx";

export function TokenPage({ id }: { id?: string }) {
  const token = useLoad<Token>(`/tokens/${encodeURIComponent(id ?? "")}`);
  const [fresh, setFresh] = useState<NewToken | null>(null);
  const [doing, setDoing] = useState<"revoke" | "replace" | null>(null);
  const close = () => setDoing(null);
  const active = token.data?.state === "active";
  return (
    <Page
      title={token.data ? token.data.name : "Token"}
      trail={
        <>
          <a href="/tokens">Tokens</a> /
        </>
      }
      actions={
        active && (
          <>
            <button class="button" onClick={() => setDoing("replace")}>
              Replace…
            </button>
            <button class="button danger" onClick={() => setDoing("revoke")}>
              Revoke…
            </button>
          </>
        )
      }
    >
      {fresh && <FreshToken made={fresh} start />}
      <LoadedView of={token} what="the token">
        {(data) => (
          <>
            <Facts token={data} />
            {active && data.scopes.includes("export") && (
              <p>
                <a href={`/tokens/${data.id}/start`}>Set up a tool with it</a>
              </p>
            )}
            <ZoneNote />
            {doing === "revoke" && (
              <RevokeDialog
                token={data}
                onClose={close}
                onDone={() => {
                  close();
                  void token.reload();
                }}
              />
            )}
            {doing === "replace" && (
              <ReplaceDialog
                token={data}
                onClose={close}
                onMade={(made) => {
                  close();
                  setFresh(made);
                  void token.reload();
                }}
              />
            )}
          </>
        )}
      </LoadedView>
    </Page>
  );
}

function Facts({ token }: { token: Token }) {
  const now = new Date();
  return (
    <dl class="facts">
      <div>
        <dt>Status</dt>
        <dd>
          <Status token={token} now={now} />
        </dd>
      </div>
      <div>
        <dt>Owner</dt>
        <dd class="wrap" dir="auto">
          <Wrapped text={token.user} />
        </dd>
      </div>
      <div>
        <dt>Scopes</dt>
        <dd>{token.scopes.join(", ")}</dd>
      </div>
      <div>
        <dt>Limits</dt>
        <dd class="wrap" dir="auto">
          {limitsOf(token).join("; ") || "None"}
        </dd>
      </div>
      <div>
        <dt>Created</dt>
        <dd>
          {moment(token.created, now)}
          {token.parent && (
            <span class="small quiet">
              with <a href={`/tokens/${token.parent}`}>another token</a>, and ends with it
            </span>
          )}
        </dd>
      </div>
      <div>
        <dt>Last used</dt>
        <dd>
          <LastUsed token={token} now={now} />
        </dd>
      </div>
      <div>
        <dt>Expires</dt>
        <dd>
          {token.expires ? exactly(token.expires) : "Never"}
          <span class="small quiet">{timeLeft(token, now)}</span>
        </dd>
      </div>
    </dl>
  );
}
