// SPDX-License-Identifier: Apache-2.0
// What a token buys: the answer of the exchange. Pure.
// Source: the published Credentials API; `endpoint`, `region` and `prefixes` are Valetkey's own
// additions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/timestamp.h"
#include "http/client.h"
#include "sigv4/sign.h"

namespace valetkey::client {

inline constexpr std::size_t kMaxExchangeBytes = 64 * 1024;

struct Grant {
  sigv4::SigningCredentials keys;
  Timestamp fetched;
  Timestamp expires;
  std::optional<Timestamp> token_expires;  // none: it does not, or the service does not say
  std::string bucket;
  std::string prefix;    // ends in '/': every key begins with it
  std::string endpoint;  // scheme://host[:port]; the bucket goes into the path
  std::string region;
  // Of a limited token: what of the prefix the credentials open, below it; empty: all of it.
  std::vector<std::string> limits{};
  std::string s3_path() const { return "s3://" + bucket + "/" + prefix; }
  // What of the names that begin so they open: "all of these" is `name` itself, else the limits
  // below it; empty: nothing.
  std::vector<std::string> opened_of(const std::string& name) const;
};

// Reads a 200 body. An answer without endpoint or region is taken to be of a service on AWS.
// `corrupt`, in one sentence without a byte of the answer, for anything else than an exchange.
Result<Grant> parse_exchange(std::string_view body, Timestamp now);

// `message` of an error body, printable and bounded; empty where there is none.
std::string message_of_problem(std::string_view body);

// Tokens and session tokens go over TLS, or stay on this machine: `denied` otherwise, unless
// `allow_http`.
Result<void> check_private(const http::Url& url, bool allow_http);

}  // namespace valetkey::client
