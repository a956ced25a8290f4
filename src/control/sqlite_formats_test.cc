// SPDX-License-Identifier: Apache-2.0
// A file of every former format becomes one of today; one of a newer format, or of something else, stays as it is.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "control/testing/sqlite_file.h"
#include "control/tokens.h"

namespace valetkey::control {
namespace {

namespace fs = std::filesystem;

class SqliteFormats : public SqliteFile {};

TEST_F(SqliteFormats, MarksTheFileAsItsOwn) {
  open();
  const auto database = connect();
  EXPECT_EQ(database->read_integer("PRAGMA application_id").value(), 0x564b4354);
  EXPECT_EQ(database->read_integer("PRAGMA user_version").value(), 9);
  EXPECT_EQ(database->read_integer("PRAGMA foreign_keys").value(), 1);
  EXPECT_EQ(database->read_integer("PRAGMA synchronous").value(), 2);  // FULL
  EXPECT_EQ(database->read_integer("PRAGMA trusted_schema").value(), 0);
  EXPECT_EQ(database->read_integer("PRAGMA cell_size_check").value(), 1);
  ASSERT_TRUE(database->prepare("PRAGMA journal_mode"));
  auto mode = database->prepare("PRAGMA journal_mode");
  ASSERT_TRUE(mode->step().value());
  EXPECT_EQ(mode->text(0), "wal");
}

// What format 6 changed, undone.
constexpr const char* kBackToFormatFive = R"(
PRAGMA foreign_keys = OFF;
ALTER TABLE users DROP COLUMN password;
DROP TABLE cut_offs;
DROP TABLE invitations;
CREATE TABLE old_tokens (
  id TEXT NOT NULL PRIMARY KEY,
  sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
  account TEXT NOT NULL REFERENCES accounts (id),
  user TEXT NOT NULL REFERENCES users (id),
  name TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  revoked_ms INTEGER,
  parent TEXT REFERENCES old_tokens (id),
  last_used_ms INTEGER,
  last_used_from TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO old_tokens SELECT id, sha256, account, user, name, scopes, created_ms, expires_ms,
  revoked_ms, parent, last_used_ms, last_used_from FROM tokens;
DROP TABLE tokens;
ALTER TABLE old_tokens RENAME TO tokens;
CREATE INDEX tokens_by_account ON tokens (account, created_ms, id);
CREATE INDEX tokens_by_user ON tokens (user, created_ms, id);
CREATE INDEX tokens_by_parent ON tokens (parent) WHERE parent IS NOT NULL;
CREATE INDEX counting_by_account ON tokens (account, expires_ms) WHERE revoked_ms IS NULL;
CREATE INDEX counting_by_user ON tokens (user, expires_ms) WHERE revoked_ms IS NULL;
PRAGMA user_version=5)";

// What formats 4 and 5 changed, undone.
constexpr const char* kBackToFormatThree = R"(
DROP TABLE account_usage;
ALTER TABLE policies DROP COLUMN bucket;
ALTER TABLE policies DROP COLUMN prefix;
ALTER TABLE accounts DROP COLUMN usage_purged;
ALTER TABLE tokens DROP COLUMN last_used_ms;
ALTER TABLE tokens DROP COLUMN last_used_from;
CREATE TABLE usage (token TEXT NOT NULL REFERENCES tokens (id), day INTEGER NOT NULL,
  exchanges INTEGER NOT NULL, requests INTEGER NOT NULL, bytes INTEGER NOT NULL,
  PRIMARY KEY (token, day)) STRICT, WITHOUT ROWID;
PRAGMA user_version=3)";

// The file as format 1 left it: the same tables, without what came with formats 2 to 6.
TEST_F(SqliteFormats, BringsAFileOfFormatOneToTheNewest) {
  ASSERT_TRUE(open()->create_account(account_id("1"), "Acme", now_));
  ASSERT_TRUE(open()->set_account_state(account_id("1"), AccountState::suspended, now_));
  ASSERT_TRUE(connect()->execute(kBackToFormatFive));
  ASSERT_TRUE(connect()->execute(kBackToFormatThree));
  ASSERT_TRUE(connect()->execute(
      "DROP INDEX counting_by_account; DROP INDEX counting_by_user; DROP INDEX "
      "revocations_by_change;"
      "ALTER TABLE revocations DROP COLUMN change; DROP TABLE policies; PRAGMA user_version=1"));
  const auto store = open();
  EXPECT_EQ(connect()->read_integer("PRAGMA user_version").value(), 9);
  EXPECT_EQ(store->account(account_id("1"))->name, "Acme");
  AccountPolicy policy;
  policy.events_per_s = 7;
  ASSERT_TRUE(store->set_policy(account_id("1"), policy, now_));
  EXPECT_EQ(open()->policy(account_id("1")).value(), policy);
  EXPECT_EQ(store->revocations(now_, 0)->size(), 1U);
  EXPECT_TRUE(store->revocations(now_, store->change_counter().value())->empty());
}

TEST_F(SqliteFormats, KeepsTokensAndWhatTheyCreatedOverFormatSix) {
  const AccountId account = account_id("1");
  const std::string parent_hash(32, 'p'), child_hash(32, 'c');
  TokenId parent = make_token_id();
  {
    const auto store = open();
    ASSERT_TRUE(store->create_account(account, "Acme", now_));
    const auto user = store->create_user("a@example.com", account, Role::admin, now_).value();
    NewToken wanted{account, user.id, "n", {.export_ = true, .tokens = true}, {}, {}, {}};
    parent = store->create_token(wanted, parent_hash, now_)->id;
    wanted.parent = parent;
    ASSERT_TRUE(store->create_token(wanted, child_hash, now_));
  }
  ASSERT_TRUE(connect()->execute(kBackToFormatFive));
  const auto store = open();
  EXPECT_TRUE(store->authenticate(parent_hash, now_)->has_value());
  EXPECT_EQ(store->revoke_token(parent, now_)->size(), 2U);
  EXPECT_FALSE(store->authenticate(child_hash, now_)->has_value());
  EXPECT_TRUE(check_sqlite_store(file_)->empty());
}

TEST_F(SqliteFormats, AddsUpWhatFormatThreeCountedPerToken) {
  const AccountId account = account_id("1");
  const Date day = date_of(now_);
  {
    const auto store = open();
    ASSERT_TRUE(store->create_account(account, "Acme", now_));
    const auto user = store->create_user("a@example.com", account, Role::admin, now_).value();
    const NewToken wanted{account, user.id, "n", {.export_ = true}, std::nullopt, std::nullopt, {}};
    for (const char filler : {'a', 'b'})
      ASSERT_TRUE(store->create_token(wanted, std::string(32, filler), now_));
  }
  ASSERT_TRUE(connect()->execute(kBackToFormatFive));
  ASSERT_TRUE(connect()->execute(kBackToFormatThree));
  ASSERT_TRUE(connect()->execute("INSERT INTO usage SELECT id, " +
                                 std::to_string(day.time_since_epoch().count()) +
                                 ", 1, 20, 300 FROM tokens"));
  const auto usage = open()->usage(account, day, day).value();
  ASSERT_EQ(usage.size(), 1U);
  EXPECT_EQ(usage[0].counts, (UsageCounts{2, 40, 600, 0, 0}));
}

TEST_F(SqliteFormats, LeavesAFileOfANewerFormatAlone) {
  open();
  ASSERT_TRUE(connect()->execute("PRAGMA user_version=10"));
  const std::string before = read_file(file_, 1 << 20).value();
  const auto refused = open_sqlite_store(file_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_THAT(refused.error().detail, testing::HasSubstr("upgrade valetkeyd"));
  EXPECT_THAT(refused.error().detail, testing::HasSubstr(file_.string()));
  EXPECT_EQ(read_file(file_, 1 << 20).value(), before);
}

TEST_F(SqliteFormats, RefusesFilesThatAreNoControlStore) {
  ASSERT_TRUE(replace_file(file_, "this is not a database, but it is long enough to look at\n"));
  EXPECT_EQ(open_sqlite_store(file_).error().code, ErrorCode::corrupt);
  fs::remove(file_);
  {
    ASSERT_TRUE(open_file(file_, O_CREAT | O_RDWR));
    ASSERT_TRUE(connect()->execute("CREATE TABLE other (x)"));
  }
  EXPECT_EQ(open_sqlite_store(file_).error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace valetkey::control
