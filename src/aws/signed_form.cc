// SPDX-License-Identifier: Apache-2.0
#include "aws/internal/signed_form.h"

#include "base/crypto.h"
#include "base/encoding.h"

namespace valetkey::aws {
namespace {

constexpr const char* kForm = "application/x-www-form-urlencoded; charset=utf-8";

// A space as %20: Ceph does not read '+' in a body.
std::string encode(const std::vector<std::pair<std::string, std::string>>& form) {
  std::string body;
  for (const auto& [name, value] : form) {
    if (!body.empty()) body += '&';
    body.append(percent_encode(name)).append("=").append(percent_encode(value));
  }
  return body;
}

}  // namespace

http::ClientRequest signed_form(const http::Url& url,
                                const std::vector<std::pair<std::string, std::string>>& form,
                                const std::string& service, const std::string& region,
                                const sigv4::SigningCredentials* own, Timestamp now) {
  http::ClientRequest request;
  request.method = "POST";
  request.url = url;
  request.body = encode(form);
  request.headers = {{"Host", url.authority()}, {"Content-Type", kForm}};
  if (own == nullptr) return request;
  sigv4::ToSign signing;
  signing.method = "POST";
  signing.path = "/";
  signing.headers = request.headers;
  signing.payload_hash = sha256_hex(request.body);
  signing.rule = sigv4::PathRule::normalised;
  signing.region = region;
  signing.service = service;
  for (auto& header : sigv4::sign_headers(signing, *own, now))
    request.headers.push_back(std::move(header));
  return request;
}

}  // namespace valetkey::aws
