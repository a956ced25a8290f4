// SPDX-License-Identifier: Apache-2.0
#include "control/sqlite_store.h"

#include <fcntl.h>

#include <mutex>
#include <thread>

#include "base/file.h"
#include "control/sqlite_schema.h"
#include "control/sqlite_tables.h"

namespace valetkey::control {
namespace {

constexpr std::chrono::milliseconds kBusyTimeout{kBusyTimeoutMs};

// Connections at rest. A call takes one and gives it back, so there are never more than callers at
// once.
class Pool {
 public:
  explicit Pool(std::filesystem::path file) : file_(std::move(file)) {}

  Result<std::unique_ptr<Connection>> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!resting_.empty()) {
        std::unique_ptr<Connection> connection = std::move(resting_.back());
        resting_.pop_back();
        return connection;
      }
    }
    return Connection::open(file_, SQLITE_OPEN_READWRITE);
  }
  void give_back(std::unique_ptr<Connection> connection) {
    const std::lock_guard lock(mutex_);
    resting_.push_back(std::move(connection));
  }

 private:
  std::filesystem::path file_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> resting_;
};

class SqliteStore final : public ControlStore {
 public:
  explicit SqliteStore(std::filesystem::path file) : pool_(std::move(file)) {}

  Result<Account> create_account(const AccountId& id, std::string_view name,
                                 Timestamp now) override {
    return writing([&](Connection& c) { return insert_account(c, id, name, now); });
  }
  Result<Account> account(const AccountId& id) override {
    return reading([&](Connection& c) { return select_account(c, id); });
  }
  Result<std::vector<Account>> accounts() override {
    return reading([&](Connection& c) { return select_accounts(c); });
  }
  Result<void> set_account_state(const AccountId& id, AccountState state, Timestamp now) override {
    return writing([&](Connection& c) { return update_account_state(c, id, state, now); });
  }
  Result<void> set_account_name(const AccountId& id, std::string_view name) override {
    return writing([&](Connection& c) { return update_account_name(c, id, name); });
  }
  Result<void> purge_account(const AccountId& id) override {
    return writing([&](Connection& c) { return delete_account_rows(c, id); });
  }
  Result<AccountPolicy> policy(const AccountId& id) override {
    return reading([&](Connection& c) { return select_policy(c, id); });
  }
  Result<void> set_policy(const AccountId& id, const AccountPolicy& policy,
                          Timestamp now) override {
    return writing([&](Connection& c) { return upsert_policy(c, id, policy, now); });
  }

  Result<User> create_user(std::string_view email, std::optional<AccountId> account, Role role,
                           Timestamp now) override {
    return writing([&](Connection& c) { return insert_user(c, email, account, role, now); });
  }
  Result<User> user(const UserId& id) override {
    return reading([&](Connection& c) { return select_user(c, id); });
  }
  Result<User> user_by_email(std::string_view email) override {
    return reading([&](Connection& c) { return select_user_by_email(c, email); });
  }
  Result<std::vector<User>> users(std::optional<AccountId> account) override {
    return reading([&](Connection& c) { return select_users(c, account); });
  }
  Result<std::vector<Token>> set_user_state(const UserId& id, UserState state,
                                            Timestamp now) override {
    return writing([&](Connection& c) { return update_user_state(c, id, state, now); });
  }
  Result<std::vector<Token>> set_user_role(const UserId& id, Role role, Timestamp now) override {
    return writing([&](Connection& c) { return update_user_role(c, id, role, now); });
  }

  Result<Token> create_token(const NewToken& wanted, std::string_view sha256,
                             Timestamp now) override {
    return writing([&](Connection& c) { return insert_token(c, wanted, sha256, now); });
  }
  Result<Token> token(const TokenId& id) override {
    return reading([&](Connection& c) { return select_token(c, id); });
  }
  Result<std::vector<Token>> tokens(std::optional<AccountId> account,
                                    std::optional<UserId> user) override {
    return reading([&](Connection& c) { return select_tokens(c, account, user); });
  }
  Result<std::vector<Token>> tokens_page(const TokenPage& page) override {
    return reading([&](Connection& c) { return select_tokens_page(c, page); });
  }
  Result<std::vector<Token>> revoke_token(const TokenId& id, Timestamp now) override {
    return writing([&](Connection& c) { return revoke_with_descendants(c, id, now); });
  }
  Result<TokenAnswer> authenticate(std::string_view sha256, Timestamp now) override {
    return reading([&](Connection& c) { return select_grant(c, sha256, now); });
  }

  Result<std::uint64_t> change_counter() override {
    return reading([&](Connection& c) { return select_change_counter(c); });
  }
  Result<std::vector<Revocation>> revocations(Timestamp newer_than,
                                              std::uint64_t changed_after) override {
    return reading([&](Connection& c) { return select_revocations(c, newer_than, changed_after); });
  }

  Result<void> add_usage(const std::vector<DayOfUsage>& days,
                         const std::vector<TokenUse>& tokens) override {
    return writing([&](Connection& c) { return upsert_usage(c, days, tokens); });
  }
  Result<std::vector<DayOfUsage>> usage(std::optional<AccountId> account, Date since,
                                        Date until) override {
    return reading([&](Connection& c) { return select_usage(c, account, since, until); });
  }
  Result<void> purge_usage(const AccountId& account) override {
    return writing([&](Connection& c) { return delete_usage(c, account); });
  }

 private:
  // Each call reads with one statement, which SQLite makes consistent by itself.
  template <class Work>
  auto reading(Work work) -> decltype(work(std::declval<Connection&>())) {
    VALETKEY_TRY(std::unique_ptr<Connection> connection, pool_.take());
    auto result = work(*connection);
    pool_.give_back(std::move(connection));
    return result;
  }

  // The mutex queues this process's writers fairly; SQLite's lock, which is polled, only has to
  // settle matters between processes.
  template <class Work>
  auto writing(Work work) -> decltype(work(std::declval<Connection&>())) {
    const std::unique_lock lock(writer_, kBusyTimeout);
    if (!lock.owns_lock())
      return fail(ErrorCode::busy, "the control store is busy with other writers; try again");
    return reading([&](Connection& connection) -> decltype(work(connection)) {
      VALETKEY_TRY(Transaction transaction, Transaction::begin(connection));
      auto result = work(connection);
      if (!result) return result;
      VALETKEY_CHECK(transaction.commit());
      return result;
    });
  }

  Pool pool_;
  std::timed_mutex writer_;
};

// WAL is a property of the file. Two processes that set it at once collide without SQLite's
// time-out.
Result<void> use_write_ahead_log(Connection& connection) {
  const auto give_up = std::chrono::steady_clock::now() + kBusyTimeout;
  while (true) {
    auto set = connection.execute("PRAGMA journal_mode=WAL");
    const bool busy = !set && set.error().code == ErrorCode::busy;
    if (!busy || std::chrono::steady_clock::now() >= give_up) return set;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void note_damage(Statement& look, const std::string& what, std::vector<std::string>& problems) {
  const auto looked = look.step();
  if (looked && *looked && look.text(0) == "ok") return;
  const std::string why = !looked   ? looked.error().detail
                          : *looked ? std::string(look.text(0))
                                    : "it cannot be checked";
  problems.push_back(what + " is damaged (" + why.substr(0, why.find('\n')) + ")");
}

}  // namespace

Result<std::unique_ptr<ControlStore>> open_sqlite_store(const std::filesystem::path& file) {
  // SQLite would create it readable by others; the log beside it takes the file's mode.
  VALETKEY_CHECK(open_file(file, O_RDWR | O_CREAT, 0600));
  VALETKEY_TRY(std::unique_ptr<Connection> connection,
               Connection::open(file, SQLITE_OPEN_READWRITE));
  VALETKEY_CHECK(read_format(*connection, file));  // before anything of it is changed
  VALETKEY_CHECK(use_write_ahead_log(*connection));
  VALETKEY_CHECK(migrate(*connection, file));
  return std::make_unique<SqliteStore>(file);
}

Result<void> backup_sqlite_store(const std::filesystem::path& file,
                                 const std::filesystem::path& destination) {
  VALETKEY_TRY(std::unique_ptr<Connection> connection,
               Connection::open(file, SQLITE_OPEN_READWRITE));
  VALETKEY_CHECK(read_format(*connection, file));
  // VACUUM INTO takes an empty file; O_EXCL makes sure that it is ours, the mode that it is
  // private.
  VALETKEY_CHECK(open_file(destination, O_RDWR | O_CREAT | O_EXCL, 0600));
  VALETKEY_TRY(Statement copy, connection->prepare("VACUUM INTO ?1"));
  const std::string target = destination.string();
  auto copied = copy.bind(1, std::string_view(target)).run();
  if (!copied) {
    std::filesystem::remove(destination);
    return copied;
  }
  VALETKEY_TRY(const FileDescriptor written, open_file(destination, O_RDWR));
  VALETKEY_CHECK(sync_file(written.get(), target));
  return sync_folder(destination.parent_path());
}

Result<std::vector<std::string>> check_sqlite_store(const std::filesystem::path& file) {
  VALETKEY_TRY(const auto connection, Connection::open(file, SQLITE_OPEN_READWRITE));
  std::vector<std::string> problems;
  // Table by table, so that each damaged one is named; then what belongs to none.
  VALETKEY_TRY(Statement tables,
               connection->prepare("SELECT name FROM sqlite_schema WHERE type = 'table'"));
  while (true) {
    VALETKEY_TRY(const bool more, tables.step());
    if (!more) break;
    const std::string table(tables.text(0));
    VALETKEY_TRY(Statement look, connection->prepare("SELECT * FROM pragma_integrity_check(?1)"));
    note_damage(look.bind(1, table), "table " + table, problems);
  }
  VALETKEY_TRY(Statement whole, connection->prepare("PRAGMA integrity_check(1)"));
  if (problems.empty()) note_damage(whole, "the file", problems);
  VALETKEY_TRY(Statement keys, connection->prepare("PRAGMA foreign_key_check"));
  while (problems.empty()) {
    VALETKEY_TRY(const bool dangling, keys.step());
    if (!dangling) break;
    problems.push_back("a row of table " + std::string(keys.text(0)) + " refers to a row of " +
                       std::string(keys.text(2)) + " that does not exist");
  }
  return problems;
}

}  // namespace valetkey::control
