// SPDX-License-Identifier: Apache-2.0
#include "cli/credentials_endpoint.h"

#include <fmt/format.h>

#include "base/json_text.h"
#include "base/secret.h"
#include "base/text.h"
#include "cli/context.h"

namespace valetkey::cli {
namespace {

http::Response problem(int status, std::string_view code, std::string_view message) {
  return http::Response(status)
      .set("Cache-Control", "no-store")
      .body(fmt::format(R"({{"code":{},"message":{}}})", quote_json(code), quote_json(message)),
            "application/json");
}

http::Response document(const client::Grant& grant) {
  const auto& keys = grant.keys;
  return http::Response()
      .set("Cache-Control", "no-store")
      .body(fmt::format(R"({{"AccessKeyId":{},"SecretAccessKey":{},"Token":{},"Expiration":"{}"}})",
                        quote_json(keys.access_key_id), quote_json(keys.secret_access_key.reveal()),
                        quote_json(keys.session_token->reveal()), format_iso8601(grant.expires)),
            "application/json");
}

http::Response failure(const Error& error) {
  if (error.code == ErrorCode::denied)
    return problem(502, "denied", "The API refuses the token: run `valetkey doctor`.");
  return problem(503, "unavailable", "The API gives no credentials now: run `valetkey doctor`.");
}

}  // namespace

Result<void> check_loopback(std::string_view listen) {
  const auto colon = listen.rfind(':');
  std::string_view host = listen.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto address = http::Address::parse(host);
  if (colon == std::string_view::npos || !address)
    return fail(ErrorCode::invalid, "--listen takes an address and a port, such as 127.0.0.1:0");
  if (!address->is_loopback())
    return fail(ErrorCode::invalid,
                "--listen takes a loopback address only: credentials stay on this machine");
  return {};
}

void CredentialsEndpoint::set_authority(std::string authority) {
  localhost_ = "localhost" + authority.substr(authority.rfind(':'));
  authority_ = std::move(authority);
}

bool CredentialsEndpoint::is_own_name(const http::Request& request) const {
  const auto host = request.header("host");
  return host && (equal_ignoring_case(*host, authority_) || equal_ignoring_case(*host, localhost_));
}

bool CredentialsEndpoint::may_read(const http::Request& request) const {
  return request.count("authorization") == 1 &&
         equal_in_constant_time(*request.header("authorization"), authorization_.reveal());
}

http::Response CredentialsEndpoint::refuse(int status, const http::Request&) const {
  return problem(status, "refused", http::reason_phrase(status));
}

http::Task<http::Response> CredentialsEndpoint::handle(const http::Request& request) {
  if (!is_own_name(request))
    co_return problem(403, "forbidden", "Host is not this machine's own address.");
  if (!may_read(request))
    co_return problem(401, "unauthenticated",
                      "Authorization is not AWS_CONTAINER_AUTHORIZATION_TOKEN.");
  if (request.path != kPath) co_return problem(404, "not_found", "There is nothing here.");
  if (request.method != http::Method::get)
    co_return problem(405, "method_not_allowed", "Only GET.").set("Allow", "GET");
  const auto grant = co_await session_.get();
  if (!grant) co_return failure(grant.error());
  co_return document(**grant);
}

}  // namespace valetkey::cli
