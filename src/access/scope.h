// SPDX-License-Identifier: Apache-2.0
// The decision: what a scope allows. Pure. Everything not named here is denied.
#pragma once

#include <string_view>

#include "access/credentials.h"

namespace valetkey::access {

enum class Action : std::uint8_t {
  head_bucket,
  get_bucket_location,
  list,  // `resource` is the prefix parameter
  read,  // `resource` is the decoded key
};
enum class Decision : std::uint8_t {
  allow,
  deny,
  deny_missing_slash,  // a list of the own prefix without its last slash: say so
  not_found,           // read of exactly the own prefix without its slash (rclone asks): 404
};

std::string prefix_of(const AccountId& account);  // "v1/account_id=<id>/"
Decision allows(const Scope& scope, Action action, std::string_view resource);

}  // namespace valetkey::access
