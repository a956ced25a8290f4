// SPDX-License-Identifier: Apache-2.0
// Who is signed in, and what the server offers. Pages below <SignedIn> read both without asking.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Config, Session } from "./api/types.ts";

export interface Signed {
  config: Config;
  session: Session;
  signedIn: (session: Session) => void;
}

export const SignedContext = createContext<Signed | null>(null);

export function useSigned(): Signed {
  const signed = useContext(SignedContext);
  if (!signed) throw new Error("this page needs a session");
  return signed;
}
