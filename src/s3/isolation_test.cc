// SPDX-License-Identifier: Apache-2.0
// The tests that a malicious tenant would write: account 12 with good credentials, and 123 beside
// it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "s3/testing/world.h"

namespace valetkey::s3 {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kMine = "v1/account_id=12/type=events/date=2020-09-14/part-1";
constexpr const char* kTheirs = "v1/account_id=123/type=events/date=2020-09-14/part-9";

class IsolationTest : public testing::Test {
 protected:
  IsolationTest() {
    for (const char* key : {kMine, "v1/account_id=12/type=events/date=2020-09-15/part-2", kTheirs,
                            "v1/account_id=123/type=events/date=2020-09-15/neighbour-secret",
                            "v1/account_id=1/one-secret", "v1/account_id=2/two-secret",
                            "v1/top-secret", "root-secret"})
      world_.store.put(key, std::string("content of ") + key, world_.clock.now());
  }

  Ask ask_for(const std::string& path, const std::string& query = "") {
    Ask ask;
    ask.path = path;
    ask.query = query;
    return ask;
  }
  // No answer may hold a name or a byte of anybody else.
  void expect_nothing_of_others(Reply reply, const std::string& what) {
    if (const std::string asked = reply.element("Resource"); !asked.empty())
      reply.body.erase(reply.body.find(asked), asked.size());  // echoed, no more
    EXPECT_THAT(reply.body, Not(HasSubstr("secret"))) << what;
    EXPECT_THAT(reply.body, Not(HasSubstr("content of v1/account_id=123"))) << what;
    for (const std::string& element : reply.elements("Key"))
      if (reply.status == 200) EXPECT_TRUE(element.starts_with("v1/account_id=12/")) << what;
  }
  void expect_denied(const Reply& reply, const std::string& what) {
    EXPECT_EQ(reply.status, 403) << what;
    EXPECT_EQ(reply.code(), "AccessDenied") << what;
    expect_nothing_of_others(reply, what);
  }

  World world_;
  Tenant me_ = world_.tenant("12");
  Tenant they_ = world_.tenant("123");
};

TEST_F(IsolationTest, DeniesEveryPathOutsideWhetherItExistsOrNot) {
  for (const std::string& key :
       {std::string(kTheirs), std::string("v1/account_id=123/none"), std::string("root-secret"),
        std::string("none"), std::string("v1/top-secret"),
        std::string("v1/account_id=1/one-secret"), std::string("v1/account_id=1"),
        std::string("v1/account_id=123"), std::string("v1/"), std::string("v1/account_id=12x/part"),
        std::string("V1/account_id=12/part"), std::string("v1/Account_ID=12/part"),
        std::string("/v1/account_id=12/part"), std::string("v1//account_id=12/part"),
        std::string("./v1/account_id=12/part"), std::string("x/../v1/account_id=12/part"),
        std::string("v1/account_id=\xD9\xA1\xD9\xA2/part"), std::string("v1/account_id=012/part"),
        std::string("v1/account_id= 12/part")}) {
    expect_denied(world_.get(me_, world_.path_of(key)), key);
    Ask head = ask_for(world_.path_of(key));
    head.method = "HEAD";
    EXPECT_EQ(world_.send_signed(me_, head).status, 403) << key;
  }
}

TEST_F(IsolationTest, TakesDotsAndSlashesForWhatTheyAre) {
  for (const char* path : {"/v1/account_id=12/../account_id=123/type=events/date=2020-09-14/part-9",
                           "/v1/account_id%3D12/%2E%2E/account_id%3D123/part-9",
                           "/v1/account_id=12/..%2Faccount_id=123/part-9",
                           "/v1/account_id%3D12%2F%2E%2E%2Faccount_id%3D123%2Fpart-9",
                           "/v1/account_id=12//type=events/date=2020-09-14/part-1",
                           "/v1/account_id=12/./type=events/date=2020-09-14/part-1",
                           "/v1/account_id=12/%252E%252E/account_id=123/part-9",
                           "/v1/account_id=12/..%5Caccount_id=123/part-9"}) {
    const Reply reply = world_.get(me_, World::bucket() + path);
    EXPECT_EQ(reply.status, 404) << path << ": a key of that very name, and there is none";
    expect_nothing_of_others(reply, path);
  }
}

TEST_F(IsolationTest, RefusesBytesThatAreNoText) {
  for (const char* path :
       {"/v1/account_id=12/%00", "/v1/account_id=12%00/../account_id=123/part-9",
        "/v1/account_id=12/%C0%AE%C0%AE/account_id=123/part-9", "/v1/account_id=12/%E0%80%AF",
        "/v1/account_id=12/%ED%A0%80", "/v1/account_id=12/%FF", "/v1/account_id=12/%zz"})
    EXPECT_EQ(world_.get(me_, World::bucket() + path).status, 400) << path;
}

TEST_F(IsolationTest, ListsNothingOutsideItsPrefix) {
  for (const char* prefix :
       {"", "v", "v1", "v1/", "v1/account_id=", "v1/account_id=1", "v1/account_id=12",
        "v1/account_id=123", "v1/account_id=123/", "v1/account_id=1/", "/v1/account_id=12/",
        "V1/account_id=12/", "v1//account_id=12/", "./v1/account_id=12/", "v1/account_id=12%2500/"})
    for (const char* rest :
         {"", "&list-type=2", "&delimiter=%2F", "&delimiter=1", "&delimiter=2%2F",
          "&list-type=2&delimiter=v1%2Faccount_id%3D", "&max-keys=0"})
      expect_denied(world_.list(me_, "prefix=" + percent_encode(prefix) + rest),
                    std::string(prefix) + rest);
  expect_denied(world_.list(me_, ""), "no prefix");
  expect_denied(world_.list(me_, "list-type=2"), "no prefix");
  EXPECT_EQ(world_.store.lists, 0U) << "the index was asked for a denied listing";
}

TEST_F(IsolationTest, SaysWhatToDoAboutAMissingSlash) {
  const Reply reply = world_.list(me_, "list-type=2&prefix=v1%2Faccount_id%3D12&delimiter=%2F");
  EXPECT_EQ(reply.code(), "AccessDenied");
  EXPECT_THAT(reply.element("Message"), HasSubstr("slash"));
  EXPECT_THAT(reply.element("Message"), HasSubstr("v1/account_id=12/"));
  const Reply other = world_.list(me_, "list-type=2&prefix=v1%2Faccount_id%3D123");
  EXPECT_THAT(other.element("Message"), Not(HasSubstr("123")));
}

TEST_F(IsolationTest, AnswersItsOwnPrefixWithoutSlashAsAMissingKey) {
  EXPECT_EQ(world_.get(me_, world_.path_of("v1/account_id=12")).code(), "NoSuchKey");
  EXPECT_EQ(world_.get(they_, world_.path_of("v1/account_id=12")).code(), "AccessDenied");
}

TEST_F(IsolationTest, ShowsNoNeighbourThroughADelimiter) {
  for (const char* delimiter : {"/", "1", "2", "e", "12/", "v1", "=", "t"}) {
    const Reply reply =
        world_.list(me_, "prefix=v1%2Faccount_id%3D12%2F&delimiter=" + percent_encode(delimiter));
    EXPECT_EQ(reply.status, 200);
    expect_nothing_of_others(reply, delimiter);
    for (const std::string& prefix : reply.elements("Prefix"))
      EXPECT_TRUE(prefix.starts_with("v1/account_id=12/")) << prefix;
  }
}

TEST_F(IsolationTest, ConfinesMarkersToTheScope) {
  for (const char* marker : {"", "a", "v1/account_id=1", "v1/account_id=12", "v1/account_id=123/",
                             "v1/account_id=123/type=events/date=2020-09-14/part-8", "z", "\x7F"})
    for (const char* name : {"marker=", "list-type=2&start-after="}) {
      const Reply reply = world_.list(
          me_, name + percent_encode(marker) + "&prefix=v1%2Faccount_id%3D12%2F&max-keys=1");
      EXPECT_EQ(reply.status, 200);
      expect_nothing_of_others(reply, marker);
      const std::string& asked = world_.store.last_query.start_after;
      EXPECT_TRUE(asked.empty() || asked.starts_with("v1/account_id=12/")) << asked;
    }
}

TEST_F(IsolationTest, ShowsNothingOfAStoreThatLeaks) {
  world_.store.leaks = true;
  for (const char* rest : {"", "&delimiter=%2F", "&list-type=2"}) {
    const Reply reply = world_.list(me_, std::string("prefix=v1%2Faccount_id%3D12%2F") + rest);
    EXPECT_EQ(reply.status, 500) << rest;
    expect_nothing_of_others(reply, rest);
  }
}

TEST_F(IsolationTest, RefusesContinuationTokensOfAnybodyElse) {
  const auto first = [&](const Tenant& tenant, const std::string& rest) {
    return world_
        .list(tenant, "list-type=2&max-keys=1&prefix=" + percent_encode(tenant.prefix()) + rest)
        .element("NextContinuationToken");
  };
  const std::string mine = first(me_, "");
  const std::string theirs = first(they_, "");
  ASSERT_NE(mine, "");
  ASSERT_NE(theirs, "");
  const auto go_on = [&](const std::string& token, const std::string& rest) {
    return world_.list(me_, "list-type=2&continuation-token=" + percent_encode(token) + rest);
  };
  const std::string own = "&prefix=v1%2Faccount_id%3D12%2F";
  EXPECT_EQ(go_on(mine, own).status, 200);
  for (const auto& [token, rest] :
       std::vector<std::pair<std::string, std::string>>{{theirs, own},
                                                        {mine, own + "type"},
                                                        {mine, own + "&delimiter=%2F"},
                                                        {"", own},
                                                        {"AAAA", own},
                                                        {mine + "A", own},
                                                        {mine.substr(1), own}}) {
    const Reply reply = go_on(token, rest);
    EXPECT_EQ(reply.status, 400) << rest;
    EXPECT_EQ(reply.code(), "InvalidArgument") << rest;
    expect_nothing_of_others(reply, rest);
  }
  expect_denied(go_on(theirs, "&prefix=v1%2Faccount_id%3D123%2F"), "their prefix");
}

TEST_F(IsolationTest, RefusesRepeatedParameters) {
  const std::string both = "prefix=v1%2Faccount_id%3D12%2F&";
  for (const char* second : {"prefix=v1%2Faccount_id%3D123%2F", "pref%69x=v1%2F", "prefix",
                             "delimiter=%2F&delimiter=", "list-type=2&list-type=1"}) {
    const Reply reply = world_.list(me_, both + second);
    EXPECT_EQ(reply.status, 400) << second;
    EXPECT_EQ(reply.code(), "InvalidArgument") << second;
  }
}

TEST_F(IsolationTest, RefusesASecondSessionToken) {
  Ask ask = world_.sign(me_, ask_for(world_.path_of(kMine)));
  Ask twice = ask;
  twice.headers.emplace_back("X-Amz-Security-Token",
                             std::string(they_.credentials.session_token.reveal()));
  EXPECT_EQ(world_.send(twice).code(), "InvalidArgument");
  Ask in_both = world_.presign(me_, ask_for(world_.path_of(kMine)));
  in_both.headers.emplace_back("X-Amz-Security-Token",
                               std::string(they_.credentials.session_token.reveal()));
  EXPECT_NE(world_.send(in_both).status, 200);
}

TEST_F(IsolationTest, RefusesACopiedSessionTokenWithoutItsSecret) {
  Tenant thief = me_;
  thief.credentials.session_token = they_.credentials.session_token;
  EXPECT_EQ(world_.get(thief, world_.path_of(kTheirs)).code(), "InvalidToken");
  thief.credentials.access_key_id = they_.credentials.access_key_id;
  EXPECT_EQ(world_.get(thief, world_.path_of(kTheirs)).code(), "SignatureDoesNotMatch");
  EXPECT_EQ(world_.get(they_, world_.path_of(kTheirs)).status, 200);
  EXPECT_EQ(world_.get(thief, world_.path_of(kTheirs)).code(), "SignatureDoesNotMatch")
      << "also when the session is in the cache";
}

TEST_F(IsolationTest, RefusesASessionTokenWithAnyBitFlipped) {
  const std::string token(me_.credentials.session_token.reveal());
  for (std::size_t at = 0; at < token.size(); ++at)
    for (const int bit : {0, 1, 5}) {
      std::string flipped = token;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      Tenant forger = me_;
      forger.credentials.session_token = Secret(flipped);
      const Reply reply = world_.get(forger, world_.path_of(kMine));
      EXPECT_EQ(reply.status, 400) << at;
      EXPECT_EQ(reply.code(), "InvalidToken") << at;
    }
}

TEST_F(IsolationTest, RefusesATemporaryKeyWithoutItsSessionToken) {
  Ask ask = ask_for(world_.path_of(kMine));
  ask.headers = {{"Host", "h"}};
  sigv4::ToSign request;
  request.path = ask.path;
  request.headers = ask.headers;
  sigv4::SigningCredentials bare = me_.signing();
  bare.session_token.reset();
  for (auto& header : sigv4::sign_headers(request, bare, world_.clock.now()))
    ask.headers.push_back(std::move(header));
  EXPECT_EQ(world_.send(ask).code(), "InvalidAccessKeyId");
}

TEST_F(IsolationTest, BindsAPresignedUrlToWhatWasSigned) {
  const Ask good = world_.presign(me_, ask_for(world_.path_of(kMine)));
  EXPECT_EQ(world_.send(good).status, 200);
  Ask other_key = good;
  other_key.path = world_.path_of("v1/account_id=12/type=events/date=2020-09-15/part-2");
  EXPECT_EQ(world_.send(other_key).code(), "SignatureDoesNotMatch");
  Ask other_method = good;
  other_method.method = "HEAD";
  EXPECT_EQ(world_.send(other_method).status, 403);
  Ask overridden = good;
  overridden.query += "&response-content-type=text%2Fhtml";
  EXPECT_EQ(world_.send(overridden).code(), "SignatureDoesNotMatch");
  Ask longer = good;
  longer.query.replace(longer.query.find("X-Amz-Expires=300"), 17, "X-Amz-Expires=604800");
  EXPECT_EQ(world_.send(longer).code(), "SignatureDoesNotMatch");
  Ask elsewhere = good;
  elsewhere.headers = {{"Host", "other.s3.example.com"}};
  EXPECT_EQ(world_.send(elsewhere).code(), "SignatureDoesNotMatch");
}

TEST_F(IsolationTest, GivesAPresignedUrlNoMoreThanItsSessionMay) {
  expect_denied(world_.send(world_.presign(me_, ask_for(world_.path_of(kTheirs)))), "theirs");
  world_.clock.advance(299s);
  const Ask url = world_.presign(me_, ask_for(world_.path_of(kMine)), 7 * 24h);
  world_.clock.advance(1h);
  EXPECT_EQ(world_.send(url).code(), "ExpiredToken") << "the session ends before the URL does";
}

TEST_F(IsolationTest, TreatsAnotherBucketAsForbidden) {
  for (const char* path : {"/other", "/other/v1/account_id=12/part", "/OPTIMIZELY-EVENTS-DATA",
                           "/optimizely-events-data2/v1/account_id=12/part",
                           "//optimizely-events-data/v1/account_id=12/part", "/", "//", "/%20"})
    expect_denied(world_.get(me_, path, "prefix=v1%2Faccount_id%3D12%2F"), path);
}

TEST_F(IsolationTest, LetsNoHostNameAnotherBucketThanItServes) {
  Ask ask = ask_for(world_.path_of(kMine));
  ask.headers = {{"Host", "other.s3.example.com"}};
  expect_denied(world_.send_signed(me_, ask), "virtual host of another bucket");
  // The bucket in the host, and once more in the path: then it is part of the key.
  ask.headers = {{"Host", "optimizely-events-data.s3.example.com"}};
  expect_denied(world_.send_signed(me_, ask), "twice");
  Ask two_hosts = world_.sign(me_, ask_for(world_.path_of(kMine)));
  two_hosts.headers.emplace_back("Host", "other.s3.example.com");
  EXPECT_EQ(world_.send(two_hosts).status, 400);
}

TEST_F(IsolationTest, WritesNothing) {
  for (const char* method : {"PUT", "POST", "DELETE"})
    for (const std::string& path :
         {world_.path_of(kMine), world_.path_of(kTheirs), World::bucket(), std::string("/")})
      for (const char* query : {"", "uploads", "delete", "acl", "uploadId=1&partNumber=1"}) {
        Ask ask = ask_for(path, query);
        ask.method = method;
        expect_denied(world_.send_signed(me_, ask), method + path + query);
      }
  Ask patch = ask_for(world_.path_of(kMine));
  patch.method = "PATCH";
  EXPECT_EQ(world_.send_signed(me_, patch).code(), "MethodNotAllowed");
}

TEST_F(IsolationTest, ChecksTheBodyItWasPromised) {
  Ask ask = ask_for(world_.path_of(kMine));
  ask.method = "PUT";
  ask.headers = {{"Host", "h"}};
  sigv4::ToSign request;
  request.method = "PUT";
  request.path = ask.path;
  request.headers = ask.headers;
  request.payload_hash = sha256_hex("promised");
  for (auto& header : sigv4::sign_headers(request, me_.signing(), world_.clock.now()))
    ask.headers.push_back(std::move(header));
  ask.body = "sent";
  EXPECT_EQ(world_.send(ask).code(), "XAmzContentSHA256Mismatch");
  ask.body = "promised";
  EXPECT_EQ(world_.send(ask).code(), "AccessDenied");
  ask.body.clear();
  ask.body_complete = false;
  EXPECT_EQ(world_.send(ask).code(), "AccessDenied");
}

TEST_F(IsolationTest, AuthenticatesBeforeItAuthorises) {
  for (const char* path : {"/", "/other", "/optimizely-events-data/v1/account_id=123/x"})
    for (const char* method : {"GET", "PUT", "DELETE"}) {
      Ask ask = ask_for(path);
      ask.method = method;
      ask = world_.sign(me_, ask);
      ask.headers.back().second.back() = ask.headers.back().second.back() == '0' ? '1' : '0';
      EXPECT_EQ(world_.send(ask).code(), "SignatureDoesNotMatch") << method << path;
    }
  EXPECT_THAT(world_.hooks.reasons, testing::Each("signature_mismatch"));
}

}  // namespace
}  // namespace valetkey::s3
