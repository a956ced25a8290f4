// SPDX-License-Identifier: Apache-2.0
// Verifies AWS Signature Version 4. Two steps, because the key depends on what the first one finds:
// read_claim() of claim.h, then verify(). Pure: no I/O, no clock. Thread-safe.
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "http/message.h"
#include "sigv4/claim.h"

namespace valetkey::sigv4 {

// Checks the claim that read_claim() made of this request with `key` = signing_key(secret,
// claim.scope), in constant time. The only refusal is `mismatch`.
Result<void, Refusal> verify(const http::Request& request, const Claim& claim, const Secret& key);
// True if `body` is what `payload_hash` says, or it says UNSIGNED-PAYLOAD. False for STREAMING-*:
// the signatures of chunks are not checked, so such a body must not be used.
bool payload_matches(std::string_view body, std::string_view payload_hash);

}  // namespace valetkey::sigv4
