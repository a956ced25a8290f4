// SPDX-License-Identifier: Apache-2.0
#include "access/scope.h"

namespace valetkey::access {

std::string prefix_of(const AccountId& account) { return "v1/account_id=" + account.str() + "/"; }

Decision allows(const Scope& scope, Action action, std::string_view resource) {
  const std::string_view prefix = scope.prefix();
  const bool within = resource.starts_with(prefix);
  const bool lacks_slash = resource == prefix.substr(0, prefix.size() - 1);
  switch (action) {
    case Action::head_bucket:
    case Action::get_bucket_location:
      return Decision::allow;
    case Action::list:
      if (lacks_slash) return Decision::deny_missing_slash;
      return within ? Decision::allow : Decision::deny;
    case Action::read:
      if (lacks_slash) return Decision::not_found;
      return within ? Decision::allow : Decision::deny;
  }
  return Decision::deny;
}

}  // namespace valetkey::access
