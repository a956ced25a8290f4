// SPDX-License-Identifier: Apache-2.0
#include "control/internal/sql_schema.h"

#include <array>

namespace valetkey::control {
namespace {

// Migration n brings format n to n + 1. Never change one that was released; add the next.
constexpr std::array kMigrations = {
    R"(
CREATE TABLE accounts (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'suspended', 'deleted')),
  created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
  id TEXT NOT NULL PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  account TEXT REFERENCES accounts (id),
  role TEXT NOT NULL CHECK (role IN ('member', 'admin', 'operator')),
  state TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
  created_ms INTEGER NOT NULL,
  CHECK ((role = 'operator') = (account IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX users_by_account ON users (account);

CREATE TABLE tokens (
  id TEXT NOT NULL PRIMARY KEY,
  sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
  account TEXT NOT NULL REFERENCES accounts (id),
  user TEXT NOT NULL REFERENCES users (id),
  name TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  revoked_ms INTEGER,
  parent TEXT REFERENCES tokens (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_account ON tokens (account);
CREATE INDEX tokens_by_user ON tokens (user);
CREATE INDEX tokens_by_parent ON tokens (parent) WHERE parent IS NOT NULL;

CREATE TABLE revocations (
  subject TEXT NOT NULL PRIMARY KEY,
  not_before_ms INTEGER NOT NULL,
  revoked_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX revocations_by_time ON revocations (revoked_ms);

CREATE TABLE changes (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  counter INTEGER NOT NULL
) STRICT;
INSERT INTO changes (id, counter) VALUES (1, 1);

CREATE TABLE usage (
  token TEXT NOT NULL REFERENCES tokens (id),
  day INTEGER NOT NULL,
  exchanges INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (token, day)
) STRICT, WITHOUT ROWID;
)",
    R"(
CREATE TABLE policies (
  account TEXT NOT NULL PRIMARY KEY REFERENCES accounts (id),
  retention_days INTEGER CHECK (retention_days >= 1),
  ingest_key_sha256 BLOB CHECK (length(ingest_key_sha256) = 32),
  origins TEXT NOT NULL,
  events_per_s INTEGER NOT NULL CHECK (events_per_s >= 0),
  bytes_per_day INTEGER NOT NULL CHECK (bytes_per_day >= 0),
  changed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)",
    // Pages of tokens are sought, tokens that count are counted, and a look at the revocations reads
    // only what changed since the last one.
    R"(
DROP INDEX tokens_by_account;
DROP INDEX tokens_by_user;
CREATE INDEX tokens_by_account ON tokens (account, created_ms, id);
CREATE INDEX tokens_by_user ON tokens (user, created_ms, id);
CREATE INDEX counting_by_account ON tokens (account, expires_ms) WHERE revoked_ms IS NULL;
CREATE INDEX counting_by_user ON tokens (user, expires_ms) WHERE revoked_ms IS NULL;

ALTER TABLE revocations ADD COLUMN change INTEGER NOT NULL DEFAULT 0;
UPDATE revocations SET change = (SELECT counter FROM changes);
CREATE INDEX revocations_by_change ON revocations (change);
)",
    // Formats up to 3 counted per token, for ever.
    R"(
CREATE TABLE account_usage (
  account TEXT NOT NULL REFERENCES accounts (id),
  day INTEGER NOT NULL,
  exchanges INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  events INTEGER NOT NULL,
  event_bytes INTEGER NOT NULL,
  PRIMARY KEY (account, day)
) STRICT, WITHOUT ROWID;
INSERT INTO account_usage
  SELECT tokens.account, usage.day, sum(min(usage.exchanges, 1 << 52)),
         sum(min(usage.requests, 1 << 52)), sum(min(usage.bytes, 1 << 52)), 0, 0
  FROM usage JOIN tokens ON tokens.id = usage.token GROUP BY 1, 2;
DROP TABLE usage;
ALTER TABLE accounts ADD COLUMN usage_purged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN last_used_ms INTEGER;
ALTER TABLE tokens ADD COLUMN last_used_from TEXT;
)",
    // Of a bucket that somebody else keeps.
    R"(
ALTER TABLE policies ADD COLUMN bucket TEXT;
ALTER TABLE policies ADD COLUMN prefix TEXT;
)",
    // The web console: passwords, invitations, sessions; and tokens of operators, who have no
    // account. A table's NOT NULL is undone by making it anew.
    R"(
ALTER TABLE users ADD COLUMN password TEXT;
CREATE TABLE invitations (
  user TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
  sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
  expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE new_tokens (
  id TEXT NOT NULL PRIMARY KEY,
  sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
  account TEXT REFERENCES accounts (id),
  user TEXT NOT NULL REFERENCES users (id),
  kind TEXT NOT NULL DEFAULT 'personal' CHECK (kind IN ('personal', 'session')),
  name TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  idle_ms INTEGER CHECK ((kind = 'session') = (idle_ms IS NOT NULL)),
  expires_ms INTEGER CHECK (kind = 'personal' OR expires_ms IS NOT NULL),
  revoked_ms INTEGER,
  parent TEXT REFERENCES new_tokens (id),
  last_used_ms INTEGER,
  last_used_from TEXT
) STRICT, WITHOUT ROWID;
PRAGMA defer_foreign_keys = ON;
INSERT INTO new_tokens (id, sha256, account, user, name, scopes, created_ms, expires_ms, revoked_ms,
                        parent, last_used_ms, last_used_from)
  SELECT id, sha256, account, user, name, scopes, created_ms, expires_ms, revoked_ms, parent,
         last_used_ms, last_used_from FROM tokens;
DROP TABLE tokens;
ALTER TABLE new_tokens RENAME TO tokens;
CREATE INDEX tokens_by_account ON tokens (account, created_ms, id);
CREATE INDEX tokens_by_user ON tokens (user, created_ms, id);
CREATE INDEX tokens_by_parent ON tokens (parent) WHERE parent IS NOT NULL;
CREATE INDEX counting_by_account ON tokens (account, expires_ms) WHERE revoked_ms IS NULL;
CREATE INDEX counting_by_user ON tokens (user, expires_ms) WHERE revoked_ms IS NULL;
)",
    // What a token is limited to.
    R"(
ALTER TABLE tokens ADD COLUMN narrowing TEXT NOT NULL DEFAULT '';
)",
    // A new account looks for a twin of its number.
    R"(
CREATE INDEX IF NOT EXISTS accounts_by_number ON accounts (ltrim(id, '0'));
)",
    // The policies that cut sessions of shared roles off.
    R"(
CREATE TABLE cut_offs (
  role TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  policy TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)"};

// Of PostgreSQL, from the first release that had it.
constexpr const char* kPostgresTables = R"(
CREATE TABLE accounts (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'suspended', 'deleted')),
  created_ms BIGINT NOT NULL,
  usage_purged BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE users (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  email TEXT COLLATE "C" NOT NULL UNIQUE,
  account TEXT COLLATE "C" REFERENCES accounts (id),
  role TEXT NOT NULL CHECK (role IN ('member', 'admin', 'operator')),
  state TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
  created_ms BIGINT NOT NULL,
  password TEXT,
  CHECK ((role = 'operator') = (account IS NULL))
);
CREATE INDEX users_by_account ON users (account);

CREATE TABLE invitations (
  "user" TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES users (id),
  sha256 BYTEA NOT NULL UNIQUE CHECK (length(sha256) = 32),
  expires_ms BIGINT NOT NULL
);

CREATE TABLE tokens (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  sha256 BYTEA NOT NULL UNIQUE CHECK (length(sha256) = 32),
  account TEXT COLLATE "C" REFERENCES accounts (id),
  "user" TEXT COLLATE "C" NOT NULL REFERENCES users (id),
  kind TEXT NOT NULL DEFAULT 'personal' CHECK (kind IN ('personal', 'session')),
  name TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  idle_ms BIGINT CHECK ((kind = 'session') = (idle_ms IS NOT NULL)),
  expires_ms BIGINT CHECK (kind = 'personal' OR expires_ms IS NOT NULL),
  revoked_ms BIGINT,
  parent TEXT COLLATE "C" REFERENCES tokens (id) DEFERRABLE,
  last_used_ms BIGINT,
  last_used_from TEXT,
  narrowing TEXT NOT NULL DEFAULT ''
);
CREATE INDEX tokens_by_account ON tokens (account, created_ms, id);
CREATE INDEX tokens_by_user ON tokens ("user", created_ms, id);
CREATE INDEX tokens_by_parent ON tokens (parent) WHERE parent IS NOT NULL;
CREATE INDEX counting_by_account ON tokens (account, expires_ms) WHERE revoked_ms IS NULL;
CREATE INDEX counting_by_user ON tokens ("user", expires_ms) WHERE revoked_ms IS NULL;

CREATE TABLE revocations (
  subject TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  not_before_ms BIGINT NOT NULL,
  revoked_ms BIGINT NOT NULL,
  change BIGINT NOT NULL
);
CREATE INDEX revocations_by_time ON revocations (revoked_ms);
CREATE INDEX revocations_by_change ON revocations (change);

CREATE TABLE changes (
  id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
  counter BIGINT NOT NULL
);
INSERT INTO changes (id, counter) VALUES (1, 1);

CREATE TABLE account_usage (
  account TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
  day BIGINT NOT NULL,
  exchanges BIGINT NOT NULL,
  requests BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  events BIGINT NOT NULL,
  event_bytes BIGINT NOT NULL,
  PRIMARY KEY (account, day)
);

CREATE TABLE policies (
  account TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES accounts (id),
  retention_days BIGINT CHECK (retention_days >= 1),
  ingest_key_sha256 BYTEA CHECK (length(ingest_key_sha256) = 32),
  origins TEXT NOT NULL,
  events_per_s BIGINT NOT NULL CHECK (events_per_s >= 0),
  bytes_per_day BIGINT NOT NULL CHECK (bytes_per_day >= 0),
  changed_ms BIGINT NOT NULL,
  bucket TEXT,
  prefix TEXT
);
)";

constexpr const char* kPostgresAccountsByNumber = R"(
CREATE INDEX IF NOT EXISTS accounts_by_number ON accounts (ltrim(id, '0'));
)";

constexpr const char* kPostgresCutOffs = R"(
CREATE TABLE cut_offs (
  role TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  policy TEXT NOT NULL
);
)";

constexpr auto kNewest = static_cast<std::int64_t>(kMigrations.size());

}  // namespace

Result<std::int64_t> read_format(sqlite::Database& database, const std::filesystem::path& file) {
  VALETKEY_TRY(const auto application, database.read_integer("PRAGMA application_id"));
  VALETKEY_TRY(const auto format, database.read_integer("PRAGMA user_version"));
  VALETKEY_TRY(const auto tables, database.read_integer("SELECT count(*) FROM sqlite_schema"));
  if (application == 0 && format == 0 && tables == 0) return 0;
  if (application != kApplicationId)
    return fail(ErrorCode::corrupt, file.string() + " is not a control store of Valetkey");
  if (format > kNewest)
    return fail(ErrorCode::unavailable, file.string() + " has format " + std::to_string(format) +
                                            ", newer than this program's " +
                                            std::to_string(kNewest) + "; upgrade valetkeyd");
  return format;
}

Result<void> migrate(sqlite::Database& database, const std::filesystem::path& file) {
  VALETKEY_TRY(const auto before, read_format(database, file));
  if (before == kNewest) return {};
  VALETKEY_TRY(auto transaction, sqlite::Transaction::begin(database));
  // Again: another process may have migrated while this one waited for the lock.
  VALETKEY_TRY(auto format, read_format(database, file));
  VALETKEY_CHECK(database.execute("PRAGMA application_id=" + std::to_string(kApplicationId)));
  for (; format < kNewest; ++format)
    VALETKEY_CHECK(database.execute(kMigrations.at(static_cast<std::size_t>(format))));
  VALETKEY_CHECK(database.execute("PRAGMA user_version=" + std::to_string(kNewest)));
  return transaction.commit();
}

Result<void> migrate(postgres::Server& server) {
  return postgres::migrate(
      server, "control store",
      {postgres::Migration{kPostgresTables}, postgres::Migration{kPostgresAccountsByNumber},
       postgres::Migration{kPostgresCutOffs}});
}

}  // namespace valetkey::control
