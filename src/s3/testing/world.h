// SPDX-License-Identifier: Apache-2.0
// A whole S3 service for the tests and fuzz targets of this module: objects in memory, a real SQLite control store,
// sessions from the real issuer, requests signed by the real signer, answers with their bodies drained.
#pragma once

#include <boost/asio/co_spawn.hpp>
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
#include "base/testing/memory_keys.h"
#include "base/testing/temporary_folder.h"
#include "base/text.h"
#include "control/sqlite_store.h"
#include "control/testing/faulty_control_store.h"
#include "control/tokens.h"
#include "s3/service.h"
#include "sigv4/sign.h"
#include "storage/testing/memory_store.h"

namespace valetkey::s3 {

class RecordingHooks final : public Hooks {
 public:
  std::vector<std::string> reasons;
  std::vector<std::string> corrupt;
  void refused(std::string_view reason, const http::Address&, Timestamp) override {
    reasons.emplace_back(reason);
  }
  void corrupt_object(std::string_view key) override { corrupt.emplace_back(key); }
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

  // A new member of the account, which is made if it is not there, with a token and a session of it.
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
  MemoryKeys keys{Keyring::make(from_epoch_ms(1'599'000'000'000))};
  TemporaryFolder folder;
  std::unique_ptr<control::ControlStore> sqlite =
      control::open_sqlite_store(folder.path() / "control.db").value();
  control::FaultyControlStore control{*sqlite};
  control::ChangeFeed feed{control, clock, std::chrono::hours(1)};
  access::RevocationCheck revocation{feed};
  access::Usage usage{control};
  storage::MemoryStore store{storage::kAbleAsTheDisk};
  RecordingHooks hooks;
  http::asio::thread_pool pool{1};
  Service service;

 private:
  int users_ = 0;
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
    if (equal_ignoring_case(name, "host")) return;
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
    if (equal_ignoring_case(key, name)) return value;
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
  const AccountId id = AccountId::parse(account).value();
  if (!sqlite->account(id)) sqlite->create_account(id, "", clock.now()).value();
  const auto user = sqlite->create_user("user" + std::to_string(++users_) + "@example.com", id,
                                        control::Role::member, clock.now());
  const Secret token = control::make_token();
  const Digest256 digest = control::token_digest(token.reveal());
  sqlite
      ->create_token({.account = id,
                      .user = user.value().id,
                      .name = "made",
                      .scopes = {.export_ = true},
                      .expires = std::nullopt,
                      .parent = std::nullopt,
                      .limits = {},
                      .narrowing = std::move(narrowing)},
                     as_text(digest), clock.now())
      .value();
  const auto grant = sqlite->authenticate(as_text(digest), clock.now()).value().value();
  access::SealedIssuer issuer(keys);
  return {id, grant, issuer.issue(grant, duration, clock.now()).value()};
}

inline http::Response World::start(Service& to, const Ask& ask) {
  feed.poll();
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
  if (auto* const source = response.source()) drain(*source, reply);
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
