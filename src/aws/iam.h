// SPDX-License-Identifier: Apache-2.0
// The few calls of AWS IAM, as AWS and Ceph answer them, that keep roles. Thread-safe; every call
// blocks for the time of one request.
// Source: https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/fetch.h"
#include "sigv4/sign.h"

namespace valetkey::aws {

// The name that an ARN of a role ends with; empty: it is none.
std::string role_name(std::string_view role_arn);

class Iam {
 public:
  // `endpoint` is scheme://host[:port]; `invalid` otherwise.
  static Result<Iam> at(http::Fetcher& network, const std::string& endpoint, std::string region);

  // Errors: `not_found` no such role or policy, `already_exists`, `denied`, `busy` throttled or
  // changed by somebody else at the moment, `unavailable`; one sentence for operators.
  Result<void> create_role(const std::string& name, const std::string& trust_policy,
                           seconds longest_session, const sigv4::SigningCredentials& own,
                           Timestamp now) const;
  Result<void> set_trust_policy(const std::string& role, const std::string& policy,
                                const sigv4::SigningCredentials& own, Timestamp now) const;
  Result<void> put_role_policy(const std::string& role, const std::string& name,
                               const std::string& policy, const sigv4::SigningCredentials& own,
                               Timestamp now) const;
  Result<std::string> role_policy(const std::string& role, const std::string& name,
                                  const sigv4::SigningCredentials& own, Timestamp now) const;
  Result<void> delete_role_policy(const std::string& role, const std::string& name,
                                  const sigv4::SigningCredentials& own, Timestamp now) const;
  Result<void> delete_role(const std::string& name, const sigv4::SigningCredentials& own,
                           Timestamp now) const;

 private:
  using Form = std::vector<std::pair<std::string, std::string>>;
  Iam(http::Fetcher& network, http::Url url, std::string region);
  Result<std::string> call(const Form& form, const sigv4::SigningCredentials& own,
                           Timestamp now) const;

  http::Fetcher* network_;
  http::Url url_;
  std::string name_, region_;
};

}  // namespace valetkey::aws
