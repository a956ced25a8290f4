// SPDX-License-Identifier: Apache-2.0
// What several pages show of a token, and the two things that are done to one: revoke and replace.
import { useState } from "preact/hooks";
import { post, remove } from "../api/client.ts";
import { useLoad } from "../api/load.ts";
import type { NewToken, Token } from "../api/types.ts";
import { CopyLine } from "../parts/copy.tsx";
import { Cancel, Dialog } from "../parts/dialog.tsx";
import { Choice, FormView, useForm } from "../parts/form.tsx";
import { LoadedView } from "../parts/states.tsx";
import { toast } from "../parts/toast.tsx";
import { save } from "../parts/save.ts";
import { useSigned } from "../session.tsx";
import { sharingProfile } from "../text/commands.ts";
import { inSentence, moment, plural } from "../text/format.ts";
import { shownState } from "../text/token.ts";

export function Status({ token, now }: { token: Token; now: Date }) {
  const { look, word } = shownState(token, now);
  return (
    <span>
      <span class={`status ${look}`}>{word}</span>
      {token.revoked && <span class="small quiet">{moment(token.revoked, now)}</span>}
    </span>
  );
}

export function LastUsed({ token, now }: { token: Token; now: Date }) {
  if (!token.last_used) return <span>Not yet</span>;
  return (
    <span>
      <span class="nowrap">{moment(token.last_used, now)}</span>
      {token.last_used_from && <span class="small quiet">from {token.last_used_from}</span>}
    </span>
  );
}

// The only sight of a token's value.
export function FreshToken({ made, start }: { made: NewToken; start: boolean }) {
  const { config } = useSigned();
  const now = new Date();
  return (
    <section class="notice" aria-labelledby="made">
      <h2 id="made" class="name">
        <bdi>“{made.name}”</bdi> is ready. Copy it now.
      </h2>
      <p class="quiet">
        It is shown only now: the server keeps no more than its digest. If it is lost, generate
        another.
      </p>
      <CopyLine text={made.token} label="Token" />
      {config.tables && made.scopes.includes("export") && (
        <p>
          <button
            class="button"
            type="button"
            onClick={() =>
              save(
                "valetkey.share",
                "application/json",
                sharingProfile(config.api_url, made.token, made.expires),
              )
            }
          >
            Download as a Delta Sharing profile
          </button>{" "}
          <span class="small quiet">For pandas and Power BI. It holds the token.</span>
        </p>
      )}
      {made.replaces?.expires && (
        <p>
          The former token works until {inSentence(made.replaces.expires, now)}. Give your job the
          new one before then.
        </p>
      )}
      {start && (
        <p>
          Then <a href={`/tokens/${made.id}/start`}>set up a tool with it</a>: it takes a minute,
          and that page tells you when the first request arrives.
        </p>
      )}
    </section>
  );
}

interface DoneProps {
  token: Token;
  onClose: () => void;
  onDone: () => void;
}

export function TokenNames({ tokens }: { tokens: Token[] }) {
  return (
    <ul class="names">
      {tokens.map((one) => (
        <li key={one.id}>
          <bdi class="name">{one.name}</bdi>{" "}
          <span class="small quiet">
            of <bdi>{one.user}</bdi>
          </span>
        </li>
      ))}
    </ul>
  );
}

export function RevokeDialog({ token, onClose, onDone }: DoneProps) {
  const ends = useLoad<{ tokens: Token[] }>(`/tokens/${token.id}/ends`);
  const form = useForm(
    {},
    () => ({}),
    async () => {
      const { revoked } = await remove<{ revoked: Token[] }>(`/tokens/${token.id}`);
      toast(
        revoked.length > 1
          ? `${plural(revoked.length, "token")} revoked.`
          : "The token is revoked.",
      );
      onDone();
    },
  );
  return (
    <Dialog title={`Revoke “${token.name}”?`} onClose={onClose}>
      <p>
        Jobs that use it are refused within a second, running downloads included. This cannot be
        undone.
      </p>
      <LoadedView of={ends} what="what else ends">
        {({ tokens }) =>
          tokens.length === 0 ? (
            <p>Nothing else ends with it.</p>
          ) : (
            <>
              <p>
                {plural(tokens.length, "token")} that {tokens.length === 1 ? "was" : "were"} made
                with it
                {tokens.length === 1 ? " ends" : " end"} too:
              </p>
              <TokenNames tokens={tokens} />
            </>
          )
        }
      </LoadedView>
      <FormView
        form={form}
        button="Revoke"
        busyText="Revoking…"
        danger
        more={<Cancel onClick={onClose}>Keep it</Cancel>}
      />
    </Dialog>
  );
}

type Overlap = "0s" | "1h" | "1d" | "7d";
const kOverlaps: { value: Overlap; label: string }[] = [
  { value: "1h", label: "An hour" },
  { value: "1d", label: "A day" },
  { value: "7d", label: "A week" },
  { value: "0s", label: "Not at all" },
];

interface ReplaceProps {
  token: Token;
  onClose: () => void;
  onMade: (made: NewToken) => void;
}

export function ReplaceDialog({ token, onClose, onMade }: ReplaceProps) {
  const [overlap, setOverlap] = useState<Overlap>("1d");
  const form = useForm(
    {},
    () => ({}),
    async () => onMade(await post<NewToken>(`/tokens/${token.id}/replace`, { overlap })),
  );
  return (
    <Dialog title={`Replace “${token.name}”?`} onClose={onClose}>
      <p>
        You get a new value now, with the same name, scopes and lifetime. The old one goes on
        working for a while, so that no job stops.
      </p>
      <Choice
        legend="The old one works for"
        seen
        options={kOverlaps}
        value={overlap}
        onChange={setOverlap}
      />
      <FormView
        form={form}
        button="Replace"
        busyText="Replacing…"
        more={<Cancel onClick={onClose} />}
      />
    </Dialog>
  );
}
