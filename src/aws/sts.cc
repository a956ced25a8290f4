// SPDX-License-Identifier: Apache-2.0
#include "aws/sts.h"

#include "aws/internal/signed_form.h"

namespace valetkey::aws {
namespace {

std::unexpected<StsError> strange(const std::string& endpoint, const Error& why) {
  return std::unexpected(StsError{StsFault::not_sts, endpoint + ": " + why.detail});
}

template <class T>
StsResult<T> read(Result<T> parsed, const std::string& endpoint) {
  if (!parsed) return strange(endpoint, parsed.error());
  return *std::move(parsed);
}

}  // namespace

Sts::Sts(http::Fetcher& network, http::Url url, std::string region)
    : network_(&network),
      url_(std::move(url)),
      name_(url_.scheme + "://" + url_.authority()),
      region_(std::move(region)) {}

Result<Sts> Sts::at(http::Fetcher& network, const std::string& endpoint, std::string region) {
  auto url = http::Url::parse(endpoint);
  if (!url || url->target != "/")
    return fail(ErrorCode::invalid,
                "the endpoint of STS must be a URL without a path, such as "
                "https://sts.eu-central-1.amazonaws.com");
  return Sts(network, *std::move(url), std::move(region));
}

StsResult<StsSession> Sts::assume(const AssumeRole& ask, const sigv4::SigningCredentials& own,
                                  Timestamp now) const {
  if (ask.policy.empty())
    return std::unexpected(
        StsError{StsFault::policy_malformed, "a session without a policy would open everything"});
  Form form{{"Action", "AssumeRole"},
            {"Version", "2011-06-15"},
            {"RoleArn", ask.role_arn},
            {"RoleSessionName", ask.session_name},
            {"DurationSeconds", std::to_string(ask.duration.count())},
            {"Policy", ask.policy}};
  if (!ask.external_id.empty()) form.emplace_back("ExternalId", ask.external_id);
  for (std::size_t i = 0; i < ask.tags.size(); ++i) {
    const std::string member = "Tags.member." + std::to_string(i + 1);
    form.emplace_back(member + ".Key", ask.tags[i].first);
    form.emplace_back(member + ".Value", ask.tags[i].second);
  }
  auto body = call(form, &own, now);
  if (!body) return std::unexpected(std::move(body).error());
  return read(parse_session(*body, "AssumeRole"), name_);
}

StsResult<StsSession> Sts::assume(const WebIdentity& ask) const {
  auto body = call({{"Action", "AssumeRoleWithWebIdentity"},
                    {"Version", "2011-06-15"},
                    {"RoleArn", ask.role_arn},
                    {"RoleSessionName", ask.session_name},
                    {"WebIdentityToken", std::string(ask.token.reveal())},
                    {"DurationSeconds", std::to_string(ask.duration.count())}},
                   nullptr, {});
  if (!body) return std::unexpected(std::move(body).error());
  return read(parse_session(*body, "AssumeRoleWithWebIdentity"), name_);
}

StsResult<std::string> Sts::identity(const sigv4::SigningCredentials& own, Timestamp now) const {
  auto body = call({{"Action", "GetCallerIdentity"}, {"Version", "2011-06-15"}}, &own, now);
  if (!body) return std::unexpected(std::move(body).error());
  return read(parse_identity(*body), name_);
}

StsResult<std::string> Sts::call(const Form& form, const sigv4::SigningCredentials* own,
                                 Timestamp now) const {
  auto answer = network_->fetch(signed_form(url_, form, "sts", region_, own, now));
  if (!answer) return std::unexpected(StsError{StsFault::away, answer.error().detail});
  if (answer->status != 200) return std::unexpected(explain(*answer, name_));
  return std::move(answer->body);
}

}  // namespace valetkey::aws
