// SPDX-License-Identifier: Apache-2.0
// A whole S3 service for the tests and fuzz targets of this module: a store in memory, sessions
// from the real issuer, requests signed by the real signer, answers with their bodies drained.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "access/credentials.h"
#include "access/revocation.h"
#include "access/usage.h"
#include "base/encoding.h"
#include "base/testing/manual_clock.h"
#include "s3/service.h"
#include "sigv4/sign.h"
#include "storage/testing/memory_store.h"

namespace valetkey::s3 {

// A control store that knows revocations and usage and nothing else.
class MemoryControl final : public control::ControlStore {
 public:
  std::map<std::string, Timestamp, std::less<>> not_before;
  std::uint64_t counter = 1;
  std::vector<control::DayOfUsage> used;
  bool broken = false;

  void revoke(const std::string& id, Timestamp at) {
    not_before[id] = at;
    ++counter;
  }
  Result<std::uint64_t> change_counter() override {
    if (broken) return nothing();
    return counter;
  }
  Result<std::vector<control::Revocation>> revocations(Timestamp, std::uint64_t) override {
    if (broken) return nothing();
    std::vector<control::Revocation> all;
    for (const auto& [subject, at] : not_before) all.push_back({subject, at});
    return all;
  }
  Result<void> add_usage(const std::vector<control::DayOfUsage>& more,
                         const std::vector<control::TokenUse>&) override {
    used.insert(used.end(), more.begin(), more.end());
    return {};
  }
  Result<control::Account> create_account(const AccountId&, std::string_view, Timestamp) override {
    return nothing();
  }
  Result<control::Account> account(const AccountId&) override { return nothing(); }
  Result<std::vector<control::Account>> accounts() override { return nothing(); }
  Result<void> set_account_state(const AccountId&, control::AccountState, Timestamp) override {
    return nothing();
  }
  Result<void> set_account_name(const AccountId&, std::string_view) override { return nothing(); }
  Result<void> purge_account(const AccountId&) override { return nothing(); }
  Result<control::AccountPolicy> policy(const AccountId&) override { return nothing(); }
  Result<std::vector<control::AccountWithPolicy>> accounts_with_policies() override {
    return nothing();
  }
  Result<void> set_policy(const AccountId&, const control::AccountPolicy&, Timestamp) override {
    return nothing();
  }
  Result<control::CutOffs> cut_offs(std::string_view) override { return nothing(); }
  Result<bool> set_cut_offs(std::string_view, std::int64_t, std::string_view) override {
    return nothing();
  }
  Result<control::User> create_user(std::string_view, std::optional<AccountId>, control::Role,
                                    Timestamp) override {
    return nothing();
  }
  Result<control::User> user(const UserId&) override { return nothing(); }
  Result<control::User> user_by_email(std::string_view) override { return nothing(); }
  Result<std::vector<control::User>> users(std::optional<AccountId>) override { return nothing(); }
  Result<std::vector<control::Token>> set_user_state(const UserId&, control::UserState,
                                                     Timestamp) override {
    return nothing();
  }
  Result<std::vector<control::Token>> set_user_role(const UserId&, control::Role,
                                                    Timestamp) override {
    return nothing();
  }
  Result<control::Token> create_token(const control::NewToken&, std::string_view,
                                      Timestamp) override {
    return nothing();
  }
  Result<control::Token> token(const TokenId&) override { return nothing(); }
  Result<std::vector<control::Token>> tokens(std::optional<AccountId>,
                                             std::optional<UserId>) override {
    return nothing();
  }
  Result<std::vector<control::Token>> tokens_page(const control::TokenPage&) override {
    return nothing();
  }
  Result<std::vector<control::Token>> revoke_token(const TokenId&, Timestamp) override {
    return nothing();
  }
  Result<void> revoke_sessions(const AccountId&, Timestamp) override { return nothing(); }
  Result<control::TokenAnswer> authenticate(std::string_view, Timestamp) override {
    return nothing();
  }
  Result<std::vector<control::DayOfUsage>> usage(std::optional<AccountId>, Date, Date) override {
    return nothing();
  }
  Result<void> purge_usage(const AccountId&) override { return nothing(); }
  Result<std::vector<control::Person>> people(std::optional<AccountId>, Timestamp) override {
    return nothing();
  }
  Result<std::string> password(const UserId&) override { return nothing(); }
  Result<void> set_password(const UserId&, std::string_view) override { return nothing(); }
  Result<void> invite(const UserId&, std::string_view, Timestamp) override { return nothing(); }
  Result<control::Invitation> invitation(std::string_view, Timestamp) override { return nothing(); }
  Result<control::User> accept_invitation(std::string_view, std::string_view, Timestamp) override {
    return nothing();
  }
  Result<control::WebSession> create_session(const control::NewSession&, std::string_view,
                                             Timestamp) override {
    return nothing();
  }
  Result<control::SessionAnswer> session(std::string_view, Timestamp) override { return nothing(); }
  Result<void> touch_session(const TokenId&, Timestamp, std::string_view, Timestamp) override {
    return nothing();
  }
  Result<std::vector<control::WebSession>> sessions(const UserId&, Timestamp) override {
    return nothing();
  }
  Result<std::uint64_t> end_session(const UserId&, const TokenId&, Timestamp) override {
    return nothing();
  }
  Result<std::uint64_t> end_sessions(const UserId&, const std::optional<TokenId>&,
                                     Timestamp) override {
    return nothing();
  }
  Result<control::Token> replace_token(const TokenId&, const control::NewToken&, std::string_view,
                                       Timestamp, Timestamp) override {
    return nothing();
  }
  Result<control::OperatorAnswer> authenticate_operator(std::string_view, Timestamp) override {
    return nothing();
  }

 private:
  static std::unexpected<Error> nothing() {
    return fail(ErrorCode::internal, "the control store in memory knows nothing of this");
  }
};

class RecordingHooks final : public Hooks {
 public:
  std::vector<std::string> reasons;
  std::vector<std::string> corrupt;
  void refused(std::string_view reason, const http::Address&, Timestamp) override {
    reasons.emplace_back(reason);
  }
  void corrupt_object(std::string_view key) override { corrupt.emplace_back(key); }
};

// A key source whose keyring can be exchanged while serving.
class SwitchedKeys final : public KeySource {
 public:
  explicit SwitchedKeys(Keyring k) { set(std::move(k)); }
  void set(Keyring k) { keyring_ = std::make_shared<const Keyring>(std::move(k)); }
  std::shared_ptr<const Keyring> get() const override { return keyring_; }
  Result<void> reload() override { return {}; }

 private:
  std::shared_ptr<const Keyring> keyring_;
};

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Ask {
  std::string method = "GET";
  std::string path{};   // on the wire
  std::string query{};  // on the wire
  Headers headers{};    // Host is added if there is none
  std::string body{};
  bool body_complete = true;
  std::string client = "127.0.0.1";  // its address
};

struct Reply {
  int status = 0;
  Headers headers;
  std::string body;
  bool aborted = false;
  std::optional<std::uint64_t> declared_length;

  std::string header(std::string_view name) const;
  // The text of the first element of that name, entities as they stand; empty if there is none.
  std::string element(std::string_view name) const;
  std::vector<std::string> elements(std::string_view name) const;
  std::string code() const { return element("Code"); }
};

struct Tenant {
  AccountId account;
  control::TokenGrant grant;
  access::Credentials credentials;
  std::string prefix() const { return "v1/account_id=" + account.str() + "/"; }
  sigv4::SigningCredentials signing() const {
    return {credentials.access_key_id, credentials.secret_access_key, credentials.session_token};
  }
};

class World {
 public:
  static constexpr const char* kBucket = "optimizely-events-data";
  static Options defaults();
  explicit World(Options options = defaults());

  Tenant tenant(const std::string& account, milliseconds duration = std::chrono::hours(1),
                control::Narrowing narrowing = {});
  // Exactly these bytes, unsigned unless they are signed already.
  Reply send(const Ask& ask) { return send_to(service, ask); }
  // Starts it without draining the body: for a body that is pulled by hand.
  http::Response start(const Ask& ask) { return start(service, ask); }
  http::Response start(Service& to, const Ask& ask);
  Reply send_to(Service& to, const Ask& ask);
  // With the header form, or as a presigned URL.
  Reply get(const Tenant& tenant, const std::string& path, const std::string& query = "");
  Reply send_signed(const Tenant& tenant, Ask ask);
  Ask sign(const Tenant& tenant, Ask ask, const std::string& region = "us-east-1") const;
  Ask presign(const Tenant& tenant, Ask ask, seconds expires = seconds(300)) const;
  // A listing inside the bucket, path style.
  Reply list(const Tenant& tenant, const std::string& query) {
    return get(tenant, bucket(), query);
  }
  static std::string bucket() { return std::string("/") + kBucket; }
  std::string path_of(const std::string& key) const;

  ManualClock clock{from_epoch_ms(1'600'000'000'000)};
  SwitchedKeys keys{Keyring::make(from_epoch_ms(1'599'000'000'000))};
  MemoryControl control;
  control::ChangeFeed feed{control, clock, std::chrono::hours(1)};
  access::RevocationCheck revocation{feed};
  access::Usage usage{control};
  storage::MemoryStore store{{.snapshots = true, .lasting_readers = true}};
  RecordingHooks hooks;
  http::asio::thread_pool pool{1};
  Service service;
};

inline http::Method method_of(std::string_view name) {
  using enum http::Method;
  if (name == "GET") return get;
  if (name == "HEAD") return head;
  if (name == "PUT") return put;
  if (name == "POST") return post;
  if (name == "DELETE") return delete_;
  return name == "OPTIONS" ? options : other;
}

inline http::Request request_of(const Ask& ask, const std::string& target, Timestamp now) {
  http::Request request;
  request.method = method_of(ask.method);
  request.method_name = ask.method;
  request.target = target;
  request.path = ask.path;
  request.query = ask.query;
  for (const auto& [name, value] : ask.headers) request.headers.push_back({name, value});
  request.body = ask.body;
  request.body_complete = ask.body_complete;
  request.client = http::Address::parse(ask.client).value();
  request.now = now;
  request.id = "11111111-2222-4333-8444-555555555555";
  return request;
}

inline Headers split_headers(std::string_view lines) {
  Headers headers;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    lines.remove_prefix(line.size() + 2);
    const auto colon = line.find(": ");
    headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  return headers;
}

// As the server does: on the loop first, on a thread that may block where that is asked for.
inline void drain(http::BodySource& source, Reply& reply) {
  std::vector<char> buffer(256 * 1024);
  bool may_block = false;
  while (reply.body.size() < source.size()) {
    const auto pull = source.pull(buffer, may_block);
    may_block = pull.status == http::BodySource::Status::would_block;
    if (pull.status == http::BodySource::Status::ok) reply.body.append(buffer.data(), pull.bytes);
    if (pull.status != http::BodySource::Status::failed) continue;
    reply.aborted = true;
    return;
  }
}

inline void add_host(Ask& ask) {
  for (const auto& [name, value] : ask.headers)
    if (http::equal_ignoring_case(name, "host")) return;
  ask.headers.emplace_back("Host", "127.0.0.1:9000");
}

inline sigv4::ToSign to_sign(const Ask& ask, const std::string& region) {
  sigv4::ToSign request;
  request.method = ask.method;
  request.path = ask.path;
  request.query = ask.query;
  request.headers = ask.headers;
  request.region = region;
  return request;
}

inline std::string Reply::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (http::equal_ignoring_case(key, name)) return value;
  return {};
}

inline std::vector<std::string> Reply::elements(std::string_view name) const {
  std::vector<std::string> found;
  const std::string open = "<" + std::string(name) + ">";
  const std::string close = "</" + std::string(name) + ">";
  for (auto at = body.find(open); at != std::string::npos; at = body.find(open, at)) {
    at += open.size();
    found.push_back(body.substr(at, body.find(close, at) - at));
  }
  return found;
}

inline std::string Reply::element(std::string_view name) const {
  const auto all = elements(name);
  return all.empty() ? std::string() : all.front();
}

inline Options World::defaults() {
  return {.bucket = kBucket,
          .region = "us-east-1",
          .domain = "s3.example.com",
          .strict_region = false,
          .cors_origins = {"https://app.example.com"},
          .limits = {}};
}

inline World::World(Options options)
    : service(store, keys, revocation, usage, hooks, pool, std::move(options)) {
  feed.poll();
}

inline Tenant World::tenant(const std::string& account, milliseconds duration,
                            control::Narrowing narrowing) {
  const auto id = AccountId::parse(account);
  if (!id) throw std::logic_error("not an account id: " + account);
  const control::TokenGrant grant{.token = make_token_id(),
                                  .user = make_user_id(),
                                  .account = *id,
                                  .role = control::Role::member,
                                  .scopes = {.export_ = true, .tokens = false},
                                  .expires = std::nullopt,
                                  .narrowing = std::move(narrowing)};
  access::SealedIssuer issuer(keys);
  auto credentials = issuer.issue(grant, duration, clock.now());
  if (!credentials) throw std::logic_error(credentials.error().detail);
  return {*id, grant, std::move(*credentials)};
}

inline http::Response World::start(Service& to, const Ask& ask) {
  if (!control.broken) feed.poll();
  const std::string target = ask.query.empty() ? ask.path : ask.path + "?" + ask.query;
  const http::Request request = request_of(ask, target, clock.now());
  http::asio::io_context loop(1);
  std::optional<http::Response> response;
  std::exception_ptr thrown;
  http::asio::co_spawn(loop, to.handle(request), [&](std::exception_ptr e, http::Response r) {
    thrown = std::move(e);
    response = std::move(r);
  });
  loop.run();
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*response);
}

inline Reply World::send_to(Service& to, const Ask& ask) {
  http::Response response = start(to, ask);
  Reply reply{.status = response.status(),
              .headers = split_headers(response.head_lines()),
              .body = response.body_bytes(),
              .aborted = false,
              .declared_length = response.declared_length()};
  if (auto source = response.take_source()) drain(*source, reply);
  return reply;
}

inline Ask World::sign(const Tenant& tenant, Ask ask, const std::string& region) const {
  add_host(ask);
  for (auto& header : sigv4::sign_headers(to_sign(ask, region), tenant.signing(), clock.now()))
    ask.headers.push_back(std::move(header));
  return ask;
}

inline Ask World::presign(const Tenant& tenant, Ask ask, seconds expires) const {
  add_host(ask);
  ask.query =
      sigv4::presign_query(to_sign(ask, "us-east-1"), tenant.signing(), clock.now(), expires);
  return ask;
}

inline Reply World::send_signed(const Tenant& tenant, Ask ask) {
  return send(sign(tenant, std::move(ask)));
}

inline Reply World::get(const Tenant& tenant, const std::string& path, const std::string& query) {
  Ask ask;
  ask.path = path;
  ask.query = query;
  return send_signed(tenant, std::move(ask));
}

inline std::string World::path_of(const std::string& key) const {
  return bucket() + "/" + percent_encode(key, true);
}

}  // namespace valetkey::s3
