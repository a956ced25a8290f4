// SPDX-License-Identifier: Apache-2.0
#include "aws/iam.h"

#include <pugixml.hpp>

#include "aws/internal/signed_form.h"
#include "aws/sts_answer.h"
#include "base/encoding.h"

namespace valetkey::aws {
namespace {

constexpr std::size_t kMaxPolicy = 64 * 1024;

ErrorCode code_of(int status, std::string_view code) {
  if (code == "Throttling" || code == "SlowDown" || code == "ConcurrentModification" ||
      status == 429)
    return ErrorCode::busy;
  if (status == 404) return ErrorCode::not_found;
  if (status == 409) return ErrorCode::already_exists;
  if (status == 401 || status == 403 || status == 405) return ErrorCode::denied;
  return status / 100 == 5 ? ErrorCode::unavailable : ErrorCode::invalid;
}

}  // namespace

std::string role_name(std::string_view role_arn) {
  const auto at = role_arn.find(":role/");
  const auto slash = role_arn.rfind('/');
  return at == std::string_view::npos ? "" : std::string(role_arn.substr(slash + 1));
}

Iam::Iam(http::Fetcher& network, http::Url url, std::string region)
    : network_(&network),
      url_(std::move(url)),
      name_(url_.scheme + "://" + url_.authority()),
      region_(std::move(region)) {}

Result<Iam> Iam::at(http::Fetcher& network, const std::string& endpoint, std::string region) {
  auto url = http::Url::parse(endpoint);
  if (!url || url->target != "/")
    return fail(
        ErrorCode::invalid,
        "the endpoint of IAM must be a URL without a path, such as https://iam.amazonaws.com");
  return Iam(network, *std::move(url), std::move(region));
}

Result<void> Iam::create_role(const std::string& name, const std::string& trust_policy,
                              seconds longest_session, const sigv4::SigningCredentials& own,
                              Timestamp now) const {
  VALETKEY_CHECK(call({{"Action", "CreateRole"},
                       {"Version", "2010-05-08"},
                       {"RoleName", name},
                       {"AssumeRolePolicyDocument", trust_policy},
                       {"MaxSessionDuration", std::to_string(longest_session.count())}},
                      own, now));
  return {};
}

Result<void> Iam::set_trust_policy(const std::string& role, const std::string& policy,
                                   const sigv4::SigningCredentials& own, Timestamp now) const {
  VALETKEY_CHECK(call({{"Action", "UpdateAssumeRolePolicy"},
                       {"Version", "2010-05-08"},
                       {"RoleName", role},
                       {"PolicyDocument", policy}},
                      own, now));
  return {};
}

Result<void> Iam::put_role_policy(const std::string& role, const std::string& name,
                                  const std::string& policy, const sigv4::SigningCredentials& own,
                                  Timestamp now) const {
  VALETKEY_CHECK(call({{"Action", "PutRolePolicy"},
                       {"Version", "2010-05-08"},
                       {"RoleName", role},
                       {"PolicyName", name},
                       {"PolicyDocument", policy}},
                      own, now));
  return {};
}

Result<std::string> Iam::role_policy(const std::string& role, const std::string& name,
                                     const sigv4::SigningCredentials& own, Timestamp now) const {
  VALETKEY_TRY(const std::string body, call({{"Action", "GetRolePolicy"},
                                             {"Version", "2010-05-08"},
                                             {"RoleName", role},
                                             {"PolicyName", name}},
                                            own, now));
  pugi::xml_document document;
  const bool read =
      body.size() <= kMaxPolicy &&
      document.load_buffer(body.data(), body.size(), pugi::parse_default, pugi::encoding_utf8);
  const std::string_view text = document.child("GetRolePolicyResponse")
                                    .child("GetRolePolicyResult")
                                    .child_value("PolicyDocument");
  if (!read || text.empty())
    return fail(ErrorCode::invalid, name_ + " answers something else than a policy");
  return percent_decode(text);
}

Result<void> Iam::delete_role_policy(const std::string& role, const std::string& name,
                                     const sigv4::SigningCredentials& own, Timestamp now) const {
  VALETKEY_CHECK(call({{"Action", "DeleteRolePolicy"},
                       {"Version", "2010-05-08"},
                       {"RoleName", role},
                       {"PolicyName", name}},
                      own, now));
  return {};
}

Result<void> Iam::delete_role(const std::string& name, const sigv4::SigningCredentials& own,
                              Timestamp now) const {
  VALETKEY_CHECK(
      call({{"Action", "DeleteRole"}, {"Version", "2010-05-08"}, {"RoleName", name}}, own, now));
  return {};
}

Result<std::string> Iam::call(const Form& form, const sigv4::SigningCredentials& own,
                              Timestamp now) const {
  auto answer = network_->fetch(signed_form(url_, form, "iam", region_, &own, now));
  if (!answer) return fail(ErrorCode::unavailable, answer.error().detail);
  if (answer->status == 200) return std::move(answer->body);
  const StsRefusal refusal = parse_refusal(answer->body);
  return fail(code_of(answer->status, refusal.code),
              name_ + " answers " + std::to_string(answer->status) + " " + refusal.code + " to " +
                  form.front().second + (refusal.message.empty() ? "" : ": " + refusal.message));
}

}  // namespace valetkey::aws
