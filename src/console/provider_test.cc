// SPDX-License-Identifier: Apache-2.0
#include "console/provider.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/testing/manual_clock.h"
#include "base/testing/temporary_folder.h"
#include "console/internal/away.h"
#include "control/sqlite_store.h"
#include "http/testing/whole_fetcher.h"
#include "oidc/testing/signer.h"

namespace valetkey::console {
namespace {

namespace json = boost::json;
const Timestamp kNow = Timestamp(std::chrono::seconds(1'700'000'000));
const std::string kIssuer = "https://accounts.example";

// A provider that believes every code, however often it is shown.
class Careless final : public http::testing::WholeFetcher {
 public:
  Result<http::ClientResponse> fetch(http::ClientRequest request) override {
    http::ClientResponse answer;
    answer.status = 200;
    if (request.url.target == "/keys") {
      answer.body = oidc::testing::jwks({signer.jwk()});
    } else if (request.url.target == "/token") {
      auto claims = oidc::testing::good_claims(1'700'000'000);
      claims["nonce"] = nonce;
      answer.body = json::serialize(json::object{{"id_token", signer.sign(claims)}});
      ++exchanges;
    } else {
      answer.body = json::serialize(json::object{{"issuer", kIssuer},
                                                 {"authorization_endpoint", kIssuer + "/auth"},
                                                 {"token_endpoint", kIssuer + "/token"},
                                                 {"jwks_uri", kIssuer + "/keys"}});
    }
    return answer;
  }
  oidc::testing::Signer signer{"ES256"};
  std::string nonce;
  int exchanges = 0;
};

// What each node has of its own, over the database and the keyring that they share.
struct Node {
  Node(control::ControlStore& store, control::AuditLog& audit, const Clock& clock,
       http::Fetcher& network, const KeySource& keys)
      : feed(store, clock, std::chrono::hours(12)),
        sign_in({store, feed, audit}, {}, false),
        party({kIssuer, "valetkey", Secret("secret"), "https://valetkey.example/back"}, network),
        provider(store, sign_in, party, keys) {
    feed.poll();
  }
  control::ChangeFeed feed;
  SignIn sign_in;
  oidc::RelyingParty party;
  Provider provider;
};

std::string parameter(std::string_view url, std::string_view name) {
  const auto query = http::parse_query(url.substr(url.find('?') + 1), false).value();
  for (const auto& each : query)
    if (each.name == name) return each.value;
  return {};
}

class TwoNodes : public testing::Test {
 protected:
  TwoNodes() {
    const auto account = AccountId::parse("1").value();
    EXPECT_TRUE(store->create_account(account, "Acme", kNow));
    EXPECT_TRUE(store->create_user("ann@example.com", account, control::Role::member, kNow));
  }
  Call call(std::string query, std::string cookie, milliseconds later = {}) const {
    Call made;
    made.query = std::move(query);
    made.cookie = std::move(cookie);
    made.now = kNow + later;
    return made;
  }
  // The query with which a browser comes back, whose cookie is `cookie`.
  std::string leave(Node& node, std::string& cookie) {
    const auto left = node.provider.start(call("next=%2Ftokens", "")).value();
    EXPECT_EQ(left.status, 302);
    cookie = *left.sign_in;
    network.nonce = parameter(left.location, "nonce");
    return "code=c&state=" + parameter(left.location, "state");
  }
  static std::string where(Answer<Reply> reply) { return reply ? reply->location : "failed"; }

  const TemporaryFolder folder;
  const ManualClock clock{kNow};
  std::unique_ptr<control::ControlStore> store =
      control::open_sqlite_store(folder.path() / "control.db").value();
  std::unique_ptr<control::AuditLog> audit =
      control::AuditLog::open(folder.path() / "audit", clock).value();
  FixedKeySource keys{Keyring::make(kNow)};
  Careless network;
  Node one{*store, *audit, clock, network, keys}, two{*store, *audit, clock, network, keys};
};

TEST_F(TwoNodes, LetABrowserLeaveFromOneAndComeBackToTheOther) {
  std::string cookie;
  const std::string back = leave(one, cookie);
  const auto reply = two.provider.finish(call(back, cookie));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->location, "/tokens");
  ASSERT_TRUE(reply->session);
  EXPECT_EQ(reply->sign_in, "") << "the cookie has done its duty";
}

TEST_F(TwoNodes, TakeASignInOnceBetweenThem) {
  std::string cookie;
  const std::string back = leave(one, cookie);
  ASSERT_EQ(where(one.provider.finish(call(back, cookie))), "/tokens");
  for (Node* node : {&one, &two}) {
    const auto again = node->provider.finish(call(back, cookie));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->location, "/sign-in#oidc=expired");
    EXPECT_FALSE(again->session);
  }
  EXPECT_EQ(network.exchanges, 3) << "it was the database that refused, not the provider";
}

TEST_F(TwoNodes, TakeItFromTheBrowserThatLeftAndForTenMinutes) {
  std::string cookie, other;
  const std::string back = leave(one, cookie);
  leave(two, other);
  const std::string expired = "/sign-in#oidc=expired";
  EXPECT_EQ(where(two.provider.finish(call(back, other))), expired);
  EXPECT_EQ(where(two.provider.finish(call(back, ""))), expired);
  std::string altered = cookie;
  altered[altered.size() / 2] = altered[altered.size() / 2] == 'A' ? 'B' : 'A';
  EXPECT_EQ(where(two.provider.finish(call(back, altered))), expired);
  EXPECT_EQ(where(two.provider.finish(call(back, cookie, std::chrono::minutes(11)))), expired);
  EXPECT_EQ(network.exchanges, 0);
}

}  // namespace
}  // namespace valetkey::console
