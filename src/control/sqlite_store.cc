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
  Result<void> set_user_state(const UserId& id, UserState state, Timestamp now) override {
    return writing([&](Connection& c) { return update_user_state(c, id, state, now); });
  }
  Result<void> set_user_role(const UserId& id, Role role, Timestamp) override {
    return writing([&](Connection& c) { return update_user_role(c, id, role); });
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
  Result<std::size_t> revoke_token(const TokenId& id, Timestamp now) override {
    return writing([&](Connection& c) { return revoke_with_descendants(c, id, now); });
  }
  Result<TokenAnswer> authenticate(std::string_view sha256, Timestamp now) override {
    return reading([&](Connection& c) { return select_grant(c, sha256, now); });
  }

  Result<std::uint64_t> change_counter() override {
    return reading([&](Connection& c) { return select_change_counter(c); });
  }
  Result<Revocations> revocations(Timestamp newer_than) override {
    return reading([&](Connection& c) { return select_revocations(c, newer_than); });
  }

  Result<void> add_usage(const std::vector<UsageDelta>& deltas) override {
    return writing([&](Connection& c) { return upsert_usage(c, deltas); });
  }
  Result<std::vector<UsageDelta>> usage(std::optional<AccountId> account, Date since) override {
    return reading([&](Connection& c) { return select_usage(c, account, since); });
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

Result<void> check_sqlite_store(const std::filesystem::path& file) {
  VALETKEY_TRY(const auto connection, Connection::open(file, SQLITE_OPEN_READWRITE));
  VALETKEY_TRY(Statement structure, connection->prepare("PRAGMA integrity_check(1)"));
  VALETKEY_TRY(const bool looked, structure.step());
  if (!looked || structure.text(0) != "ok")
    return fail(ErrorCode::corrupt,
                looked ? std::string(structure.text(0)) : "it cannot be checked");
  VALETKEY_TRY(Statement keys, connection->prepare("PRAGMA foreign_key_check"));
  VALETKEY_TRY(const bool dangling, keys.step());
  if (dangling)
    return fail(ErrorCode::corrupt, "a row of " + std::string(keys.text(0)) +
                                        " refers to a row of " + std::string(keys.text(2)) +
                                        " that does not exist");
  return {};
}

}  // namespace valetkey::control
