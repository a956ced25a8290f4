// SPDX-License-Identifier: Apache-2.0
// The console's routes: which there are, who may use them, and by what they prove who they are. The
// same work answers the cookie's routes below /v2/console/ and those of programs, which show a
// token. Pure.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "console/call.h"

namespace valetkey::console {

enum class Access : std::uint8_t {
  open,      // nobody in particular
  person,    // anybody who is signed in
  account,   // a user of an account
  admin,     // an admin of an account
  operator_  // of the installation
};

enum class Effort : std::uint8_t {
  quick,
  hashes,  // a password, which takes memory and time
  reads,   // much of the disk, or of a bucket
  asks,    // a provider of identities, which may be slow
};

using Work = std::function<Answer<Reply>(const Call&)>;

struct Route {
  http::Method method;
  std::string path;  // "{}" stands for one non-empty segment
  Access access;
  Work work;
  Effort effort = Effort::quick;
  bool control::TokenScopes::* scope = nullptr;  // of a program's route: what its token must have
};

class Routes {
 public:
  void add(Route route) { routes_.push_back(std::move(route)); }
  struct Match {
    const Route* route = nullptr;
    std::vector<std::string> ids;  // decoded
    std::string allow;             // the methods of this path, where none fits
  };
  Match match(http::Method method, std::string_view path) const;
  const std::vector<Route>& all() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

// Whether `who` may use a route. Default deny.
Answer<void> check_access(const Route& route, const Who& who);

}  // namespace valetkey::console
