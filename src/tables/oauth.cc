// SPDX-License-Identifier: Apache-2.0
#include "tables/internal/oauth.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "base/text.h"

namespace valetkey::tables {
namespace {

namespace json = boost::json;

constexpr std::string_view kExchange = "urn:ietf:params:oauth:grant-type:token-exchange";
constexpr std::string_view kAccessToken = "urn:ietf:params:oauth:token-type:access_token";

struct Form {
  std::string grant_type, client_secret, subject_token;
};

Answer<Form> read_form(std::string_view body) {
  const auto parameters = http::parse_query(body);
  if (!parameters)
    return refuse(400, "invalid_request", "The body is no form: it has a broken percent-encoding.");
  Form form;
  const auto take = [&](std::string& to, const http::QueryParameter& from) {
    if (!to.empty()) return false;
    to = from.value;
    return true;
  };
  for (const http::QueryParameter& each : *parameters) {
    bool once = true;
    if (each.name == "grant_type") once = take(form.grant_type, each);
    if (each.name == "client_secret") once = take(form.client_secret, each);
    if (each.name == "subject_token") once = take(form.subject_token, each);
    if (!once) return refuse(400, "invalid_request", "The form has " + each.name + " twice.");
  }
  return form;
}

// The password of Basic authorization; empty: there is none.
std::string basic_secret(const http::Request& request) {
  const std::string_view value = request.header("authorization").value_or("");
  if (value.size() < 6 || !equal_ignoring_case(value.substr(0, 6), "basic ")) return {};
  const auto decoded = unbase64(value.substr(6));
  const auto colon = decoded ? decoded->find(':') : std::string::npos;
  return colon == std::string::npos ? std::string() : decoded->substr(colon + 1);
}

std::string_view error_of(int status) {
  if (status == 401) return "invalid_client";
  if (status == 403) return "invalid_scope";
  return status < 429 ? "invalid_request" : "temporarily_unavailable";
}

}  // namespace

Answer<TokenWish> read_token_wish(const http::Request& request) {
  auto form = read_form(request.body);
  if (!form) return std::unexpected(form.error());
  if (form->grant_type != "client_credentials" && form->grant_type != kExchange)
    return refuse(400, "unsupported_grant_type",
                  "grant_type must be client_credentials, with the personal access token as "
                  "client_secret.");
  std::string secret = std::move(form->client_secret);
  if (secret.empty()) secret = basic_secret(request);
  if (!secret.empty()) return TokenWish{Secret(std::move(secret)), false};
  if (form->grant_type == kExchange && !form->subject_token.empty())
    return TokenWish{Secret(std::move(form->subject_token)), true};
  return refuse(401, "invalid_client",
                "Send the personal access token as client_secret; client_id may be anything.");
}

http::Response token_answer(const Secret& access_token, seconds lives) {
  return api::json_response(200,
                            json::serialize(json::object{{"access_token", access_token.reveal()},
                                                         {"token_type", "bearer"},
                                                         {"expires_in", lives.count()},
                                                         {"issued_token_type", kAccessToken}}));
}

http::Response token_refusal(const Refusal& refusal) {
  http::Response response = api::json_response(
      refusal.status, json::serialize(json::object{
                          {"error", refusal.type.empty() ? error_of(refusal.status) : refusal.type},
                          {"error_description", refusal.message}}));
  if (refusal.status == 401) response.set("WWW-Authenticate", "Basic realm=\"valetkey\"");
  return response;
}

}  // namespace valetkey::tables
