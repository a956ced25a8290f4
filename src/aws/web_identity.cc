// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "aws/internal/assume.h"
#include "aws/internal/variables.h"
#include "aws/region.h"
#include "base/file.h"

namespace valetkey::aws {

Result<std::string> read_token_file(const std::string& path) {
  VALETKEY_TRY(std::string text, read_file(path, 64 * 1024));
  const auto blank = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  while (!text.empty() && blank(text.back())) text.pop_back();
  text.erase(text.begin(), std::ranges::find_if_not(text, blank));
  const auto plain = [](char c) { return c >= 0x20 && c < 0x7F; };
  if (text.empty() || !std::ranges::all_of(text, plain))
    return fail(ErrorCode::invalid, path + " holds no token");
  return text;
}

Result<Sts> sts_of(const Surroundings& around) {
  return Sts::at(around.network, sts_endpoint(around.region, around.env), around.region);
}

std::unexpected<Error> as_error(const StsError& error, const std::string& what) {
  const bool passes = error.fault == StsFault::away || error.fault == StsFault::throttled;
  return fail(passes ? ErrorCode::unavailable : ErrorCode::denied, what + ": " + error.detail);
}

OwnKeys own_keys(StsSession session, std::string from) {
  return {std::move(session.keys), session.expires, std::move(from)};
}

Result<OwnKeys> assume_with_token(const Surroundings& around, const RoleToAssume& role,
                                  const std::string& token_file) {
  if (role.arn.empty())
    return fail(ErrorCode::invalid,
                role.from + " names a web identity token, but no role: set AWS_ROLE_ARN");
  VALETKEY_TRY(auto token, read_token_file(token_file));
  VALETKEY_TRY(const Sts sts, sts_of(around));
  auto session =
      sts.assume(WebIdentity{role.arn, role.session_name, Secret(std::move(token)), role.duration});
  if (!session) return as_error(session.error(), role.from);
  return own_keys(*std::move(session), role.from);
}

Found from_web_identity(const Surroundings& around, Timestamp) {
  const std::string file = variable(around.env, "AWS_WEB_IDENTITY_TOKEN_FILE");
  if (file.empty()) return std::nullopt;
  RoleToAssume role{.arn = variable(around.env, "AWS_ROLE_ARN"),
                    .from = "the web identity of AWS_WEB_IDENTITY_TOKEN_FILE"};
  if (auto name = variable(around.env, "AWS_ROLE_SESSION_NAME"); !name.empty())
    role.session_name = std::move(name);
  VALETKEY_TRY(auto keys, assume_with_token(around, role, file));
  return keys;
}

}  // namespace valetkey::aws
