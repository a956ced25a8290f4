// SPDX-License-Identifier: Apache-2.0
// For tests and fuzzing: the whole service over a real SQLite control store with two accounts,
// driven on this thread. The audit log is a list.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/service.h"
#include "base/keyring.h"
#include "base/log.h"
#include "base/testing/manual_clock.h"
#include "base/testing/temporary_folder.h"
#include "base/text.h"
#include "control/sqlite_store.h"
#include "control/testing/faulty_control_store.h"
#include "control/tokens.h"

namespace valetkey::api {

class ListedAudit final : public control::AuditLog {
 public:
  void append(const control::AuditEntry& entry) override { keep(entry, ""); }
  Result<void> append_durably(const control::AuditEntry& entry) override {
    if (fails_) return fail(ErrorCode::full, "no space left for /secret/audit");
    keep(entry, "!");  // durably
    return {};
  }
  void refused(std::string_view reason, std::string_view block, Timestamp) override {
    const std::lock_guard lock(mutex_);
    refusals_.emplace_back(reason, block);
  }
  void fail_from_now() { fails_ = true; }
  const std::vector<control::AuditEvent>& events() const { return events_; }
  const std::vector<std::pair<std::string, std::string>>& refusals() const { return refusals_; }

 private:
  void keep(const control::AuditEntry& entry, std::string_view mark) {
    const std::lock_guard lock(mutex_);
    events_.push_back(
        {.at = entry.at,
         .action = std::string(entry.action).append(mark),
         .outcome = std::string(entry.outcome),
         .account = entry.account != nullptr ? std::optional(*entry.account) : std::nullopt,
         .actor = std::string(entry.actor),
         .subject = std::string(entry.subject),
         .client = std::string(entry.client),
         .request_id = std::string(entry.request_id),
         .count = entry.count,
         .detail = std::string(entry.detail)});
  }

  std::mutex mutex_;
  bool fails_ = false;
  std::vector<control::AuditEvent> events_;
  std::vector<std::pair<std::string, std::string>> refusals_;
};

struct Reply {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers)
      if (equal_ignoring_case(key, name)) return value;
    return "";
  }
  boost::json::object json() const { return boost::json::parse(body).as_object(); }
  std::string text(std::string_view field) const {
    return std::string(json().at(field).as_string());
  }
  std::string code() const { return text("code"); }
};

struct Ask {
  http::Method method = http::Method::get;
  std::string target = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  std::string client = "192.0.2.1";
  bool body_complete = true;
};

// Accounts 12 (admin ada, members bob and kim) and 123 (admin eve). Their tokens have both scopes.
class ServiceFixture {
 public:
  explicit ServiceFixture(Options options = make_options()) : options_(std::move(options)) {
    log::configure(log::Level::off, log::Format::text);  // of hundreds of provoked faults
    const AccountId near = AccountId::parse("12").value();
    const AccountId far = AccountId::parse("123").value();
    sqlite_->create_account(near, "Acme", now()).value();
    sqlite_->create_account(far, "Neighbour", now()).value();
    add_user("ada", near, control::Role::admin);
    add_user("bob", near, control::Role::member);
    add_user("kim", near, control::Role::member);
    add_user("eve", far, control::Role::admin);
    feed_.poll();
    rebuild(options_);
  }

  static Options make_options() {
    Options options;
    options.public_endpoint = "https://s3.example.com";
    options.api_public_url = "https://api.example.com/";
    options.limiter.burst = 0;
    return options;
  }
  void rebuild(Options options) {
    service_.reset();
    authenticator_ = std::make_unique<Authenticator>(gate_, feed_, audit_, pool_, options, &keys_);
    service_ = std::make_unique<Service>(
        Parts{store_, feed_, audit_, *authenticator_, *issuer_, usage_, log_, hooks_,
              [](const AccountId&) -> Result<Stored> { return Stored{3, 4096}; }},
        pool_, std::move(options));
  }
  void use_log(events::EventLog* log, IntakeHooks* hooks) {
    log_ = log;
    hooks_ = hooks;
    rebuild(options_);
  }
  void use_issuer(access::CredentialIssuer& issuer) {
    issuer_ = &issuer;
    rebuild(options_);
  }

  Timestamp now() const { return clock_.now(); }
  const control::User& user(std::size_t i) const { return users_[i]; }
  Secret make_token(const control::User& owner, control::TokenScopes scopes,
                    std::optional<Timestamp> expires = {}, TokenId* id = nullptr,
                    control::Narrowing narrowing = {}) {
    Secret token = control::make_token();
    const Digest256 digest = control::token_digest(token.reveal());
    const auto made = sqlite_->create_token(
        {*owner.account, owner.id, "made", scopes, expires, std::nullopt, {}, std::move(narrowing)},
        as_text(digest), now());
    if (id != nullptr) *id = made->id;
    feed_.poll();
    return token;
  }

  Reply call(const Ask& ask) { return call_all({ask}).front(); }
  // All of them at once, as of so many connections of one loop.
  std::vector<Reply> call_all(const std::vector<Ask>& asks) {
    std::vector<http::Request> requests;
    requests.reserve(asks.size());
    for (const Ask& ask : asks) requests.push_back(read(ask));
    loop_.restart();
    std::vector<Reply> replies(asks.size());
    for (std::size_t i = 0; i < asks.size(); ++i)
      http::asio::co_spawn(loop_, service_->handle(requests[i]),
                           [&reply = replies[i]](std::exception_ptr error, http::Response answer) {
                             if (error) std::rethrow_exception(error);
                             reply = write(answer);
                           });
    loop_.run();
    return replies;
  }
  static Reply write(const http::Response& response) {
    Reply reply{response.status(), {}, response.body_bytes()};
    std::string_view lines = response.head_lines();
    while (!lines.empty()) {
      const std::string_view line = lines.substr(0, lines.find("\r\n"));
      const std::size_t colon = line.find(": ");
      reply.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
      lines.remove_prefix(line.size() + 2);
    }
    return reply;
  }
  Reply get(std::string target, std::string_view token) {
    return call({.target = std::move(target), .headers = {bearer(token)}});
  }
  Reply post(std::string_view token, std::string body) {
    return call({.method = http::Method::post,
                 .target = "/v2/tokens",
                 .headers = {bearer(token), {"Content-Type", "application/json"}},
                 .body = std::move(body)});
  }
  Reply revoke(std::string_view token, std::string_view id) {
    return call({.method = http::Method::delete_,
                 .target = "/v2/tokens/" + std::string(id),
                 .headers = {bearer(token)}});
  }
  static std::pair<std::string, std::string> bearer(std::string_view token) {
    return {"Authorization", "Bearer " + std::string(token)};
  }

  ManualClock& clock() { return clock_; }
  control::FaultyControlStore& store() { return store_; }
  control::ControlStore& sqlite() { return *sqlite_; }
  control::ChangeFeed& feed() { return feed_; }
  ListedAudit& audit() { return audit_; }
  access::Usage& usage() { return usage_; }
  const KeySource& keys() const { return keys_; }
  Service& service() { return *service_; }
  Authenticator& authenticator() { return *authenticator_; }
  // As a listener would hand it on.
  http::Request read(const Ask& ask) const {
    http::Request request;
    request.method = ask.method;
    request.target = ask.target;
    const std::size_t mark = std::min(request.target.find('?'), request.target.size());
    request.path = request.target.substr(0, mark);
    request.query = request.target.substr(std::min(mark + 1, request.target.size()));
    for (const auto& [name, value] : ask.headers) request.headers.push_back({name, value});
    request.body = ask.body;
    request.body_complete = ask.body_complete;
    request.client = http::Address::parse(ask.client).value();
    request.now = now();
    request.id = "6f1c7d0e-3b0a-4f57-9f1c-2f7f3b1f9f0a";
    return request;
  }

 private:
  void add_user(const std::string& name, const AccountId& account, control::Role role) {
    users_.push_back(sqlite_->create_user(name + "@example.com", account, role, now()).value());
  }

  TemporaryFolder folder_;
  http::asio::io_context loop_{1};  // outlives the log, whose thread posts to it
  ManualClock clock_{from_epoch_ms(1'795'000'000'123)};
  std::unique_ptr<control::ControlStore> sqlite_ =
      control::open_sqlite_store(folder_.path() / "control.db").value();
  control::FaultyControlStore store_{*sqlite_};
  control::ChangeFeed feed_{store_, clock_, std::chrono::hours(1)};
  ListedAudit audit_;
  access::TokenGate gate_{store_, feed_};
  FixedKeySource keys_{Keyring::make(from_epoch_ms(1'795'000'000'123))};
  access::SealedIssuer sealed_{keys_};
  access::CredentialIssuer* issuer_ = &sealed_;
  access::Usage usage_{store_};
  events::EventLog* log_ = nullptr;
  IntakeHooks* hooks_ = nullptr;
  http::asio::thread_pool pool_{2};
  std::vector<control::User> users_;
  Options options_;
  std::unique_ptr<Authenticator> authenticator_;
  std::unique_ptr<Service> service_;
};

inline constexpr control::TokenScopes kBoth{.export_ = true, .tokens = true};
inline constexpr control::TokenScopes kExport{.export_ = true};
inline constexpr control::TokenScopes kTokens{.tokens = true};

}  // namespace valetkey::api
