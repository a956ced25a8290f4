// SPDX-License-Identifier: Apache-2.0
import { Page } from "../frame.tsx";

export function NotFoundPage() {
  return (
    <Page title="There is no such page">
      <p>
        The address may be mistyped, or your role may not include this page.{" "}
        <a href="/">Go to the first page</a>.
      </p>
    </Page>
  );
}
