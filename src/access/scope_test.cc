// SPDX-License-Identifier: Apache-2.0
#include "access/scope.h"

#include <gtest/gtest.h>

#include <random>

#include "access/internal/claims.h"
#include "access/internal/session_token.h"

namespace valetkey::access {
namespace {

using namespace std::chrono_literals;
using enum Decision;

const Timestamp kNow = from_epoch_ms(1'700'000'000'000);

// The only way to a scope: open a session token.
Scope scope_of(const std::string& account) {
  static const Keyring keyring = Keyring::make(kNow);
  const Claims claims{make_access_key_id(),
                      AccountId::parse(account).value(),
                      make_user_id(),
                      make_token_id(),
                      kNow,
                      kNow + 1h};
  const auto sealed = seal_session(*keyring.active(KeyPurpose::session, kNow),
                                   std::string(kSaltBytes, 's'), encode_claims(claims));
  return open_session(keyring, sealed.session_token.reveal(), claims.access_key_id.str(), kNow)
      .value();
}

TEST(Allows, TheBucketItself) {
  EXPECT_EQ(allows(scope_of("12"), Action::head_bucket, ""), allow);
  EXPECT_EQ(allows(scope_of("12"), Action::get_bucket_location, ""), allow);
}

TEST(Allows, ListsWithinTheOwnPrefixOnly) {
  const Scope scope = scope_of("12");
  EXPECT_EQ(allows(scope, Action::list, "v1/account_id=12/"), allow);
  EXPECT_EQ(allows(scope, Action::list, "v1/account_id=12/type=dec"), allow);
  EXPECT_EQ(allows(scope, Action::list, "v1/account_id=12"), deny_missing_slash);
  for (const char* prefix : {"",
                             "/",
                             "v",
                             "v1",
                             "v1/",
                             "v1/account_id=",
                             "v1/account_id=1",
                             "v1/account_id=1/",
                             "v1/account_id=123",
                             "v1/account_id=123/",
                             "v1/account_id=13/",
                             "v1/account_id=012/",
                             "/v1/account_id=12/",
                             "v1//account_id=12/",
                             "V1/account_id=12/",
                             " v1/account_id=12/",
                             "v1/account_id%3D12/",
                             "v1/./account_id=12/",
                             "v2/account_id=12/",
                             "v1/account_id=12\\"})
    EXPECT_EQ(allows(scope, Action::list, prefix), deny) << prefix;
}

TEST(Allows, ReadsBelowTheOwnPrefixOnly) {
  const Scope scope = scope_of("12");
  EXPECT_EQ(allows(scope, Action::read, "v1/account_id=12/type=events/a.parquet"), allow);
  EXPECT_EQ(allows(scope, Action::read, "v1/account_id=12/"), allow) << "a key like any other";
  EXPECT_EQ(allows(scope, Action::read, "v1/account_id=12/../account_id=13/a"), allow)
      << "dots mean nothing: the key is looked up as it stands, below the own prefix";
  EXPECT_EQ(allows(scope, Action::read, "v1/account_id=12"), not_found);
  for (const char* key : {"", "v1/account_id=123/a", "v1/account_id=123", "v1/account_id=1", "v1/",
                          "../v1/account_id=12/a", "v1/account_id=13/../account_id=12/a"})
    EXPECT_EQ(allows(scope, Action::read, key), deny) << key;
}

TEST(Allows, NothingThatHasNoName) {
  EXPECT_EQ(allows(scope_of("12"), static_cast<Action>(99), "v1/account_id=12/"), deny);
}

// Whatever the resource: allowed only where it starts with the prefix, byte for byte, and two
// accounts never both reach one.
TEST(Allows, NoResourceToTwoAccounts) {
  std::mt19937 random(11);
  const std::string alphabet = "v1/account_id=023 %.\\\n";
  const std::vector<Scope> scopes = {scope_of("1"), scope_of("12"), scope_of("123"), scope_of("0")};
  for (int round = 0; round < 20000; ++round) {
    std::string resource = scopes[random() % scopes.size()].prefix();
    for (unsigned edits = random() % 4; edits > 0; --edits) {
      const std::size_t at = random() % (resource.size() + 1);
      const char c = alphabet[random() % alphabet.size()];
      if (random() % 2 == 0)
        resource.insert(at, 1, c);
      else if (at < resource.size())
        resource.erase(at, 1 + random() % 3);
    }
    int reached = 0;
    for (const Scope& scope : scopes)
      for (const Action action : {Action::list, Action::read}) {
        const bool allowed = allows(scope, action, resource) == allow;
        EXPECT_EQ(allowed, resource.compare(0, scope.prefix().size(), scope.prefix()) == 0)
            << resource;
        reached += allowed && action == Action::read ? 1 : 0;
      }
    EXPECT_LE(reached, 1) << resource;
  }
}

}  // namespace
}  // namespace valetkey::access
