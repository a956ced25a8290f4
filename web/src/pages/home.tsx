// SPDX-License-Identifier: Apache-2.0
// The first page: the export, or how to get started for a person who has no token yet.
import { useLocation } from "preact-iso";
import { useEffect } from "preact/hooks";
import { useLoad } from "../api/load.ts";
import type { TokenPage } from "../api/types.ts";
import { ProblemNotice } from "../parts/states.tsx";
import { useSigned } from "../session.tsx";

export function HomePage() {
  const { session } = useSigned();
  const { route } = useLocation();
  const tokens = useLoad<TokenPage>("/tokens?limit=1000");
  useEffect(() => {
    if (!tokens.data) return;
    const has =
      tokens.data.next !== null ||
      tokens.data.tokens.some((one) => one.user === session.user.email);
    route(has ? "/export" : "/start", true);
  }, [tokens.data]);
  return (
    <main id="main">
      {tokens.problem && (
        <ProblemNotice problem={tokens.problem} again={() => void tokens.reload()} />
      )}
    </main>
  );
}
