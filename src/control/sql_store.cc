// SPDX-License-Identifier: Apache-2.0
#include "control/internal/sql_store.h"

#include <atomic>
#include <mutex>
#include <optional>

#include "control/internal/sql_tables.h"

namespace valetkey::control {
namespace {

class SqlStore final : public ControlStore {
 public:
  explicit SqlStore(SqlStoreOptions options)
      : options_(std::move(options)), pool_(options_.connect, options_.connections) {}

  Result<Account> create_account(const AccountId& id, std::string_view name,
                                 Timestamp now) override {
    return writing([&](Database& c) { return insert_account(c, id, name, now); });
  }
  Result<Account> account(const AccountId& id) override {
    return reading([&](Database& c) { return select_account(c, id); });
  }
  Result<std::vector<Account>> accounts() override {
    return reading([&](Database& c) { return select_accounts(c); });
  }
  Result<void> set_account_state(const AccountId& id, AccountState state, Timestamp now) override {
    return writing([&](Database& c) { return update_account_state(c, id, state, now); });
  }
  Result<void> set_account_name(const AccountId& id, std::string_view name) override {
    return writing([&](Database& c) { return update_account_name(c, id, name); });
  }
  Result<void> purge_account(const AccountId& id) override {
    return writing([&](Database& c) { return delete_account_rows(c, id); });
  }
  Result<AccountPolicy> policy(const AccountId& id) override {
    return reading([&](Database& c) { return select_policy(c, id); });
  }
  Result<std::vector<AccountWithPolicy>> accounts_with_policies() override {
    return reading([&](Database& c) { return select_accounts_with_policies(c); });
  }
  Result<void> set_policy(const AccountId& id, const AccountPolicy& policy,
                          Timestamp now) override {
    return writing([&](Database& c) { return upsert_policy(c, id, policy, now); });
  }

  Result<CutOffs> cut_offs(std::string_view role) override {
    return reading([&](Database& c) { return select_cut_offs(c, role); });
  }
  Result<bool> set_cut_offs(std::string_view role, std::int64_t version,
                            std::string_view policy) override {
    return writing([&](Database& c) { return upsert_cut_offs(c, role, version, policy); });
  }

  Result<User> create_user(std::string_view email, std::optional<AccountId> account, Role role,
                           Timestamp now) override {
    return writing([&](Database& c) { return insert_user(c, email, account, role, now); });
  }
  Result<User> user(const UserId& id) override {
    return reading([&](Database& c) { return select_user(c, id); });
  }
  Result<User> user_by_email(std::string_view email) override {
    return reading([&](Database& c) { return select_user_by_email(c, email); });
  }
  Result<std::vector<User>> users(std::optional<AccountId> account) override {
    return reading([&](Database& c) { return select_users(c, account); });
  }
  Result<std::vector<Token>> set_user_state(const UserId& id, UserState state,
                                            Timestamp now) override {
    return writing([&](Database& c) { return update_user_state(c, id, state, now); });
  }
  Result<std::vector<Token>> set_user_role(const UserId& id, Role role, Timestamp now) override {
    return writing([&](Database& c) { return update_user_role(c, id, role, now); });
  }

  Result<std::vector<Person>> people(std::optional<AccountId> account, Timestamp now) override {
    return reading([&](Database& c) { return select_people(c, account, now); });
  }
  Result<std::string> password(const UserId& id) override {
    return reading([&](Database& c) { return select_password(c, id); });
  }
  Result<void> set_password(const UserId& id, std::string_view hash) override {
    return writing([&](Database& c) { return update_password(c, id, hash); });
  }
  Result<void> invite(const UserId& id, std::string_view sha256, Timestamp expires) override {
    return writing([&](Database& c) { return upsert_invitation(c, id, sha256, expires); });
  }
  Result<Invitation> invitation(std::string_view sha256, Timestamp now) override {
    return reading([&](Database& c) { return select_invitation(c, sha256, now); });
  }
  Result<User> accept_invitation(std::string_view sha256, std::string_view hash,
                                 Timestamp now) override {
    return writing([&](Database& c) { return use_invitation(c, sha256, hash, now); });
  }
  Result<WebSession> create_session(const NewSession& wanted, std::string_view sha256,
                                    Timestamp now) override {
    return writing([&](Database& c) { return insert_session(c, wanted, sha256, now); });
  }
  Result<SessionAnswer> session(std::string_view sha256, Timestamp now) override {
    return reading([&](Database& c) { return select_session(c, sha256, now); });
  }
  Result<void> touch_session(const TokenId& id, Timestamp expires, std::string_view from,
                             Timestamp now) override {
    return writing([&](Database& c) { return update_session(c, id, expires, from, now); });
  }
  Result<std::vector<WebSession>> sessions(const UserId& id, Timestamp now) override {
    return reading([&](Database& c) { return select_sessions(c, id, now); });
  }
  Result<std::uint64_t> end_session(const UserId& user, const TokenId& id, Timestamp now) override {
    return writing([&](Database& c) { return revoke_session(c, user, id, now); });
  }
  Result<std::uint64_t> end_sessions(const UserId& user, const std::optional<TokenId>& but,
                                     Timestamp now) override {
    return writing([&](Database& c) { return control::revoke_sessions(c, user, but, now); });
  }
  Result<Token> replace_token(const TokenId& old, const NewToken& wanted, std::string_view sha256,
                              Timestamp ends, Timestamp now) override {
    return writing([&](Database& c) { return exchange_token(c, old, wanted, sha256, ends, now); });
  }
  Result<OperatorAnswer> authenticate_operator(std::string_view sha256, Timestamp now) override {
    return reading([&](Database& c) { return select_operator_grant(c, sha256, now); });
  }

  Result<Token> create_token(const NewToken& wanted, std::string_view sha256,
                             Timestamp now) override {
    return writing([&](Database& c) { return insert_token(c, wanted, sha256, now); });
  }
  Result<Token> token(const TokenId& id) override {
    return reading([&](Database& c) { return select_personal_token(c, id); });
  }
  Result<std::vector<Token>> tokens(std::optional<AccountId> account,
                                    std::optional<UserId> user) override {
    return reading([&](Database& c) { return select_tokens(c, account, user); });
  }
  Result<std::vector<Token>> tokens_page(const TokenPage& page) override {
    return reading([&](Database& c) { return select_tokens_page(c, page); });
  }
  Result<std::vector<Token>> revoke_token(const TokenId& id, Timestamp now) override {
    return writing([&](Database& c) { return revoke_with_descendants(c, id, now); });
  }
  Result<void> revoke_sessions(const AccountId& account, Timestamp now) override {
    return writing([&](Database& c) { return revoke_sessions_of(c, account, now); });
  }
  Result<TokenAnswer> authenticate(std::string_view sha256, Timestamp now) override {
    return reading([&](Database& c) { return select_grant(c, sha256, now); });
  }

  Result<std::uint64_t> change_counter() override {
    const std::lock_guard lock(counting_);  // in order: an earlier counter is none that fell
    VALETKEY_TRY(const auto counter,
                 reading([&](Database& c) { return select_change_counter(c); }));
    return options_.timeline ? checked(counter) : counter;
  }
  Result<std::vector<Revocation>> revocations(Timestamp newer_than,
                                              std::uint64_t changed_after) override {
    // What was seen before a promotion says little of what the promoted one has: all of it then.
    const auto after = history_of(changed_after) == history_ ? changed_after & kCounterMask : 0;
    return reading([&](Database& c) { return select_revocations(c, newer_than, after); });
  }

  Result<void> add_usage(const std::vector<DayOfUsage>& days,
                         const std::vector<TokenUse>& tokens) override {
    return writing([&](Database& c) { return upsert_usage(c, days, tokens); });
  }
  Result<std::vector<DayOfUsage>> usage(std::optional<AccountId> account, Date since,
                                        Date until) override {
    return reading([&](Database& c) { return select_usage(c, account, since, until); });
  }

 private:
  // Most calls read with one statement, which is consistent by itself.
  template <class Work>
  auto reading(Work work) -> decltype(work(std::declval<Database&>())) {
    return sql::with_connection(pool_, work);
  }

  // One writer at a time: the mutex queues this process's fairly, the database's lock, which SQLite polls, settles
  // matters between processes.
  template <class Work>
  auto writing(Work work) -> decltype(work(std::declval<Database&>())) {
    const std::unique_lock lock(writer_, options_.lock_wait);
    if (!lock.owns_lock())
      return fail(ErrorCode::busy, "the control store is busy with other writers; try again");
    return sql::write(pool_, [&](Database& database) -> decltype(work(database)) {
      if (!options_.lock.empty()) {
        VALETKEY_TRY(Statement first, database.prepare(options_.lock));
        VALETKEY_CHECK(first.run());
      }
      return work(database);
    });
  }

  // Every change of a database moves its counter on. One that fell back has lost changes, revocations among them, that
  // were answered: it stays refused when others have taken their numbers. A promotion makes every counter a new one, so
  // that everything is read again.
  Result<std::uint64_t> checked(std::uint64_t counter) {
    if (counter < highest_) fell_to_ = counter;
    if (fell_to_)
      return fail(ErrorCode::unavailable,
                  "the control database lost changes that were answered: its counter fell from " +
                      std::to_string(highest_) + " to " + std::to_string(*fell_to_) +
                      "; promote a server that has them, and restart valetkeyd");
    highest_ = counter;
    const std::int64_t timeline = options_.timeline();
    if (!first_timeline_) first_timeline_ = timeline;
    history_ = static_cast<std::uint64_t>(timeline - *first_timeline_);
    return history_ << kCounterBits | counter;
  }
  static std::uint64_t history_of(std::uint64_t counter) { return counter >> kCounterBits; }

  static constexpr unsigned kCounterBits = 44;
  static constexpr std::uint64_t kCounterMask = (std::uint64_t{1} << kCounterBits) - 1;

  const SqlStoreOptions options_;
  sql::Pool<Database> pool_;
  std::timed_mutex writer_;
  std::mutex counting_;
  std::uint64_t highest_ =
      0;  // that the counter was seen at; this and the next two under counting_
  std::optional<std::uint64_t> fell_to_;
  std::optional<std::int64_t> first_timeline_;
  std::atomic<std::uint64_t> history_{0};  // promotions that were seen
};

}  // namespace

std::unique_ptr<ControlStore> make_sql_store(SqlStoreOptions options) {
  return std::make_unique<SqlStore>(std::move(options));
}

}  // namespace valetkey::control
