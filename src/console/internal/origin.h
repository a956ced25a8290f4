// SPDX-License-Identifier: Apache-2.0
// Whether a request that changes something comes from the console's own page, and not from another
// site that knows the person's browser has a cookie. Pure.
// Source: https://www.w3.org/TR/fetch-metadata/
#pragma once

#include "api/problem.h"
#include "http/message.h"

namespace valetkey::console {

// `secure`: whether the browser's connection is TLS, even where ours is not. Three things that a
// page of another origin cannot send together: the header X-Valetkey-Console, which makes browsers
// ask for permission first; JSON; and what the browser itself says of the page.
api::Answer<void> check_origin(const http::Request& request, bool secure);

}  // namespace valetkey::console
