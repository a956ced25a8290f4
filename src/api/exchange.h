// SPDX-License-Identifier: Apache-2.0
// The exchange: a grant and a duration in, temporary credentials out, in two forms. Thread-safe.
#pragma once

#include <optional>
#include <string>

#include "access/credentials.h"
#include "access/usage.h"
#include "api/options.h"
#include "api/problem.h"
#include "control/audit.h"
#include "http/message.h"

namespace valetkey::api {

enum class CredentialsForm : std::uint8_t {
  document,   // GET /v2/export/credentials
  container,  // what AWS SDKs expect of AWS_CONTAINER_CREDENTIALS_FULL_URI
};

// The `duration` of a query, or the default. Unknown parameters are ignored; a repeated one is
// refused.
Answer<milliseconds> read_duration(std::string_view query, const Options& options);

class Exchange {
 public:
  Exchange(const Options& options, access::CredentialIssuer& issuer, control::AuditLog& audit,
           access::Usage& usage);
  // What happens, in order: scope, parameters, minting, audit, usage. Nothing where the issuer has
  // to ask another service: answer() then, where it may block.
  std::optional<http::Response> answer_at_once(const http::Request& request,
                                               const control::TokenGrant& grant,
                                               CredentialsForm form);
  http::Response answer(const http::Request& request, const control::TokenGrant& grant,
                        CredentialsForm form);
  // As of access::CredentialIssuer.
  unsigned calls_at_once() const { return issuer_.calls_at_once(); }

 private:
  Answer<milliseconds> check(const http::Request& request, const control::TokenGrant& grant,
                             CredentialsForm form) const;
  http::Response refuse(const http::Request& request, const control::TokenGrant& grant,
                        const Problem& problem);
  http::Response conclude(const http::Request& request, const control::TokenGrant& grant,
                          CredentialsForm form, const Result<access::Credentials>& credentials);
  void record(const http::Request& request, const control::TokenGrant& grant,
              std::string_view outcome, std::string_view access_key_id);
  std::string document(const access::Credentials& credentials,
                       const control::TokenGrant& grant) const;
  static void append_prefixes(std::string& out, const control::Narrowing& narrowing);
  void append_place(std::string& out, const access::Place& place) const;

  const Options& options_;
  access::CredentialIssuer& issuer_;
  control::AuditLog& audit_;
  access::Usage& usage_;
  std::string path_start_;  // ,"s3Path":"s3://<bucket>/   as JSON
  std::string tail_;        // ,"endpoint":…,"region":…    as JSON
};

}  // namespace valetkey::api
