// SPDX-License-Identifier: Apache-2.0
#include "s3/authenticate.h"

#include "s3/xml.h"

namespace valetkey::s3 {
namespace {

std::unexpected<Failure> refuse_as(Code code, std::string_view reason, std::string message = {},
                                   std::string details = {}) {
  return std::unexpected(Failure{code, std::move(message), std::move(details), reason});
}

void name_owner(http::Note& note, const access::Claims& claims) {
  note.account = claims.account.str();
  note.token = claims.token.str();
}

}  // namespace

Authenticator::Authenticator(const KeySource& keys, const access::RevocationCheck& revocation,
                             limits::AccountTable& accounts, RegionRule rule)
    : keys_(keys), revocation_(revocation), accounts_(accounts), rule_(std::move(rule)) {}

Answer<SessionPtr> Authenticator::authenticate(const http::Request& request,
                                               http::Note& note) const {
  auto claim = sigv4::read_claim(request, request.now);
  if (!claim) return std::unexpected(failure_of(claim.error()));
  VALETKEY_CHECK(check_region(*claim));
  if (!claim->session_token) return refuse_as(Code::invalid_access_key_id, "no_session_token");
  VALETKEY_TRY(SessionPtr session, session_of(*claim, request.now, note));
  if (auto verified = sigv4::verify(request, *claim, session->signing_key); !verified)
    return std::unexpected(failure_of(verified.error()));
  if (!revocation_.fresh()) return refuse(Code::service_unavailable);
  if (revocation_.revoked(session->scope.claims()))
    return refuse_as(Code::access_denied, "revoked",
                     "The credentials that signed this request have been revoked.");
  VALETKEY_CHECK(check_payload(request, claim->payload_hash));
  return session;
}

Answer<void> Authenticator::check_region(const sigv4::Claim& claim) const {
  if (!rule_.strict || claim.scope.region == rule_.region) return {};
  std::string details;
  append_element(details, "Region", rule_.region);
  return refuse_as(claim.presigned ? Code::authorization_query_parameters_error
                                   : Code::authorization_header_malformed,
                   "wrong_region",
                   "The region in the credential scope is wrong; expecting '" + rule_.region + "'",
                   std::move(details));
}

Answer<SessionPtr> Authenticator::session_of(const sigv4::Claim& claim, Timestamp now,
                                             http::Note& note) const {
  const auto keyring = keys_.get();
  SessionPtr session = caches_.get(keyring).find(claim, now);
  if (!session) return open(keyring, claim, now, note);
  name_owner(note, session->scope.claims());
  if (session->scope.claims().expires <= now)
    return std::unexpected(failure_of(access::SessionRefusal::expired));
  return session;
}

Answer<SessionPtr> Authenticator::open(const std::shared_ptr<const Keyring>& keyring,
                                       const sigv4::Claim& claim, Timestamp now,
                                       http::Note& note) const {
  auto scope = access::open_session(*keyring, *claim.session_token, claim.access_key_id, now);
  if (!scope && scope.error().claims) name_owner(note, *scope.error().claims);
  if (!scope) return std::unexpected(failure_of(scope.error().why));
  name_owner(note, scope->claims());
  Secret key = sigv4::signing_key(scope->secret_access_key(), claim.scope);
  auto use = accounts_.find(scope->account());
  auto session = std::make_shared<const Session>(
      Session{std::move(*scope), std::move(key), std::move(use), now});
  caches_.get(keyring).remember(claim, session);
  return session;
}

// A streamed body's hash is over its chunks; nothing here accepts one.
Answer<void> check_payload(const http::Request& request, std::string_view payload_hash) {
  if (!request.body_complete || payload_hash.starts_with("STREAMING-")) return {};
  if (sigv4::payload_matches(request.body, payload_hash)) return {};
  return refuse_as(Code::x_amz_content_sha256_mismatch, "payload_mismatch");
}

}  // namespace valetkey::s3
