// SPDX-License-Identifier: Apache-2.0
#include "access/scope.h"

namespace valetkey::access {

namespace {

bool is_opened(const Scope& scope, std::string_view resource) {
  return resource.starts_with(scope.prefix()) &&
         scope.claims().narrowing.opens(resource.substr(scope.prefix().size()));
}

}  // namespace

std::vector<std::string> prefixes_of(const Scope& scope) {
  std::vector<std::string> all;
  for (const std::string& below : scope.claims().narrowing.prefixes())
    all.push_back(scope.prefix() + below);
  if (all.empty()) all.push_back(scope.prefix());
  return all;
}

Decision allows(const Scope& scope, Action action, std::string_view resource) {
  const bool within = is_opened(scope, resource);
  const bool lacks_slash = !within && is_opened(scope, std::string(resource) + "/");
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
