// SPDX-License-Identifier: Apache-2.0
#include "sigv4/sign.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "base/text.h"

namespace valetkey::sigv4 {
namespace {

CredentialScope scope_of(const ToSign& request, std::string_view amz_date) {
  return {std::string(amz_date.substr(0, 8)), request.region, request.service};
}

std::vector<SignedHeader> views_of(
    const std::vector<std::pair<std::string, std::string>>& headers) {
  std::vector<SignedHeader> views;
  views.reserve(headers.size());
  for (const auto& [name, value] : headers) views.push_back({name, value});
  return views;
}

std::string names_of(const std::vector<SignedHeader>& headers) {
  std::set<std::string> names;
  for (const SignedHeader& header : headers) {
    names.insert(lowered(header.name));
  }
  return fmt::format("{}", fmt::join(names, ";"));
}

std::string sign(const SigningCredentials& credentials, const CredentialScope& scope,
                 std::string_view amz_date, std::string_view canonical) {
  return signature(signing_key(credentials.secret_access_key, scope),
                   string_to_sign(amz_date, scope, canonical));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> sign_headers(const ToSign& request,
                                                              const SigningCredentials& credentials,
                                                              Timestamp now) {
  const std::string amz_date = format_amz_date(now);
  const CredentialScope scope = scope_of(request, amz_date);
  std::vector<std::pair<std::string, std::string>> added{{"x-amz-date", amz_date}};
  if (request.service == "s3") added.emplace_back("x-amz-content-sha256", request.payload_hash);
  if (credentials.session_token)
    added.emplace_back("x-amz-security-token", credentials.session_token->reveal());
  std::vector<SignedHeader> headers = views_of(request.headers);
  std::ranges::copy(views_of(added), std::back_inserter(headers));
  const std::string canonical = canonical_request(request.method, request.path, request.rule,
                                                  request.query, "", headers, request.payload_hash);
  added.emplace_back("Authorization",
                     fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                                 credentials.access_key_id, scope.str(), names_of(headers),
                                 sign(credentials, scope, amz_date, canonical)));
  return added;
}

std::string presign_query(const ToSign& request, const SigningCredentials& credentials,
                          Timestamp now, seconds expires) {
  const std::string amz_date = format_amz_date(now);
  const CredentialScope scope = scope_of(request, amz_date);
  const std::vector<SignedHeader> headers = views_of(request.headers);
  std::string query = request.query.empty() ? "" : request.query + "&";
  query += fmt::format(
      "X-Amz-Algorithm={}&X-Amz-Credential={}&X-Amz-Date={}&X-Amz-Expires={}&X-Amz-SignedHeaders={"
      "}",
      kAlgorithm, percent_encode(credentials.access_key_id + "/" + scope.str()), amz_date,
      expires.count(), percent_encode(names_of(headers)));
  if (credentials.session_token)
    query += "&X-Amz-Security-Token=" + percent_encode(credentials.session_token->reveal());
  const std::string canonical = canonical_request(request.method, request.path, request.rule, query,
                                                  "", headers, request.payload_hash);
  return query + "&X-Amz-Signature=" + sign(credentials, scope, amz_date, canonical);
}

}  // namespace valetkey::sigv4
