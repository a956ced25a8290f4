// SPDX-License-Identifier: Apache-2.0
#include "aws/source.h"

#include <array>

#include "aws/internal/variables.h"

namespace valetkey::aws {

Found from_environment(const Surroundings& around) {
  const std::string id = variable(around.env, "AWS_ACCESS_KEY_ID");
  const std::string secret = variable(around.env, "AWS_SECRET_ACCESS_KEY");
  if (id.empty() && secret.empty()) return std::nullopt;
  if (id.empty() || secret.empty())
    return fail(ErrorCode::invalid,
                std::string(id.empty() ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID") +
                    " is set, but not " +
                    (id.empty() ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY") +
                    ": set both, or neither");
  OwnKeys found{{id, Secret(secret), std::nullopt}, std::nullopt, "the environment"};
  const std::string token = variable(around.env, "AWS_SESSION_TOKEN");
  if (!token.empty()) found.keys.session_token = Secret(token);
  return found;
}

Result<OwnKeys> find_credentials(const Surroundings& around, const std::string& profile,
                                 Timestamp now) {
  if (!profile.empty()) {
    VALETKEY_TRY(auto found, from_profile(around, now, profile));
    if (found) return *std::move(found);
    return fail(ErrorCode::not_found,
                "the AWS profile " + profile + " is in no configuration file of AWS");
  }
  const std::array<std::function<Found()>, 5> providers{
      [&] { return from_environment(around); },   [&] { return from_web_identity(around, now); },
      [&] { return from_profile(around, now); },  [&] { return from_container(around, now); },
      [&] { return from_instance(around, now); },
  };
  for (const auto& provider : providers) {
    VALETKEY_TRY(auto found, provider());
    if (found) return *std::move(found);
  }
  return fail(ErrorCode::not_found,
              "this server has no AWS credentials of its own: set AWS_ACCESS_KEY_ID and "
              "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give its machine or container a role");
}

}  // namespace valetkey::aws
