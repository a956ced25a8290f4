// SPDX-License-Identifier: Apache-2.0
#include "oidc/id_token.h"

#include <cjose/cjose.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "base/encoding.h"

namespace valetkey::oidc {
namespace {

namespace json = boost::json;
constexpr std::size_t kMaxToken = 16 * 1024;
constexpr std::size_t kMaxKeys = 256 * 1024;
constexpr std::size_t kMostTried = 16;  // keys of one document
constexpr seconds kSkew{60};
constexpr std::size_t kLeastModulusBytes = 256;

template <class T, auto release>
struct Release {
  void operator()(T* object) const { release(object); }
};
using Jws = std::unique_ptr<cjose_jws_t, Release<cjose_jws_t, cjose_jws_release>>;
using Jwk = std::unique_ptr<cjose_jwk_t, Release<cjose_jwk_t, cjose_jwk_release>>;

std::unexpected<TokenFault> refuse(std::string_view why) {
  return std::unexpected(
      TokenFault{Fault::refused, "the identity provider's token " + std::string(why)});
}

std::optional<json::object> parse_object(std::string_view text) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 8;
  json::value whole = json::parse(text, error, {}, options);
  if (error || !whole.is_object()) return std::nullopt;
  return std::move(whole.get_object());
}

std::string_view text_of(const json::object& from, std::string_view name) {
  const json::value* found = from.if_contains(name);
  return found && found->is_string() ? std::string_view(found->get_string()) : std::string_view();
}

struct Header {
  std::string_view algorithm, key_type, key_id;
};

// The algorithm is fixed before anything is verified: what the header asks for is one of two.
std::expected<Header, TokenFault> header_of(const json::object& header) {
  const std::string_view algorithm = text_of(header, "alg");
  if (algorithm != "RS256" && algorithm != "ES256")
    return refuse("is signed with another algorithm than RS256 or ES256");
  if (header.contains("crit")) return refuse("has a critical header that is not known here");
  return Header{algorithm, algorithm == "RS256" ? "RSA" : "EC", text_of(header, "kid")};
}

// The public key alone, each number checked: libcjose 0.6.2 ends the process on text that is not base64url. Nothing for a
// key that is weak or not whole.
std::optional<std::string> public_key(const json::object& key, std::string_view type) {
  json::object plain{{"kty", type}};
  if (type == "EC") {
    if (text_of(key, "crv") != "P-256") return std::nullopt;
    plain["crv"] = "P-256";
  }
  for (const char* name : type == "EC" ? std::array{"x", "y"} : std::array{"n", "e"}) {
    const std::string_view number = text_of(key, name);
    const auto bytes = unbase64url(number);
    if (!bytes || bytes->empty()) return std::nullopt;
    if (*name == 'n' && bytes->size() < kLeastModulusBytes) return std::nullopt;
    plain[name] = number;
  }
  return json::serialize(plain);
}

// The keys that may have signed it, as texts of their own.
std::vector<std::string> candidates(const json::object& document, const Header& header) {
  std::vector<std::string> found;
  const json::value* keys = document.if_contains("keys");
  if (!keys || !keys->is_array()) return found;
  for (const json::value& each : keys->get_array()) {
    if (!each.is_object() || found.size() == kMostTried) continue;
    const json::object& key = each.get_object();
    const std::string_view use = text_of(key, "use"), algorithm = text_of(key, "alg");
    if (text_of(key, "kty") != header.key_type || (!use.empty() && use != "sig")) continue;
    if (!algorithm.empty() && algorithm != header.algorithm) continue;
    if (!header.key_id.empty() && text_of(key, "kid") != header.key_id) continue;
    if (auto plain = public_key(key, header.key_type)) found.push_back(*std::move(plain));
  }
  return found;
}

bool is_signed_by_one(std::string_view token, const std::vector<std::string>& keys) {
  return std::ranges::any_of(keys, [token](const std::string& text) {
    const Jws jws(cjose_jws_import(token.data(), token.size(), nullptr));
    const Jwk key(cjose_jwk_import(text.data(), text.size(), nullptr));
    return jws && key && cjose_jws_verify(jws.get(), key.get(), nullptr);
  });
}

bool is_for(const json::object& claims, std::string_view client_id) {
  const json::value* audience = claims.if_contains("aud");
  if (!audience) return false;
  const std::string_view party = text_of(claims, "azp");
  if (!party.empty() && party != client_id) return false;
  if (audience->is_string()) return audience->get_string() == client_id;
  if (!audience->is_array()) return false;
  const json::array& all = audience->get_array();
  const bool named = std::ranges::any_of(all, [client_id](const json::value& one) {
    return one.is_string() && one.get_string() == client_id;
  });
  return named && (all.size() == 1 || party == client_id);
}

// Seconds since 1970, which some providers write with a fraction.
std::optional<Timestamp> moment_of(const json::object& claims, std::string_view name) {
  const json::value* found = claims.if_contains(name);
  if (!found || !found->is_number()) return std::nullopt;
  boost::system::error_code error;
  const auto at = found->to_number<double>(error);
  if (error || at < 0 || at > 1e11) return std::nullopt;
  return Timestamp(seconds(static_cast<std::int64_t>(at)));
}

bool is_vouched_for(const json::object& claims) {
  const json::value* verified = claims.if_contains("email_verified");
  if (!verified) return false;
  if (verified->is_bool()) return verified->get_bool();
  return verified->is_string() && verified->get_string() == "true";
}

std::expected<Person, TokenFault> person_of(const json::object& claims, const Expected& expected) {
  if (text_of(claims, "iss") != expected.issuer) return refuse("names another issuer");
  if (!is_for(claims, expected.client_id)) return refuse("is for another client");
  if (expected.nonce.empty() || text_of(claims, "nonce") != expected.nonce)
    return refuse("does not answer this request: its nonce is another");
  const auto expires = moment_of(claims, "exp"), issued = moment_of(claims, "iat");
  if (!expires || *expires + kSkew <= expected.now) return refuse("has expired");
  if (!issued || *issued > expected.now + kSkew) return refuse("was issued in the future");
  const std::string_view email = text_of(claims, "email");
  if (email.empty())
    return refuse("names no e-mail address: allow the scope email for this client");
  if (!is_vouched_for(claims))
    return std::unexpected(TokenFault{
        Fault::unverified, "the identity provider does not vouch for the e-mail address"});
  return Person{std::string(email)};
}

}  // namespace

std::expected<Person, TokenFault> verify_id_token(std::string_view token, std::string_view keys,
                                                  const Expected& expected) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == token.npos ? first : token.find('.', first + 1);
  if (token.size() > kMaxToken || second == token.npos || token.find('.', second + 1) != token.npos)
    return refuse("is not a signed JWT");
  const auto head = unbase64url(token.substr(0, first));
  const auto body = unbase64url(token.substr(first + 1, second - first - 1));
  const auto signature = unbase64url(token.substr(second + 1));
  const auto header = head ? parse_object(*head) : std::nullopt;
  const auto claims = body ? parse_object(*body) : std::nullopt;
  if (!header || !claims || !signature || signature->empty()) return refuse("is not a signed JWT");
  const auto known = header_of(*header);
  if (!known) return std::unexpected(known.error());
  const auto document = keys.size() <= kMaxKeys ? parse_object(keys) : std::nullopt;
  if (!document) return refuse("cannot be checked: the provider's keys are no JWKS document");
  const auto tried = candidates(*document, *known);
  if (tried.empty())
    return std::unexpected(TokenFault{
        Fault::unknown_key, "the identity provider signed with a key that it does not publish"});
  if (!is_signed_by_one(token, tried)) return refuse("has a wrong signature");
  return person_of(*claims, expected);
}

}  // namespace valetkey::oidc
