// SPDX-License-Identifier: Apache-2.0
#include "console/routes.h"

#include <gtest/gtest.h>

#include "console/provider.h"

namespace valetkey::console {
namespace {

using http::Method;

Who who_with(control::Role role, std::optional<AccountId> account) {
  return {.token = make_token_id(),
          .user = {make_user_id(),
                   "a@example.com",
                   std::move(account),
                   role,
                   control::UserState::active,
                   {}},
          .scopes = {},
          .expires = {},
          .session = {}};
}
const AccountId kAccount = AccountId::parse("12").value();

TEST(ConsoleRoutes, MatchWholePathsAndDecodeWhatStandsForIds) {
  Routes routes;
  routes.add({Method::get, "/x/{}", Access::person, {}});
  routes.add({Method::post, "/x/{}/y", Access::person, {}});
  const auto match = routes.match(Method::head, "/x/a%2Fb");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.ids, std::vector<std::string>{"a/b"});
  for (const char* path : {"/x", "/x/", "/x/a/", "/x/a/b", "/x//y", "/x/%zz", "x/a", ""})
    EXPECT_EQ(routes.match(Method::get, path).route, nullptr) << path;
  EXPECT_EQ(routes.match(Method::get, "/x/a/y").allow, "POST");
  EXPECT_EQ(routes.match(Method::get, "/z").allow, "");
}

TEST(ConsoleRoutes, AreDeniedToWhomTheyAreNotMeantFor) {
  const auto may = [](Access access, const Who& who) {
    return check_access({Method::get, "/", access, {}}, who).has_value();
  };
  const Who member = who_with(control::Role::member, kAccount);
  const Who admin = who_with(control::Role::admin, kAccount);
  const Who root = who_with(control::Role::operator_, {});
  EXPECT_TRUE(may(Access::account, member));
  EXPECT_FALSE(may(Access::account, root));
  EXPECT_TRUE(may(Access::admin, admin));
  EXPECT_FALSE(may(Access::admin, member));
  EXPECT_FALSE(may(Access::admin, root));
  EXPECT_TRUE(may(Access::operator_, root));
  EXPECT_FALSE(may(Access::operator_, admin));
  EXPECT_FALSE(may(static_cast<Access>(99), root));
}

TEST(ConsoleRoutes, WantTheScopeOfAProgramsToken) {
  Route route{Method::get, "/", Access::admin, {}};
  route.scope = &control::TokenScopes::users;
  Who admin = who_with(control::Role::admin, kAccount);
  EXPECT_FALSE(check_access(route, admin));
  admin.scopes.users = true;
  EXPECT_TRUE(check_access(route, admin));
}

TEST(Provider, SendsABrowserNowhereElse) {
  EXPECT_EQ(safe_next("/export?type=events"), "/export?type=events");
  for (const char* elsewhere : {"", "//evil.example", "/\\evil.example", "https://evil.example",
                                "/a\r\nSet-Cookie: x", "/a#b", "/a b"})
    EXPECT_EQ(safe_next(elsewhere), "/") << elsewhere;
}

}  // namespace
}  // namespace valetkey::console
