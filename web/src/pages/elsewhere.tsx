// SPDX-License-Identifier: Apache-2.0
// Where the export lies in a bucket of another engine: what a page cannot show, and what does it instead.
import { Page } from "../frame.tsx";
import { Code } from "../parts/copy.tsx";
import { useSigned } from "../session.tsx";

export function ElsewhereExport() {
  const { config } = useSigned();
  return (
    <Page
      title="Export"
      lead="Your export lies in a bucket of another engine. This console keeps no figures of it, so there are no days, rows or downloads here: your tools read it, with credentials from here."
    >
      <ol class="steps">
        <li>
          <div>
            <h2>See what is there</h2>
            <Code text="valetkey ls -r" label="see what is there" />
          </div>
        </li>
        <li>
          <div>
            <h2>Copy it</h2>
            <Code text="valetkey sync --last 7d --output ./data" label="copy it" />
            <p class="small quiet">
              It goes on where it stopped, and gets new credentials by itself.
            </p>
          </div>
        </li>
      </ol>
      <p>
        <a href="/start">Get started</a> has the same for the AWS CLI, boto3, DuckDB, Spark and
        others. {config.events_url && "Events that come in here are written there, too."}
      </p>
    </Page>
  );
}

// In place of the engine of the browser.
export function ElsewhereQuery() {
  return (
    <p class="notice">
      The export lies in a bucket of another engine, which this page does not read. Write the
      question here, copy it as a command and run it with valetkey: it reads any amount.
    </p>
  );
}
