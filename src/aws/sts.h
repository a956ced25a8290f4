// SPDX-License-Identifier: Apache-2.0
// A client of the AWS Security Token Service and of engines that speak as it does. Thread-safe; every
// call blocks for the time of one request.
// Source: https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "aws/sts_answer.h"
#include "http/fetch.h"

namespace valetkey::aws {

template <class T>
using StsResult = std::expected<T, StsError>;

struct AssumeRole {
  std::string role_arn;
  std::string session_name;   // 2 to 64 of letters, digits and _+=,.@-
  std::string external_id{};  // empty: none
  std::string policy;         // of the session; never empty: that would be everything
  seconds duration{3600};
  std::vector<std::pair<std::string, std::string>> tags{};  // of the session
};

struct WebIdentity {
  std::string role_arn, session_name;
  Secret token;
  seconds duration{3600};
};

class Sts {
 public:
  // `endpoint` is scheme://host[:port]; `invalid` otherwise.
  static Result<Sts> at(http::Fetcher& network, const std::string& endpoint, std::string region);

  StsResult<StsSession> assume(const AssumeRole& ask, const sigv4::SigningCredentials& own,
                               Timestamp now) const;
  // Nothing signs it but the identity's own issuer.
  StsResult<StsSession> assume(const WebIdentity& ask) const;
  // The ARN of whose credentials these are.
  StsResult<std::string> identity(const sigv4::SigningCredentials& own, Timestamp now) const;

 private:
  using Form = std::vector<std::pair<std::string, std::string>>;
  Sts(http::Fetcher& network, http::Url url, std::string region);
  StsResult<std::string> call(const Form& form, const sigv4::SigningCredentials* own,
                              Timestamp now) const;

  http::Fetcher* network_;
  http::Url url_;
  std::string name_, region_;
};

}  // namespace valetkey::aws
