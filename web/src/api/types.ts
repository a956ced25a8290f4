// SPDX-License-Identifier: Apache-2.0
// What /v2/console answers: docs/console.md. An instant is ISO 8601 in UTC, a day YYYY-MM-DD.

export type Instant = string;
export type Day = string;
export type Role = "member" | "admin" | "operator";
export type ExportType = "decisions" | "events";

export interface Config {
  version: string;
  api_url: string;
  s3_endpoint: string;
  bucket: string;
  region: string;
  events_url: string | null;
  password_sign_in: boolean;
  oidc: { start: string; issuer: string } | null;
  secure: boolean;
  mixed_content: boolean;
  engine: { url: string; bytes: number } | null;
  query_run_bytes: number;
  query_warn_bytes: number;
  password_min: number;
  invitation_hours: number;
  export_every_s: number;
  default_duration_s: number;
  tables: boolean;
  narrowing: { prefixes: boolean; sources: boolean };
  figures: boolean; // of what is stored; without, the export lies with another engine
  listed: boolean; // they are added up from listings of a bucket: no rows, and not of every day
  own_endpoint: boolean; // this server's S3 endpoint, whose requests it sees
}

export interface Place {
  bucket: string;
  prefix: string;
  endpoint: string;
  region: string;
}

export interface AccountName {
  id: string;
  name: string;
}

export interface Session {
  user: {
    id: string;
    email: string;
    role: Role;
    account: AccountName | null;
    has_password: boolean;
  };
  session: { id: string; created: Instant; expires: Instant; absolute_expires: Instant };
}

export interface OneSession {
  id: string;
  created: Instant;
  last_used: Instant | null;
  last_used_from: string | null;
  expires: Instant;
  current: boolean;
}

export interface InvitationOffer {
  email: string;
  role: Role;
  account: AccountName | null;
  expires: Instant;
}

export type Scope = "export" | "tokens" | "users" | "audit";

export interface Token {
  id: string;
  name: string;
  user: string;
  scopes: Scope[];
  prefixes: string[];
  sources: string[];
  state: "active" | "expired" | "revoked" | "disabled";
  created: Instant;
  expires: Instant | null;
  revoked: Instant | null;
  parent: string | null;
  last_used: Instant | null;
  last_used_from: string | null;
}

export interface NewToken extends Token {
  token: string;
  replaces?: Token;
}

export interface TokenPage {
  tokens: Token[];
  next: string | null;
}

interface Sight {
  at: Instant;
  from: string | null;
}

export interface Seen {
  now: Instant;
  exchange: Sight | null;
  listing: Sight | null;
  first_bytes: (Sight & { bytes: number }) | null;
}

export interface Start {
  now: Instant;
  first_event_day: Day | null;
  first_export: Instant | null;
  next_export: Instant | null;
  rows_exported: number | null;
  events_received_today: number;
  place: Place;
}

// Without bytes and parts: it is there, and nobody added it up.
interface Sums {
  rows: number | null;
  bytes: number | null;
  parts: number | null;
}

export interface ExportDay extends Sums {
  day: Day;
  type: ExportType;
  complete: boolean | null; // null: nobody looked
}

export interface Export {
  today: Day;
  complete_through: Day | null;
  last_export: Instant | null;
  next_export: Instant | null;
  first_day: Day | null;
  yesterday: { day: Day; state: "complete" | "open" | "no_data" };
  retention_days: number | null;
  days: ExportDay[];
}

export interface Partition extends Sums {
  partition: string;
  value: string;
}

export interface DayPage extends ExportDay {
  partitions: Partition[];
  next: string | null;
}

export interface Part {
  key: string;
  bytes: number;
  rows: number | null;
  modified: Instant;
}

export interface PartPage {
  parts: Part[];
  next: string | null;
}

export interface Selection {
  parts: Part[];
  bytes: number;
  complete: boolean;
}

export interface FirstRows {
  key: string | null;
  columns: { name: string; type: string }[];
  rows: (string | null)[][];
}

export interface Credentials {
  credentials: {
    accessKeyId: string;
    secretAccessKey: string;
    sessionToken: string;
    expiration: number;
  };
  s3Path: string;
  endpoint: string;
  region: string;
}

export interface View {
  name: string;
  sql: string;
  empty_sql?: string;
}

export interface Examples {
  experiments: string[];
  variations: string[];
  events: string[];
}

export interface ActivityRecord {
  at: Instant;
  action: string;
  outcome: string;
  actor: { id: string; email: string } | string | null;
  subject: string | null;
  subject_name: string | null;
  from: string | null;
  count: number;
}

export interface ActivityPage {
  records: ActivityRecord[];
  next: string | null;
}

export interface UsageDay {
  day: Day;
  exchanges: number;
  requests: number;
  bytes_sent: number;
  events: number;
  event_bytes: number;
}

export interface Usage {
  account_id: string;
  stored: { objects: number; bytes: number } | null;
  days: UsageDay[];
}

export interface Person {
  id: string;
  email: string;
  role: Role;
  state: "active" | "disabled";
  created: Instant;
  has_password: boolean;
  tokens: number;
  sessions: number;
  last_seen: Instant | null;
  invitation: { expires: Instant } | null;
  you: boolean;
}

export interface Invitation {
  url: string;
  expires: Instant;
}

export interface Invited {
  person: Person;
  invitation: Invitation;
}

export interface Ends {
  revoked: Token[];
  refused: Token[];
  sessions: number;
}

export interface Operator {
  version: string;
  started: Instant;
  problems: string[];
  exporter: {
    enabled: boolean;
    last_export: Instant | null;
    waiting_bytes: number;
    oldest_waiting_s: number | null;
    closed_through: Day | null;
  };
  disk: { total_bytes: number; free_bytes: number };
  keys: { id: string; purpose: string; state: string; created: Instant }[];
  addresses: { api: string; s3: string; admin: string };
}

export interface Account {
  id: string;
  name: string;
  state: "active" | "suspended" | "deleted";
  created: Instant;
  users: number;
  tokens: number;
  retention_days: number | null;
  stored: { parts: number; bytes: number } | null; // null: in a bucket of another engine
  events_today: number;
  last_event_day: Day | null;
}

export interface AccountPage extends Account {
  days: UsageDay[];
  people: Person[];
}
