// SPDX-License-Identifier: Apache-2.0
#include "console/accounts.h"

#include <algorithm>

#include "base/crypto.h"
#include "base/log.h"
#include "console/internal/fields.h"
#include "control/names.h"

namespace valetkey::console {
namespace {

namespace json = boost::json;
using control::Account;
using control::AccountState;

constexpr std::int64_t kLongestRetentionDays = 36'500;

json::array days_of(const std::vector<control::DayOfUsage>& days, const AccountId& account) {
  return api::usage_document(account, {}, days).at("days").as_array();
}

}  // namespace

Answer<Reply> Accounts::server(const Call& call) { return reply_with(parts_.describe(call.now)); }

Answer<Account> Accounts::find(const Call& call) {
  const auto id = AccountId::parse(call.ids.at(0));
  if (!id) return not_found("There is no such account.");
  auto account = parts_.store.account(*id);
  if (!account && account.error().code == ErrorCode::not_found)
    return not_found("There is no such account.");
  return or_hide(std::move(account), "reading an account", call);
}

Answer<json::object> Accounts::describe(const Call& call, const Account& account) {
  const Date today = date_of(call.now);
  VALETKEY_TRY(const auto people,
               or_hide(parts_.store.people(account.id, call.now), "listing people", call));
  VALETKEY_TRY(const auto policy,
               or_hide(parts_.store.policy(account.id), "reading a policy", call));
  VALETKEY_TRY(const auto usage,
               or_hide(parts_.store.usage(account.id, today - std::chrono::days(400), today),
                       "reading usage", call));
  VALETKEY_TRY(const auto stored, or_hide(parts_.stored(account.id), "reading sums", call));
  std::uint64_t tokens = 0;
  for (const auto& person : people) tokens += person.tokens;
  json::value retention = nullptr;
  if (policy.retention) retention = policy.retention->count();
  json::value last = nullptr;
  for (const auto& day : usage)
    if (day.counts.events > 0) last = format_date(day.day);
  const bool any_today = !usage.empty() && usage.back().day == today;
  return json::object{
      {"id", account.id.str()},
      {"name", account.name},
      {"state", control::name_of(account.state)},
      {"created", format_iso8601(account.created)},
      {"users", people.size()},
      {"tokens", tokens},
      {"retention_days", std::move(retention)},
      {"stored", stored ? json::value{{"parts", stored->objects}, {"bytes", stored->bytes}}
                        : json::value(nullptr)},
      {"events_today", any_today ? usage.back().counts.events : 0},
      {"last_event_day", std::move(last)}};
}

Answer<Reply> Accounts::list(const Call& call) {
  VALETKEY_TRY(const auto accounts, or_hide(parts_.store.accounts(), "listing accounts", call));
  json::array listed;
  for (const Account& account : accounts) {
    VALETKEY_TRY(json::object described, describe(call, account));
    listed.push_back(std::move(described));
  }
  return reply_with({{"accounts", std::move(listed)}});
}

// One that nobody has, of eleven digits, where the operator names none.
Answer<AccountId> Accounts::choose_id(const Call& call, const std::string& wanted) {
  if (!wanted.empty()) {
    auto id = AccountId::parse(wanted);
    if (!id) return bad_field("id", "\"id\" must be 1 to 20 digits.");
    return std::move(*id);
  }
  for (int tries = 0; tries < 8; ++tries) {
    std::uint64_t number = 0;
    for (const char byte : random_bytes(std::size_t{7}))
      number = number << 8 | static_cast<std::uint8_t>(byte);
    const auto id = AccountId::parse(std::to_string(10'000'000'000 + number % 90'000'000'000));
    if (id && !parts_.store.account(*id)) return *id;
  }
  return std::unexpected(api::hidden_failure({ErrorCode::internal, "no free account id"},
                                             "choosing an id", call.request_id));
}

Answer<Reply> Accounts::create(const Call& call) {
  VALETKEY_TRY(const Fields fields, Fields::parse(call.body, {"id", "name", "admin"}));
  VALETKEY_TRY(const std::string name, fields.text("name"));
  VALETKEY_TRY(const auto wanted, fields.optional_text("id"));
  VALETKEY_TRY(const auto admin, fields.optional_text("admin"));
  if (const auto good = control::check_name(name, 1, "a name"); !good)
    return bad_field("name", "\"name\" must have 1 to 100 characters, none of them invisible.");
  if (admin && !control::normalise_email(*admin))
    return bad_field("admin", "\"admin\" must be an address such as ada@example.com.");
  if (admin && parts_.store.user_by_email(*admin))
    return conflict("admin", "There is a person of that address already.");
  VALETKEY_TRY(const AccountId id, choose_id(call, wanted.value_or("")));
  auto made = parts_.store.create_account(id, name, call.now);
  if (!made && made.error().code == ErrorCode::already_exists)
    return conflict("id", "There is, or was, an account of that id.");
  VALETKEY_TRY(const Account account, or_hide(std::move(made), "making an account", call));
  VALETKEY_CHECK(record(call, "account.create", id));
  json::value invitation = nullptr;
  if (admin) {
    VALETKEY_TRY(const auto user,
                 or_hide(parts_.store.create_user(*admin, id, control::Role::admin, call.now),
                         "making a user", call));
    VALETKEY_TRY(invitation, parts_.people.invitation_of(call, user));
  }
  VALETKEY_TRY(json::object described, describe(call, account));
  return reply_with({{"account", std::move(described)}, {"invitation", std::move(invitation)}},
                    201);
}

Answer<Reply> Accounts::show(const Call& call) {
  VALETKEY_TRY(const Account account, find(call));
  VALETKEY_TRY(json::object described, describe(call, account));
  const Date today = date_of(call.now);
  VALETKEY_TRY(const auto usage,
               or_hide(parts_.store.usage(account.id, today - std::chrono::days(400), today),
                       "reading usage", call));
  described["days"] = days_of(usage, account.id);
  VALETKEY_TRY(const auto people,
               or_hide(parts_.store.people(account.id, call.now), "listing people", call));
  json::array listed;
  for (const auto& person : people) listed.push_back(person_document(person, call.who->user.id));
  described["people"] = std::move(listed);
  return reply_with(described);
}

Answer<Reply> Accounts::change(const Call& call) {
  VALETKEY_TRY(const Account account, find(call));
  VALETKEY_TRY(const Fields fields, Fields::parse(call.body, {"name", "state", "retention_days"}));
  if (account.state == AccountState::deleted) return conflict("", "This account was deleted.");
  if (fields.has("name")) VALETKEY_CHECK(set_name(call, account.id, fields));
  if (fields.has("retention_days") || fields.is_null("retention_days"))
    VALETKEY_CHECK(set_retention(call, account.id, fields));
  std::optional<access::EndOfSessions> ended;
  if (fields.has("state")) {
    VALETKEY_TRY(ended, set_state(call, account.id, fields));
  }
  VALETKEY_TRY(const Account changed, find(call));
  VALETKEY_TRY(json::object described, describe(call, changed));
  if (ended) api::describe(described, *ended);
  return reply_with(described);
}

Answer<void> Accounts::set_name(const Call& call, const AccountId& account, const Fields& fields) {
  VALETKEY_TRY(const std::string name, fields.text("name"));
  if (!control::check_name(name, 1, "a name"))
    return bad_field("name", "\"name\" must have 1 to 100 characters, none of them invisible.");
  VALETKEY_CHECK(or_hide(parts_.store.set_account_name(account, name), "naming an account", call));
  return record(call, "account.rename", account);
}

Answer<void> Accounts::set_retention(const Call& call, const AccountId& account,
                                     const Fields& fields) {
  VALETKEY_TRY(auto policy, or_hide(parts_.store.policy(account), "reading a policy", call));
  policy.retention.reset();
  if (fields.has("retention_days")) {
    VALETKEY_TRY(const auto days, fields.integer("retention_days", 1, kLongestRetentionDays));
    policy.retention = std::chrono::days(days);
  }
  VALETKEY_CHECK(
      or_hide(parts_.store.set_policy(account, policy, call.now), "setting a policy", call));
  return record(call, "account.set", account);
}

Answer<std::optional<access::EndOfSessions>> Accounts::set_state(const Call& call,
                                                                 const AccountId& account,
                                                                 const Fields& fields) {
  VALETKEY_TRY(const std::string text, fields.text("state"));
  if (text != "active" && text != "suspended")
    return bad_field("state", "\"state\" must be active or suspended.");
  const bool active = text == "active";
  const auto state = active ? AccountState::active : AccountState::suspended;
  VALETKEY_CHECK(or_hide(parts_.store.set_account_state(account, state, call.now),
                         "changing an account's state", call));
  parts_.feed.poll();
  VALETKEY_CHECK(record(call, active ? "account.resume" : "account.suspend", account));
  // What a resumed one needs at the engine, its first exchange makes.
  std::optional<access::EndOfSessions> ended;
  if (!active) {
    VALETKEY_TRY(ended, end_sessions(call, account));
  }
  return ended;
}

// The account is suspended whatever the engine does, and the answer says what that was.
Answer<access::EndOfSessions> Accounts::end_sessions(const Call& call, const AccountId& account) {
  auto ended = access::try_to_cut_off({parts_.issuer, parts_.store, parts_.longest_session},
                                      {.account = account}, call.now);
  if (!ended.why.empty())
    log::warn("console", "sessions could not be cut off",
              {{"why", ended.why}, {"request", call.request_id}});
  if (!parts_.issuer.follows_revocation())
    VALETKEY_CHECK(record(call, ended.action(), account, ended.text));
  VALETKEY_CHECK(or_hide(access::audit_others(parts_.audit, ended, call.now),
                         "auditing what a cut-off took along", call));
  return ended;
}

Answer<void> Accounts::record(const Call& call, std::string_view action, const AccountId& account,
                              std::string_view detail) {
  return or_hide(parts_.audit.append_durably({.at = call.now,
                                              .action = action,
                                              .outcome = "ok",
                                              .account = &account,
                                              .actor = call.who->user.id.str(),
                                              .subject = account.str(),
                                              .client = call.client,
                                              .request_id = call.request_id,
                                              .detail = detail}),
                 "auditing", call);
}

}  // namespace valetkey::console
