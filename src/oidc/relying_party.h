// SPDX-License-Identifier: Apache-2.0
// Signing in by an identity provider: the authorization code flow of OpenID Connect with PKCE, as the party that relies
// on it. Thread-safe; begin() and finish() may wait for the provider, for a bounded time.
// Source: OpenID Connect Core 1.0, section 3.1; OpenID Connect Discovery 1.0; RFC 7636.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "base/secret.h"
#include "http/fetch.h"
#include "oidc/id_token.h"

namespace valetkey::oidc {

struct Options {
  std::string issuer;  // https://, or http:// on loopback; exactly as the provider names itself
  std::string client_id;
  Secret client_secret;
  std::string redirect_uri;
};

// What the browser is sent away with. The caller keeps all but `url` until the browser comes back,
// bound to that browser, for ten minutes and one use.
struct Begun {
  std::string url;
  std::string state;
  std::string nonce;
  Secret verifier;
};

enum class Refusal : std::uint8_t {
  failed,      // the provider is away, misconfigured, or its token is not to be believed
  expired,     // the code was used, or is too old
  unverified,  // the provider does not vouch for the address
};

struct Refused {
  Refusal refusal;
  std::string detail;  // for operators; no secret
};

// `invalid` for an issuer that is neither https:// nor http:// on this machine.
Result<void> check_issuer(std::string_view issuer);

class RelyingParty {
 public:
  RelyingParty(Options options, http::Fetcher& network);
  std::expected<Begun, Refused> begin(Timestamp now);
  // `code` is what the browser brought back with the state of `begun`, which the caller has compared.
  std::expected<Person, Refused> finish(const std::string& code, const Begun& begun, Timestamp now);

 private:
  struct Endpoints {
    std::string authorization, token, keys;
    bool secret_in_body = false;  // the provider takes no Authorization header
  };
  std::expected<Endpoints, Refused> discover(Timestamp now);
  std::expected<std::string, Refused> exchange(const Endpoints& at, const std::string& code,
                                               const Secret& verifier);
  std::expected<std::string, Refused> keys(const Endpoints& at, bool afresh, Timestamp now);
  std::expected<http::ClientResponse, Refused> fetch(http::ClientRequest request,
                                                     const std::string& url);

  const Options options_;
  http::Fetcher& network_;
  std::mutex mutex_;  // of what follows; not held while the provider is asked
  std::optional<Endpoints> endpoints_;
  std::string keys_;
  Timestamp discovered_{}, keys_read_{};
};

}  // namespace valetkey::oidc
