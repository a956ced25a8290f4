// SPDX-License-Identifier: Apache-2.0
// For the tests of this module: a request that owns its text, signed in either form, to be altered
// at will.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "sigv4/sign.h"
#include "sigv4/verify.h"

namespace valetkey::sigv4::testing {

inline const Timestamp kNow = parse_amz_date("20261124T080000Z").value();

inline SigningCredentials credentials(bool with_token = true) {
  SigningCredentials out{"ASIAABCDEFGHIJKLMNOP", Secret("secret-of-the-test"), std::nullopt};
  if (with_token) out.session_token = Secret("c2Vzc2lvbg");
  return out;
}

struct Owned {
  std::string method = "GET", path = "/bucket/v1/account_id%3D12/a.parquet", query = {};
  std::vector<std::pair<std::string, std::string>> headers{{"Host", "localhost:9000"}};

  http::Request view() const {
    http::Request request;
    request.method_name = method;
    request.path = path;
    request.query = query;
    for (const auto& [name, value] : headers) request.headers.push_back({name, value});
    return request;
  }
  std::string& header(std::string_view name) {
    for (auto& [key, value] : headers)
      if (equal_ignoring_case(key, name)) return value;
    return headers.emplace_back(name, "").second;
  }
  void remove(std::string_view name) {
    std::erase_if(headers, [&](const auto& h) { return equal_ignoring_case(h.first, name); });
  }
  ToSign to_sign() const {
    ToSign out;
    out.method = method;
    out.path = path;
    out.query = query;
    out.headers = headers;
    return out;
  }
  Owned& sign(Timestamp at = kNow, const ToSign* as = nullptr) {
    for (auto& header : sign_headers(as ? *as : to_sign(), credentials(), at))
      headers.push_back(std::move(header));
    return *this;
  }
  Owned& presign(seconds expires = seconds(900), Timestamp at = kNow) {
    query = presign_query(to_sign(), credentials(), at, expires);
    return *this;
  }
};

// What became of it: "" if it verifies, else the name of the refusal; a key is known by its id.
inline std::string outcome(const Owned& owned, Timestamp now = kNow) {
  static constexpr const char* kNames[] = {
      "no_credentials", "unsupported",     "malformed_header",  "malformed_query", "both_forms",
      "repeated",       "no_payload_hash", "payload_hash_form", "skewed",          "expired",
      "not_yet_valid",  "unsigned_header", "mismatch",          "bad_encoding"};
  const http::Request request = owned.view();
  const auto claim = read_claim(request, now);
  if (!claim) return kNames[static_cast<std::size_t>(claim.error())];
  if (claim->access_key_id != credentials().access_key_id) return "unknown_key";
  const auto verified =
      verify(request, *claim, signing_key(credentials().secret_access_key, claim->scope));
  return verified ? "" : kNames[static_cast<std::size_t>(verified.error())];
}

inline void replace(std::string& text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::logic_error("nothing to replace: " + std::string(from));
  text.replace(at, from.size(), to);
}

}  // namespace valetkey::sigv4::testing
