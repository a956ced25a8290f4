// SPDX-License-Identifier: Apache-2.0
// The decision: what a scope allows. Pure. Everything not named here is denied. The addresses that
// a request may come from are checked by claims().narrowing.admits().
#pragma once

#include <string>
#include <string_view>
#include <vector>

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

// What may be listed and read: the account's prefix, or, of a token that is limited to some, those.
std::vector<std::string> prefixes_of(const Scope& scope);
Decision allows(const Scope& scope, Action action, std::string_view resource);

}  // namespace valetkey::access
