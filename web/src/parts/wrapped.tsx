// SPDX-License-Identifier: Apache-2.0
// A long address or path, which goes on in the next line where it is divided, rather than within a word.
import { Fragment } from "preact";
import { pieces } from "../text/format.ts";

export function Wrapped({ text }: { text: string }) {
  return (
    <>
      {pieces(text).map((piece, i) => (
        <Fragment key={i}>
          {i > 0 && <wbr />}
          {piece}
        </Fragment>
      ))}
    </>
  );
}
