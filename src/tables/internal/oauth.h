// SPDX-License-Identifier: Apache-2.0
// OAuth2's client_credentials and token-exchange, as engines ask for an access token: what they send, and what they
// are told. Pure. Source: https://www.rfc-editor.org/rfc/rfc6749#section-4.4, https://www.rfc-editor.org/rfc/rfc8693
#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"
#include "base/timestamp.h"
#include "http/message.h"
#include "tables/call.h"

namespace valetkey::tables {

struct TokenWish {
  Secret token;         // a personal access token
  bool renews = false;  // or an engine token, to be had anew
};
// From the form, or Basic authorization, whose user name may be anything. 400 or 401, with OAuth2's word.
Answer<TokenWish> read_token_wish(const http::Request& request);

http::Response token_answer(const Secret& access_token, seconds lives);
http::Response token_refusal(const Refusal& refusal);

}  // namespace valetkey::tables
