// SPDX-License-Identifier: Apache-2.0
// The faulty form of the seam, for tests: passes every call on but the n-th, which fails without
// being made. Thread-safe.
#pragma once

#include <atomic>
#include <utility>

#include "control/control_store.h"

namespace valetkey::control {

class FaultyControlStore : public ControlStore {
 public:
  explicit FaultyControlStore(ControlStore& inner) : inner_(inner) {}

  // The n-th call from now fails (1: the next one), and with `lasting` all after it too.
  void fail_call(std::int64_t n, Error error, bool lasting = false) {
    error_ = std::move(error);
    lasting_ = lasting;
    until_failure_ = n;
  }
  void heal() { until_failure_ = kNever; }
  std::int64_t calls() const { return calls_; }

  Result<Account> create_account(const AccountId& id, std::string_view name,
                                 Timestamp now) override {
    return unless_due([&] { return inner_.create_account(id, name, now); });
  }
  Result<Account> account(const AccountId& id) override {
    return unless_due([&] { return inner_.account(id); });
  }
  Result<std::vector<Account>> accounts() override {
    return unless_due([&] { return inner_.accounts(); });
  }
  Result<void> set_account_state(const AccountId& id, AccountState state, Timestamp now) override {
    return unless_due([&] { return inner_.set_account_state(id, state, now); });
  }
  Result<void> set_account_name(const AccountId& id, std::string_view name) override {
    return unless_due([&] { return inner_.set_account_name(id, name); });
  }
  Result<void> purge_account(const AccountId& id) override {
    return unless_due([&] { return inner_.purge_account(id); });
  }
  Result<AccountPolicy> policy(const AccountId& id) override {
    return unless_due([&] { return inner_.policy(id); });
  }
  Result<std::vector<AccountWithPolicy>> accounts_with_policies() override {
    return unless_due([&] { return inner_.accounts_with_policies(); });
  }
  Result<void> set_policy(const AccountId& id, const AccountPolicy& policy,
                          Timestamp now) override {
    return unless_due([&] { return inner_.set_policy(id, policy, now); });
  }
  Result<CutOffs> cut_offs(std::string_view role) override {
    return unless_due([&] { return inner_.cut_offs(role); });
  }
  Result<bool> set_cut_offs(std::string_view role, std::int64_t version,
                            std::string_view policy) override {
    return unless_due([&] { return inner_.set_cut_offs(role, version, policy); });
  }
  Result<User> create_user(std::string_view email, std::optional<AccountId> account, Role role,
                           Timestamp now) override {
    return unless_due([&] { return inner_.create_user(email, std::move(account), role, now); });
  }
  Result<User> user(const UserId& id) override {
    return unless_due([&] { return inner_.user(id); });
  }
  Result<User> user_by_email(std::string_view email) override {
    return unless_due([&] { return inner_.user_by_email(email); });
  }
  Result<std::vector<User>> users(std::optional<AccountId> account) override {
    return unless_due([&] { return inner_.users(std::move(account)); });
  }
  Result<std::vector<Token>> set_user_state(const UserId& id, UserState state,
                                            Timestamp now) override {
    return unless_due([&] { return inner_.set_user_state(id, state, now); });
  }
  Result<std::vector<Token>> set_user_role(const UserId& id, Role role, Timestamp now) override {
    return unless_due([&] { return inner_.set_user_role(id, role, now); });
  }
  Result<std::vector<Person>> people(std::optional<AccountId> account, Timestamp now) override {
    return unless_due([&] { return inner_.people(std::move(account), now); });
  }
  Result<std::string> password(const UserId& id) override {
    return unless_due([&] { return inner_.password(id); });
  }
  Result<void> set_password(const UserId& id, std::string_view hash) override {
    return unless_due([&] { return inner_.set_password(id, hash); });
  }
  Result<void> invite(const UserId& id, std::string_view sha256, Timestamp expires) override {
    return unless_due([&] { return inner_.invite(id, sha256, expires); });
  }
  Result<Invitation> invitation(std::string_view sha256, Timestamp now) override {
    return unless_due([&] { return inner_.invitation(sha256, now); });
  }
  Result<User> accept_invitation(std::string_view sha256, std::string_view hash,
                                 Timestamp now) override {
    return unless_due([&] { return inner_.accept_invitation(sha256, hash, now); });
  }
  Result<WebSession> create_session(const NewSession& wanted, std::string_view sha256,
                                    Timestamp now) override {
    return unless_due([&] { return inner_.create_session(wanted, sha256, now); });
  }
  Result<SessionAnswer> session(std::string_view sha256, Timestamp now) override {
    return unless_due([&] { return inner_.session(sha256, now); });
  }
  Result<void> touch_session(const TokenId& id, Timestamp expires, std::string_view from,
                             Timestamp now) override {
    return unless_due([&] { return inner_.touch_session(id, expires, from, now); });
  }
  Result<std::vector<WebSession>> sessions(const UserId& id, Timestamp now) override {
    return unless_due([&] { return inner_.sessions(id, now); });
  }
  Result<std::uint64_t> end_session(const UserId& user, const TokenId& id, Timestamp now) override {
    return unless_due([&] { return inner_.end_session(user, id, now); });
  }
  Result<std::uint64_t> end_sessions(const UserId& user, const std::optional<TokenId>& but,
                                     Timestamp now) override {
    return unless_due([&] { return inner_.end_sessions(user, but, now); });
  }
  Result<Token> replace_token(const TokenId& old, const NewToken& wanted, std::string_view sha256,
                              Timestamp ends, Timestamp now) override {
    return unless_due([&] { return inner_.replace_token(old, wanted, sha256, ends, now); });
  }
  Result<OperatorAnswer> authenticate_operator(std::string_view sha256, Timestamp now) override {
    return unless_due([&] { return inner_.authenticate_operator(sha256, now); });
  }
  Result<Token> create_token(const NewToken& wanted, std::string_view sha256,
                             Timestamp now) override {
    return unless_due([&] { return inner_.create_token(wanted, sha256, now); });
  }
  Result<Token> token(const TokenId& id) override {
    return unless_due([&] { return inner_.token(id); });
  }
  Result<std::vector<Token>> tokens(std::optional<AccountId> account,
                                    std::optional<UserId> user) override {
    return unless_due([&] { return inner_.tokens(std::move(account), std::move(user)); });
  }
  Result<std::vector<Token>> tokens_page(const TokenPage& page) override {
    return unless_due([&] { return inner_.tokens_page(page); });
  }
  Result<std::vector<Token>> revoke_token(const TokenId& id, Timestamp now) override {
    return unless_due([&] { return inner_.revoke_token(id, now); });
  }
  Result<void> revoke_sessions(const AccountId& account, Timestamp now) override {
    return unless_due([&] { return inner_.revoke_sessions(account, now); });
  }
  Result<TokenAnswer> authenticate(std::string_view sha256, Timestamp now) override {
    return unless_due([&] { return inner_.authenticate(sha256, now); });
  }
  Result<std::uint64_t> change_counter() override {
    return unless_due([&] { return inner_.change_counter(); });
  }
  Result<std::vector<Revocation>> revocations(Timestamp newer_than,
                                              std::uint64_t changed_after) override {
    return unless_due([&] { return inner_.revocations(newer_than, changed_after); });
  }
  Result<void> add_usage(const std::vector<DayOfUsage>& days,
                         const std::vector<TokenUse>& tokens) override {
    return unless_due([&] { return inner_.add_usage(days, tokens); });
  }
  Result<std::vector<DayOfUsage>> usage(std::optional<AccountId> account, Date since,
                                        Date until) override {
    return unless_due([&] { return inner_.usage(std::move(account), since, until); });
  }

 private:
  static constexpr std::int64_t kNever = std::int64_t{1} << 62;

  template <class Call>
  auto unless_due(Call call) -> decltype(call()) {
    ++calls_;
    const std::int64_t left = until_failure_.fetch_sub(1);
    if (left == 1 || (left < 1 && lasting_)) return std::unexpected(error_);
    return call();
  }

  ControlStore& inner_;
  Error error_;
  std::atomic<bool> lasting_ = false;
  std::atomic<std::int64_t> until_failure_ = kNever;
  std::atomic<std::int64_t> calls_ = 0;
};

}  // namespace valetkey::control
