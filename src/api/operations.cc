// SPDX-License-Identifier: Apache-2.0
#include "api/operations.h"

#include <algorithm>

#include "api/landing.h"
#include "api/routes.h"
#include "api/strict_json.h"
#include "base/json_text.h"
#include "layout/part_key.h"

namespace valetkey::api {
namespace {

using control::TokenGrant;
using AtOnceAnswer = std::optional<Answer<http::Response>>;

Exchange::Ask ask_of(const http::Request& request, const TokenGrant& who, CredentialsForm form) {
  return {who, request.query, request.now, request.client, request.id, form};
}

Exchange::Ask ask_of(const Call& call, CredentialsForm form) {
  const Caller& caller = call.caller;
  return {caller.grant, call.query, caller.now, call.address, caller.request_id, form};
}

Answer<http::Response> as_json(Answer<std::string> document) {
  VALETKEY_TRY(std::string json, std::move(document));
  return json_response(200, std::move(json));
}

}  // namespace

Operations::Operations(Parts parts, const Options& options)
    : options_(options),
      takes_events_(parts.takes_events),
      exchange_(options, parts.tokens.issuer, parts.tokens.audit, parts.usage),
      tokens_(parts.tokens, options),
      usage_(parts.tokens.store, std::move(parts.stored)) {}

AtOnceAnswer Operations::credentials_at_once(const http::Request& request, const TokenGrant* who) {
  return exchange_.answer_at_once(ask_of(request, *who, CredentialsForm::document));
}

AtOnceAnswer Operations::container_at_once(const http::Request& request, const TokenGrant* who) {
  return exchange_.answer_at_once(ask_of(request, *who, CredentialsForm::container));
}

Answer<http::Response> Operations::credentials(const Call& call) {
  return exchange_.answer(ask_of(call, CredentialsForm::document));
}

Answer<http::Response> Operations::container(const Call& call) {
  return exchange_.answer(ask_of(call, CredentialsForm::container));
}

AtOnceAnswer Operations::gcp(const http::Request&, const TokenGrant*) {
  return problem(ProblemCode::not_implemented,
                 "The export is not in Google Cloud Storage; use /v2/export/credentials.");
}

AtOnceAnswer Operations::no_events(const http::Request&, const TokenGrant*) {
  return std::unexpected(no_such_resource());
}

AtOnceAnswer Operations::check_json(const http::Request& request, const TokenGrant*) {
  if (is_json(request)) return std::nullopt;
  return std::unexpected(not_json());
}

AtOnceAnswer Operations::account(const http::Request&, const TokenGrant* who) {
  std::string json = "{\"account_id\":";
  append_json(json, who->account.str());
  append_json(json += ",\"bucket\":", options_.bucket);
  append_json(json += ",\"prefix\":", layout::account_prefix(who->account));
  if (!options_.public_endpoint.empty())
    append_json(json += ",\"endpoint\":", options_.public_endpoint);
  append_json(json += ",\"region\":", options_.region);
  return json_response(200, std::move(json += '}'));
}

Answer<http::Response> Operations::account_usage(const Call& call) {
  return as_json(usage_.read(call.caller, call.query));
}

Answer<http::Response> Operations::list_tokens(const Call& call) {
  return as_json(tokens_.list(call.caller, call.query));
}

Answer<http::Response> Operations::show_token(const Call& call) {
  return as_json(tokens_.show(call.caller, call.id));
}

Answer<http::Response> Operations::create_token(const Call& call) {
  VALETKEY_TRY(const Secret made, tokens_.create(call.caller, call.body));
  return json_response(201, std::string(made.reveal()));
}

Answer<http::Response> Operations::revoke_token(const Call& call) {
  VALETKEY_TRY(std::string ended, tokens_.revoke(call.caller, call.id, call.query));
  // A caller who asked for a cut-off needs to see what came of it.
  if (!call.wants_representation && !read_cut_off(call.query).value_or(false)) return no_content();
  http::Response response = json_response(200, std::move(ended));
  if (call.wants_representation) response.set("Preference-Applied", "return=representation");
  return response;
}

AtOnceAnswer Operations::openapi(const http::Request&, const TokenGrant*) {
  return json_response(200, std::string(openapi_document()));
}

AtOnceAnswer Operations::landing(const http::Request& request, const TokenGrant*) {
  LandingAddresses addresses{.api = url_of(request),
                             .s3 = options_.public_endpoint,
                             .events = options_.intake_url,
                             .bucket = options_.bucket,
                             .region = options_.region,
                             .console = options_.console};
  while (addresses.api.ends_with('/')) addresses.api.pop_back();
  if (takes_events_) addresses.events = addresses.api + std::string(kEventsPath);
  http::Response response;
  response.set("Content-Security-Policy", "sandbox; default-src 'none'");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Cache-Control", "no-store");  // it names the address that was asked for
  response.body(landing_page(addresses), "text/html; charset=utf-8");
  return response;
}

// The address under which this client reaches the API.
std::string Operations::url_of(const http::Request& request) const {
  if (!options_.api_public_url.empty()) return options_.api_public_url;
  const auto host = request.header("host").value_or("");
  const auto is_host_character = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(".-_:[]").contains(c);
  };
  if (host.empty() || !std::ranges::all_of(host, is_host_character))
    return options_.api_listener_url;
  return (request.tls ? "https://" : "http://") + std::string(host);
}

}  // namespace valetkey::api
