// SPDX-License-Identifier: Apache-2.0
// The exchange: a grant and a duration in, temporary credentials out, in two forms. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

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

  // What an exchange needs of its request; all of it outlives the call.
  struct Ask {
    const control::TokenGrant& grant;
    std::string_view query;
    Timestamp now;
    const http::Address& client;
    std::string_view request_id;
    CredentialsForm form = CredentialsForm::document;
  };
  // What happens, in order: scope, parameters, minting, audit, usage. Nothing where the issuer has
  // to ask another service: answer() then, where it may block.
  std::optional<Answer<http::Response>> answer_at_once(const Ask& ask);
  Answer<http::Response> answer(const Ask& ask);

 private:
  Answer<milliseconds> check(const Ask& ask);
  Answer<http::Response> conclude(const Ask& ask, const Result<access::Credentials>& credentials);
  std::unexpected<Problem> refuse(const Ask& ask, Problem problem);
  void record(const Ask& ask, std::string_view outcome, std::string_view access_key_id);
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
