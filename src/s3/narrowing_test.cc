// SPDX-License-Identifier: Apache-2.0
// What a malicious holder of a limited token would try: account 12, whose token opens its decisions
// and one day of its events, from 10.0.0.0/8 alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "s3/testing/world.h"

namespace valetkey::s3 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kMine = "v1/account_id=12/";
const std::string kDecisions = kMine + "type=decisions/";
const std::string kDay = kMine + "type=events/date=2020-09-14/";
constexpr const char* kInside = "10.1.2.3";

class NarrowingTest : public testing::Test {
 protected:
  NarrowingTest() {
    for (const std::string& key :
         {kDecisions + "date=2020-09-14/experiment=1/part-1", kDecisions + "date=2020-09-15/part-2",
          kDay + "event=a/part-3", kMine + "type=events/date=2020-09-15/secret",
          kMine + "type=events/date=2020-09-1/secret", kMine + "type=decisions2/secret",
          kMine + "type=decision/secret", kMine + "a-secret", kMine + "z-secret",
          std::string("v1/account_id=123/type=decisions/secret")})
      world_.store.put(key, "content of " + key, world_.clock.now());
  }
  Reply ask(Ask ask, const std::string& client = kInside) {
    ask.client = client;
    return world_.send(world_.sign(me_, std::move(ask)));
  }
  Reply get(const std::string& key, const std::string& client = kInside) {
    return ask({.path = world_.path_of(key)}, client);
  }
  Reply list(const std::string& prefix, const std::string& rest = "") {
    return ask({.path = World::bucket(), .query = "prefix=" + percent_encode(prefix) + rest});
  }
  static void expect_denied(const Reply& reply, const std::string& what) {
    EXPECT_EQ(reply.status, 403) << what;
    EXPECT_EQ(reply.code(), "AccessDenied") << what;
  }

  World world_;
  Tenant me_ = world_.tenant(
      "12", std::chrono::hours(1),
      control::Narrowing::make({.prefixes = {"type=decisions/", "type=events/date=2020-09-14/"},
                                .sources = {"10.0.0.0/8"}})
          .value());
};

TEST_F(NarrowingTest, OpensWhatItSays) {
  EXPECT_EQ(get(kDecisions + "date=2020-09-14/experiment=1/part-1").status, 200);
  EXPECT_EQ(get(kDay + "event=a/part-3").status, 200);
  EXPECT_EQ(ask({.method = "HEAD", .path = world_.path_of(kDay + "event=a/part-3")}).status, 200);
  EXPECT_THAT(list(kDecisions).elements("Key"),
              ElementsAre(kDecisions + "date=2020-09-14/experiment=1/part-1",
                          kDecisions + "date=2020-09-15/part-2"));
  EXPECT_THAT(list(kDecisions + "date=2020-09-1", "&delimiter=%2F").elements("Prefix"),
              testing::Contains(kDecisions + "date=2020-09-15/"));
  EXPECT_THAT(list(kDay).elements("Key"), ElementsAre(kDay + "event=a/part-3"));
  EXPECT_EQ(ask({.path = World::bucket(), .query = "location"}).status, 200);
}

TEST_F(NarrowingTest, ReadsNothingBesideIt) {
  for (const std::string& below :
       {"type=events/date=2020-09-15/secret", "type=events/date=2020-09-1/secret",
        "type=decisions2/secret", "type=decision/secret", "a-secret", "z-secret", "none",
        "type=events/none", "type=events/../type=decisions/date=2020-09-15/part-2",
        "Type=decisions/date=2020-09-15/part-2", "/type=decisions/date=2020-09-15/part-2"}) {
    const std::string key = kMine + below;
    for (const char* method : {"GET", "HEAD"})
      EXPECT_EQ(ask({.method = method, .path = world_.path_of(key)}).status, 403) << method << key;
    Ask presigned = world_.presign(me_, {.path = world_.path_of(key)});
    presigned.client = kInside;
    expect_denied(world_.send(presigned), key);
  }
}

TEST_F(NarrowingTest, TakesEncodedNamesForWhatTheyDecodeTo) {
  const std::string bucket = World::bucket() + "/v1/account_id=12/";
  EXPECT_EQ(ask({.path = bucket + "type%3Ddecisions/date%3D2020-09-15/part-2"}).status, 200);
  for (const char* below :
       {"type%3Ddecisions%2F..%2Ftype=events/date=2020-09-15/secret", "type%3Ddecisions2/secret",
        "type=decisions/..%2F..%2Ftype=decisions2/secret", "type%253Ddecisions/part-2",
        "type=decisions%5Csecret"})
    EXPECT_THAT(ask({.path = bucket + below}).status, testing::AnyOf(403, 404)) << below;
}

TEST_F(NarrowingTest, ListsNoWiderPrefixAsAwsWouldNot) {
  for (const std::string& prefix :
       {std::string(), kMine, kMine + "type=", kMine + "type=decisions2/", kMine + "type=events/",
        kMine + "type=events/date=2020-09-1", kMine + "type=events/date=2020-09-15/",
        std::string("v1/account_id=12"), std::string("v1/account_id=123/type=decisions/")})
    for (const std::string& rest :
         {"", "&delimiter=%2F", "&list-type=2&delimiter=%2F", "&max-keys=0", "&versions",
          "&uploads", "&list-type=2&start-after=v1%2Faccount_id%3D12%2Ftype%3Ddecisions%2F"})
      expect_denied(list(prefix, rest), prefix + rest);
  EXPECT_EQ(world_.store.lists, 0U) << "the index was asked for a denied listing";
  EXPECT_EQ(list(kDecisions, "&versions").status, 501);
}

TEST_F(NarrowingTest, SaysWhatItListsAndThatASlashIsMissing) {
  const Reply wide = list(kMine, "&list-type=2");
  EXPECT_THAT(wide.element("Message"), HasSubstr(kDecisions + " or " + kDay));
  const Reply bare = list(kMine + "type=decisions", "&list-type=2");
  EXPECT_THAT(bare.element("Message"), HasSubstr("lacks its last slash"));
  EXPECT_EQ(get(kMine + "type=decisions").code(), "NoSuchKey") << "as rclone asks";
}

TEST_F(NarrowingTest, ShowsNothingBesideItThroughDelimitersAndMarkers) {
  for (const std::string& marker :
       {std::string("a"), kMine, kMine + "type=decisions2/", kMine + "type=events/date=2020-09-14/",
        kMine + "z", std::string("z")})
    for (const char* name : {"marker=", "list-type=2&start-after="})
      for (const char* delimiter : {"", "&delimiter=%2F", "&delimiter=s", "&delimiter=2"}) {
        const Reply reply =
            list(kDecisions, std::string("&") + name + percent_encode(marker) + delimiter);
        EXPECT_EQ(reply.status, 200);
        for (const char* element : {"Key", "Prefix"})
          for (const std::string& found : reply.elements(element))
            EXPECT_TRUE(found.starts_with(kDecisions)) << found;
        const std::string& asked = world_.store.last_query.start_after;
        EXPECT_TRUE(asked.empty() || asked.starts_with(kDecisions)) << asked;
      }
}

TEST_F(NarrowingTest, GoesOnWithAContinuationTokenInsideOnly) {
  Tenant whole = world_.tenant("12");
  const auto token_of = [](const Reply& reply) {
    return "&continuation-token=" + percent_encode(reply.element("NextContinuationToken"));
  };
  const Reply first = list(kDecisions, "&list-type=2&max-keys=1");
  ASSERT_EQ(first.element("IsTruncated"), "true");
  EXPECT_THAT(list(kDecisions, "&list-type=2" + token_of(first)).elements("Key"),
              ElementsAre(kDecisions + "date=2020-09-15/part-2"));
  // A token of the same account's unlimited session for a wider listing is of no use here.
  const Reply wide = world_.list(whole, "list-type=2&max-keys=1&prefix=" + percent_encode(kMine));
  ASSERT_EQ(wide.element("IsTruncated"), "true");
  expect_denied(list(kMine, "&list-type=2" + token_of(wide)), "its own prefix");
  EXPECT_EQ(list(kDecisions, "&list-type=2" + token_of(wide)).code(), "InvalidArgument");
}

TEST_F(NarrowingTest, AnswersFromItsNetworksOnly) {
  const std::string key = kDay + "event=a/part-3";
  for (const char* client : {"10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"})
    EXPECT_EQ(get(key, client).status, 200) << client;
  for (const char* client : {"9.255.255.255", "11.0.0.0", "127.0.0.1", "::1", "::10.1.2.3",
                             "64:ff9b::10.1.2.3", "::ffff:11.0.0.1"}) {
    const Reply reply = get(key, client);
    expect_denied(reply, client);
    EXPECT_THAT(reply.element("Message"), HasSubstr("limited to other networks")) << client;
    EXPECT_THAT(reply.body, Not(HasSubstr("10.0.0.0"))) << "which ones is nobody's business";
  }
  EXPECT_EQ(world_.hooks.reasons.back(), "outside_network");
  Ask presigned = world_.presign(me_, {.path = world_.path_of(key)});
  expect_denied(world_.send(presigned), "a presigned URL that left its network");
  Ask location{.path = World::bucket(), .query = "location"};
  expect_denied(ask(location, "192.0.2.1"), "the bucket itself");
}

TEST_F(NarrowingTest, TrustsNoHeaderAboutItsNetwork) {
  for (const char* name : {"X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Client-IP"}) {
    Ask spoofed{.path = world_.path_of(kDay + "event=a/part-3"), .headers = {{name, kInside}}};
    expect_denied(ask(spoofed, "192.0.2.1"), name);
  }
}

}  // namespace
}  // namespace valetkey::s3
