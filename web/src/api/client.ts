// SPDX-License-Identifier: Apache-2.0
// Requests to /v2/console: the cookie goes by itself, the header keeps other sites out. An expired
// session stops a request, asks for the password in place and sends it again: no typed text is lost.

// What went wrong, in a sentence for the person. `field` names the field at fault, if one is.
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field: string | null = null,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
  get offline(): boolean {
    return this.status === 0;
  }
}

type Method = "GET" | "POST" | "DELETE";

export interface CallOptions {
  body?: unknown;
  signal?: AbortSignal;
  // Of routes that need no session: a 401 is their answer, not an expiry.
  open?: boolean;
}

// Asks for the password where the person is; resolves once there is a session again.
type SignInAgain = () => Promise<void>;
let signInAgain: SignInAgain | null = null;
export function onExpiredSession(ask: SignInAgain | null): void {
  signInAgain = ask;
}

const kTimeoutMs = 30_000;

export async function call<T>(method: Method, path: string, options: CallOptions = {}): Promise<T> {
  for (;;) {
    const answer = await send(method, path, options);
    if (answer.status === 401 && !options.open && signInAgain) {
      await signInAgain();
      continue;
    }
    if (!answer.ok) throw await problemOf(answer);
    return (answer.status === 204 ? undefined : await answer.json()) as T;
  }
}

export const get = <T>(path: string, options?: CallOptions) => call<T>("GET", path, options);
export const post = <T>(path: string, body: unknown = {}, options?: CallOptions) =>
  call<T>("POST", path, { ...options, body });
export const remove = <T>(path: string) => call<T>("DELETE", path);

async function send(method: Method, path: string, options: CallOptions): Promise<Response> {
  const timeout = AbortSignal.timeout(kTimeoutMs);
  try {
    return await fetch(`/v2/console${path}`, {
      method,
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
      headers: {
        Accept: "application/json",
        ...(method === "GET" ? {} : { "X-Valetkey-Console": "1" }),
        ...(options.body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem(
      0,
      "offline",
      timeout.aborted
        ? "The server took too long to answer. Try again."
        : "The server cannot be reached. Check the network and try again.",
    );
  }
}

export async function problemOf(answer: Response): Promise<Problem> {
  let said: { code?: unknown; message?: unknown; field?: unknown } = {};
  try {
    said = await answer.json();
  } catch {
    // Something between us and the server answered, without JSON.
  }
  const text = (value: unknown) => (typeof value === "string" && value ? value : null);
  const retry = Number(answer.headers.get("Retry-After"));
  return new Problem(
    answer.status,
    text(said.code) ?? "unknown",
    text(said.message) ?? `The server answered ${answer.status}, without a reason. Try again.`,
    text(said.field),
    retry > 0 ? retry : null,
  );
}

// An address below /v2/console with its parameters; empty ones are left out.
export function withQuery(path: string, parameters: Record<string, string | null | undefined>) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value) query.set(name, value);
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}
