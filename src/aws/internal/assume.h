// SPDX-License-Identifier: Apache-2.0
// Roles that the server itself assumes, to get its own credentials.
#pragma once

#include <string>

#include "aws/source.h"
#include "aws/sts.h"

namespace valetkey::aws {

struct RoleToAssume {
  std::string arn;
  std::string session_name = "valetkeyd";
  std::string external_id{};
  seconds duration{3600};
  std::string from;  // for people
};

Result<Sts> sts_of(const Surroundings& around);
std::unexpected<Error> as_error(const StsError& error, const std::string& what);
OwnKeys own_keys(StsSession session, std::string from);
Result<OwnKeys> assume_with_token(const Surroundings& around, const RoleToAssume& role,
                                  const std::string& token_file);

}  // namespace valetkey::aws
