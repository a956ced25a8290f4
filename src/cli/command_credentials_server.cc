// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdlib>
#include <set>

#include "base/crypto.h"
#include "base/json_text.h"
#include "cli/child.h"
#include "cli/commands.h"
#include "cli/credentials_endpoint.h"
#include "cli/printable.h"
#include "cli/token_end.h"

namespace valetkey::cli {
namespace {

constexpr milliseconds kLeastLeft = std::chrono::minutes(16);  // SDKs refresh at 15
constexpr std::size_t kTokenLength = 43;                       // 256 bits

class SilentObserver final : public http::Observer {
 public:
  void connections(std::string_view, int) override {}
  void finished(const http::Finished&) override {}
};

// An SDK waits 2 s and asks again: better a refusal soon than a late answer.
http::ClientOptions impatient(http::ClientOptions options) {
  options.connect_timeout = seconds(5);
  options.io_timeout = seconds(10);
  return options;
}

client::SessionOptions handed_on(client::SessionOptions options) {
  options.least_left = kLeastLeft;
  return options;
}

// Everything that answers, on a thread of its own.
class CredentialsServer {
 public:
  CredentialsServer(const client::Profile& profile, milliseconds wait)
      : http_(runtime_.loop(0), impatient(http_options(profile))),
        session_(runtime_.loop(0), http_, clock_,
                 handed_on(session_options(profile, std::min<milliseconds>(wait, seconds(10))))),
        token_(random_base62(kTokenLength)),
        endpoint_(session_, token_) {}

  Result<void> open(const std::string& listen);
  // Credentials, so that what is wrong is said at the start; `busy` where a signal came first.
  Result<client::GrantPtr> first(const HeldSignals& signals, milliseconds wait, Streams streams);
  const std::string& url() const { return url_; }
  const Secret& token() const { return token_; }

 private:
  const SystemClock clock_;
  SilentObserver observer_;
  http::Runtime runtime_{1, 1};
  http::Client http_;
  client::Session session_;
  const Secret token_;
  CredentialsEndpoint endpoint_;
  std::string url_;
  std::unique_ptr<http::Listener> listener_;
};

Result<void> CredentialsServer::open(const std::string& listen) {
  http::ListenerOptions options{
      .name = "credentials", .address = listen, .limits = {}, .trusted_proxies = {}};
  VALETKEY_TRY(listener_,
               http::Listener::open(runtime_, options, endpoint_, observer_, clock_, nullptr));
  const std::string authority =
      listen.substr(0, listen.rfind(':') + 1) + std::to_string(listener_->port());
  endpoint_.set_authority(authority);
  url_ = "http://" + authority + std::string(CredentialsEndpoint::kPath);
  runtime_.start();
  return {};
}

Result<client::GrantPtr> CredentialsServer::first(const HeldSignals& signals, milliseconds wait,
                                                  Streams streams) {
  const auto give_up = std::chrono::steady_clock::now() + wait;
  for (bool said = false;; said = true) {
    auto grant = asio::co_spawn(runtime_.loop(0), session_.get(), asio::use_future);
    while (grant.wait_for(milliseconds(20)) != std::future_status::ready)
      if (signals.ended()) return fail(ErrorCode::busy, "interrupted");
    auto got = grant.get();
    const bool again = !got && got.error().code == ErrorCode::unavailable &&
                       std::chrono::steady_clock::now() < give_up;
    if (!again) return got;
    if (!said)
      streams.err << "valetkey: waiting up to " << format_duration(wait) << ": "
                  << printable(got.error().detail) << std::endl;
  }
}

// `trusted`: as of trusted_by_tools().
std::vector<std::pair<std::string, std::string>> variables(const CredentialsServer& server,
                                                           const std::string& trusted) {
  std::vector<std::pair<std::string, std::string>> all{
      {"AWS_CONTAINER_CREDENTIALS_FULL_URI", server.url()},
      {"AWS_CONTAINER_AUTHORIZATION_TOKEN", std::string(server.token().reveal())}};
  if (!trusted.empty()) all.emplace_back("AWS_CA_BUNDLE", trusted);
  return all;
}

void print(const CredentialsServer& server, const client::Grant& grant, const std::string& trusted,
           bool json, std::ostream& out) {
  std::string separator = "{";
  for (const auto& [name, value] : variables(server, trusted)) {
    if (json)
      out << separator << quote_json(name) << ':' << quote_json(value);
    else
      out << "export " << name << '=' << quote_shell(value) << '\n';
    separator = ",";
  }
  if (json)
    out << R"(,"endpoint":)" << quote_json(grant.endpoint) << R"(,"region":)"
        << quote_json(grant.region) << "}\n";
  out.flush();
}

// This process's environment, without what an SDK would look at before the container's.
std::vector<std::string> environment_for(const CredentialsServer& server,
                                         const client::Grant& grant, const std::string& trusted) {
  auto added = variables(server, trusted);
  added.emplace_back("AWS_ENDPOINT_URL_S3", grant.endpoint);
  added.emplace_back("AWS_REGION", grant.region);
  added.emplace_back("AWS_DEFAULT_REGION", grant.region);  // the older name, which boto3 reads
  added.emplace_back("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
  std::set<std::string, std::less<>> dropped{"AWS_ACCESS_KEY_ID",
                                             "AWS_SECRET_ACCESS_KEY",
                                             "AWS_SESSION_TOKEN",
                                             "AWS_SECURITY_TOKEN",
                                             "AWS_PROFILE",
                                             "AWS_DEFAULT_PROFILE",
                                             "AWS_ROLE_ARN",
                                             "AWS_CREDENTIAL_FILE",
                                             "AWS_WEB_IDENTITY_TOKEN_FILE",
                                             "AWS_SESSION_EXPIRATION",
                                             "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                             "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"};
  std::vector<std::string> all;
  for (const auto& [name, value] : added) {
    dropped.insert(name);
    all.push_back(fmt::format("{}={}", name, value));
  }
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view entry = *at;
    if (!dropped.contains(entry.substr(0, entry.find('=')))) all.emplace_back(entry);
  }
  return all;
}

Result<int> serve(CredentialsServer& server, const client::Profile& profile,
                  const ServerFlags& flags, const client::Environment& env,
                  const HeldSignals& signals, Streams streams) {
  VALETKEY_TRY(const auto grant, server.first(signals, flags.wait, streams));
  VALETKEY_CHECK(check_place(*grant, flags.bucket, flags.account));
  const std::string remark = token_end_remark(*grant, SystemClock().now());
  if (!remark.empty()) streams.err << "valetkey: " << remark << std::endl;
  // A bundle of the user's own, which may hold more, stays.
  const char* own = env("AWS_CA_BUNDLE");
  const std::string trusted = own && *own ? "" : trusted_by_tools(profile, *grant, env);
  if (!flags.command.empty())
    return run_command(flags.command, environment_for(server, *grant, trusted), signals);
  print(server, *grant, trusted, flags.json, streams.out);
  if (streams.out) signals.wait_for_end();
  return 0;
}

}  // namespace

Result<void> run_credentials_server(const client::Profile& profile, const ServerFlags& flags,
                                    const client::Environment& env, Streams streams) {
  VALETKEY_CHECK(check_loopback(flags.listen));
  VALETKEY_CHECK(check_profile(profile));
  const HeldSignals signals;
  CredentialsServer server(profile, flags.wait);
  VALETKEY_CHECK(server.open(flags.listen));
  const auto status = serve(server, profile, flags, env, signals, streams);
  if (!status) streams.err << "valetkey: " << status.error().detail << '\n';
  streams.out.flush();
  streams.err.flush();
  // An exchange that still runs is nobody's any more, and nothing here outlives the process.
  std::_Exit(status && streams.out ? *status : 1);
}

}  // namespace valetkey::cli
