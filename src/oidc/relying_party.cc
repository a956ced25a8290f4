// SPDX-License-Identifier: Apache-2.0
#include "oidc/relying_party.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/crypto.h"
#include "base/encoding.h"

namespace valetkey::oidc {
namespace {

namespace json = boost::json;
using std::chrono::hours;
using std::chrono::minutes;
constexpr auto kDiscoveryLives = hours(1);
constexpr auto kKeysRest = minutes(1);  // an unknown key makes us look again, at most so often

std::unexpected<Refused> failed(std::string detail) {
  return std::unexpected(Refused{Refusal::failed, std::move(detail)});
}

std::optional<json::object> parse_object(std::string_view text) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 16;
  json::value whole = json::parse(text, error, {}, options);
  if (error || !whole.is_object()) return std::nullopt;
  return std::move(whole.get_object());
}

std::string text_of(const json::object& from, std::string_view name) {
  const json::value* found = from.if_contains(name);
  return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::string form(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  std::string out;
  for (const auto& [name, value] : fields)
    out.append(out.empty() ? "" : "&").append(name).append("=").append(percent_encode(value));
  return out;
}

bool takes_body_only(const json::object& document) {
  const json::value* methods = document.if_contains("token_endpoint_auth_methods_supported");
  if (!methods || !methods->is_array()) return false;  // the default is the header
  const auto has = [methods](std::string_view name) {
    return std::ranges::any_of(methods->get_array(), [name](const json::value& one) {
      return one.is_string() && one.get_string() == name;
    });
  };
  return !has("client_secret_basic") && has("client_secret_post");
}

std::string fresh() { return base64url(random_bytes(32)); }

}  // namespace

Result<void> check_issuer(std::string_view issuer) {
  const auto url = http::Url::parse(issuer);
  if (!url) return std::unexpected(url.error());
  const auto address = http::Address::parse(url->host);
  const bool own = url->host == "localhost" || (address && address->is_loopback());
  if (url->scheme == "https" || own) return {};
  return fail(ErrorCode::invalid,
              fmt::format("{} must begin with https://, or be on this machine", issuer));
}

RelyingParty::RelyingParty(Options options, http::Fetcher& network)
    : options_(std::move(options)), network_(network) {}

std::expected<http::ClientResponse, Refused> RelyingParty::fetch(http::ClientRequest request,
                                                                 const std::string& url) {
  // An address that the provider names is as safe as its own, or it is not asked.
  if (const auto safe = check_issuer(url); !safe) return failed(safe.error().detail);
  request.url = *http::Url::parse(url);
  request.headers.emplace_back("Accept", "application/json");
  auto answer = network_.fetch(std::move(request));
  if (!answer) return failed("the identity provider cannot be asked: " + answer.error().detail);
  return *std::move(answer);
}

std::expected<RelyingParty::Endpoints, Refused> RelyingParty::discover(Timestamp now) {
  {
    const std::scoped_lock lock(mutex_);
    if (endpoints_ && now < discovered_ + kDiscoveryLives) return *endpoints_;
  }
  std::string base = options_.issuer;
  while (base.ends_with('/')) base.pop_back();
  const auto answer = fetch({}, base + "/.well-known/openid-configuration");
  if (!answer) return std::unexpected(answer.error());
  const auto document = answer->status == 200 ? parse_object(answer->body) : std::nullopt;
  if (!document)
    return failed(base +
                  "/.well-known/openid-configuration holds no document of an identity provider");
  if (const std::string named = text_of(*document, "issuer"); named != options_.issuer)
    return failed(
        fmt::format("the identity provider names itself {:?}; [oidc] issuer must be exactly that",
                    named.substr(0, 200)));
  Endpoints found{text_of(*document, "authorization_endpoint"),
                  text_of(*document, "token_endpoint"), text_of(*document, "jwks_uri"),
                  takes_body_only(*document)};
  if (const auto safe = check_issuer(found.authorization); !safe)
    return failed(safe.error().detail);
  const std::scoped_lock lock(mutex_);
  endpoints_ = found;
  discovered_ = now;
  return found;
}

std::expected<Begun, Refused> RelyingParty::begin(Timestamp now) {
  const auto at = discover(now);
  if (!at) return std::unexpected(at.error());
  Begun begun{{}, fresh(), fresh(), Secret(fresh())};
  const std::string challenge = base64url(as_text(sha256(begun.verifier.reveal())));
  begun.url = at->authorization + (at->authorization.contains('?') ? "&" : "?") +
              form({{"response_type", "code"},
                    {"client_id", options_.client_id},
                    {"redirect_uri", options_.redirect_uri},
                    {"scope", "openid email"},
                    {"state", begun.state},
                    {"nonce", begun.nonce},
                    {"code_challenge", challenge},
                    {"code_challenge_method", "S256"}});
  return begun;
}

std::expected<std::string, Refused> RelyingParty::exchange(const Endpoints& at,
                                                           const std::string& code,
                                                           const Secret& verifier) {
  http::ClientRequest request;
  request.method = "POST";
  request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  request.body = form({{"grant_type", "authorization_code"},
                       {"code", code},
                       {"redirect_uri", options_.redirect_uri},
                       {"code_verifier", verifier.reveal()}});
  const std::string_view secret = options_.client_secret.reveal();
  if (at.secret_in_body)
    request.body += "&" + form({{"client_id", options_.client_id}, {"client_secret", secret}});
  else
    request.headers.emplace_back(
        "Authorization",
        "Basic " + base64(percent_encode(options_.client_id) + ":" + percent_encode(secret)));
  const auto answer = fetch(std::move(request), at.token);
  if (!answer) return std::unexpected(answer.error());
  const auto document = parse_object(answer->body);
  if (answer->status != 200) {
    const std::string error = document ? text_of(*document, "error") : "";
    const std::string detail = fmt::format("the identity provider refused the code: {} {:?}",
                                           answer->status, error.substr(0, 100));
    return std::unexpected(
        Refused{error == "invalid_grant" ? Refusal::expired : Refusal::failed, detail});
  }
  std::string token = document ? text_of(*document, "id_token") : "";
  if (token.empty()) return failed("the identity provider gave no id_token for the code");
  return token;
}

std::expected<std::string, Refused> RelyingParty::keys(const Endpoints& at, bool afresh,
                                                       Timestamp now) {
  {
    const std::scoped_lock lock(mutex_);
    if (!keys_.empty() && (!afresh || now < keys_read_ + kKeysRest)) return keys_;
  }
  auto answer = fetch({}, at.keys);
  if (!answer) return std::unexpected(answer.error());
  if (answer->status != 200)
    return failed(fmt::format("the identity provider's keys cannot be read: {} answered {}",
                              at.keys, answer->status));
  const std::scoped_lock lock(mutex_);
  keys_ = answer->body;
  keys_read_ = now;
  return std::move(answer->body);
}

std::expected<Person, Refused> RelyingParty::finish(const std::string& code, const Begun& begun,
                                                    Timestamp now) {
  const auto at = discover(now);
  if (!at) return std::unexpected(at.error());
  const auto token = exchange(*at, code, begun.verifier);
  if (!token) return std::unexpected(token.error());
  const Expected expected{options_.issuer, options_.client_id, begun.nonce, now};
  const auto check = [&](bool afresh) -> std::expected<std::expected<Person, TokenFault>, Refused> {
    const auto published = keys(*at, afresh, now);
    if (!published) return std::unexpected(published.error());
    return verify_id_token(*token, *published, expected);
  };
  auto person = check(false);
  if (person && !*person && person->error().fault == Fault::unknown_key) person = check(true);
  if (!person) return std::unexpected(person.error());
  if (*person) return **std::move(person);
  const bool unverified = person->error().fault == Fault::unverified;
  return std::unexpected(
      Refused{unverified ? Refusal::unverified : Refusal::failed, person->error().detail});
}

}  // namespace valetkey::oidc
