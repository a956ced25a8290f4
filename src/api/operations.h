// SPDX-License-Identifier: Apache-2.0
// What each endpoint does once its caller is known; routes.h has the table of them. What answers at
// once runs on the loop and must not block; the rest may, and gets values alone. Thread-safe.
#pragma once

#include <optional>
#include <string>

#include "access/credentials.h"
#include "access/usage.h"
#include "api/account_usage.h"
#include "api/exchange.h"
#include "api/options.h"
#include "api/problem.h"
#include "api/tokens.h"
#include "http/message.h"

namespace valetkey::api {

// A request of which the work needs no more than this.
struct Call {
  Caller caller;
  http::Address address;  // the client's
  std::string id;         // of the path; empty: it has none
  std::string query;
  std::string body;
  bool wants_representation = false;  // RFC 7240
};

class Operations {
 public:
  struct Parts {
    Tokens::Parts tokens;
    access::Usage& usage;
    ReadStored stored;
    bool takes_events = false;
  };
  // `options` must outlive it.
  Operations(Parts parts, const Options& options);

  // `who` is null where the route asks for no token. Nothing: the work has the answer.
  using AtOnce = std::optional<Answer<http::Response>> (Operations::*)(
      const http::Request& request, const control::TokenGrant* who);
  using Work = Answer<http::Response> (Operations::*)(const Call& call);

  std::optional<Answer<http::Response>> landing(const http::Request&, const control::TokenGrant*);
  std::optional<Answer<http::Response>> openapi(const http::Request&, const control::TokenGrant*);
  std::optional<Answer<http::Response>> account(const http::Request&, const control::TokenGrant*);
  std::optional<Answer<http::Response>> gcp(const http::Request&, const control::TokenGrant*);
  std::optional<Answer<http::Response>> no_events(const http::Request&, const control::TokenGrant*);
  std::optional<Answer<http::Response>> check_json(const http::Request&,
                                                   const control::TokenGrant*);
  std::optional<Answer<http::Response>> credentials_at_once(const http::Request&,
                                                            const control::TokenGrant*);
  std::optional<Answer<http::Response>> container_at_once(const http::Request&,
                                                          const control::TokenGrant*);

  Answer<http::Response> credentials(const Call& call);
  Answer<http::Response> container(const Call& call);
  Answer<http::Response> account_usage(const Call& call);
  Answer<http::Response> list_tokens(const Call& call);
  Answer<http::Response> show_token(const Call& call);
  Answer<http::Response> create_token(const Call& call);
  Answer<http::Response> revoke_token(const Call& call);

 private:
  std::string url_of(const http::Request& request) const;

  const Options& options_;
  bool takes_events_;
  Exchange exchange_;
  Tokens tokens_;
  AccountUsage usage_;
};

}  // namespace valetkey::api
