// SPDX-License-Identifier: Apache-2.0
// The protocol as a well-behaved client sees it: every row and sentence of what S3 answers.
#include "s3/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "s3/testing/three_objects.h"

namespace valetkey::s3 {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(ServiceTest, GivesAnObjectWithWhatS3SaysOfIt) {
  const Reply reply = object(kKey);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, kContent);
  EXPECT_EQ(reply.header("ETag"), "\"781e5e245d69b566979b86e28d23f2c7\"");
  EXPECT_EQ(reply.header("Last-Modified"), "Sat, 12 Sep 2020 12:26:40 GMT");
  EXPECT_EQ(reply.header("Content-Type"), "binary/octet-stream");
  EXPECT_EQ(reply.header("Accept-Ranges"), "bytes");
  EXPECT_EQ(reply.header("x-amz-server-side-encryption"), "AES256");
  EXPECT_EQ(reply.header("x-amz-checksum-crc32"), "");
  EXPECT_EQ(object(kEmpty).status, 200);
  EXPECT_EQ(object(kEmpty).body, "");
}

TEST_F(ServiceTest, GivesObjectsOfEverySmallSize) {
  for (const std::size_t size : {1, 15, 16, 17, 29, 30, 31, 100, 65'535, 65'536, 65'537}) {
    const std::string key = "v1/account_id=12/size-" + std::to_string(size);
    world_.store.put(key, large_content().substr(0, size), world_.clock.now());
    const Reply reply = object(key.c_str());
    EXPECT_EQ(reply.status, 200) << size;
    EXPECT_EQ(reply.body, large_content().substr(0, size)) << size;
  }
}

TEST_F(ServiceTest, PutsTheProtectiveHeadersOnEveryAnswer) {
  for (const Reply& reply : {object(kKey), object("v1/account_id=12/none"), world_.send({})}) {
    EXPECT_EQ(reply.header("Content-Security-Policy"), "sandbox; default-src 'none'");
    EXPECT_EQ(reply.header("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(reply.header("x-amz-request-id"), "11111111-2222-4333-8444-555555555555");
    EXPECT_NE(reply.header("x-amz-id-2"), "");
  }
}

TEST_F(ServiceTest, StreamsALargeObjectAndBlocksOnlyOnThePool) {
  for (const bool in_cache : {true, false})
    for (const bool blocks : {false, true}) {
      world_.store.in_cache = in_cache;
      world_.store.blocks = blocks;
      EXPECT_EQ(object(kLarge).body, large_content());
      EXPECT_EQ(object(kKey).body, kContent);
      EXPECT_EQ(object(kKey, {}, "", "HEAD").declared_length, kContent.size());
    }
}

TEST_F(ServiceTest, AnswersRanges) {
  const Reply first = object(kKey, {{"Range", "bytes=2-4"}});
  EXPECT_EQ(first.status, 206);
  EXPECT_EQ(first.body, "234");
  EXPECT_EQ(first.header("Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(object(kKey, {{"Range", "bytes=7-"}}).body, "789");
  EXPECT_EQ(object(kKey, {{"Range", "bytes=-2"}}).body, "89");
  EXPECT_EQ(object(kKey, {{"Range", "bytes=0-1,3-4"}}).status, 200) << "S3 sends all of it";
  EXPECT_EQ(object(kLarge, {{"Range", "bytes=65535-265536"}}).body,
            large_content().substr(65535, 200'002));
}

TEST_F(ServiceTest, RefusesARangeBehindTheEnd) {
  const Reply reply = object(kKey, {{"Range", "bytes=10-"}});
  EXPECT_EQ(reply.status, 416);
  EXPECT_EQ(reply.code(), "InvalidRange");
  EXPECT_EQ(reply.header("Content-Range"), "bytes */10");
  EXPECT_EQ(reply.element("ActualObjectSize"), "10");
  EXPECT_EQ(reply.element("RangeRequested"), "bytes=10-");
}

TEST_F(ServiceTest, HeadTellsWhatGetWouldSend) {
  const Reply reply = object(kKey, {}, "", "HEAD");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(reply.declared_length, kContent.size());
  EXPECT_EQ(reply.header("Content-Type"), "binary/octet-stream");
  const Reply part = object(kKey, {{"Range", "bytes=2-4"}}, "", "HEAD");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.declared_length, 3U);
  const Reply missing = object("v1/account_id=12/none", {}, "", "HEAD");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.body, "");
}

TEST_F(ServiceTest, AnswersConditions) {
  const std::string etag = "\"781e5e245d69b566979b86e28d23f2c7\"";
  const Reply unchanged = object(kKey, {{"If-None-Match", etag}});
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_EQ(unchanged.body, "");
  EXPECT_EQ(unchanged.header("ETag"), etag);
  const Reply failed = object(kKey, {{"If-Match", "\"x\""}});
  EXPECT_EQ(failed.status, 412);
  EXPECT_EQ(failed.code(), "PreconditionFailed");
  EXPECT_EQ(failed.element("Condition"), "If-Match");
  EXPECT_EQ(object(kKey, {{"Range", "bytes=0-1"}, {"If-Range", etag}}).body, "01");
  EXPECT_EQ(object(kKey, {{"Range", "bytes=0-1"}, {"If-Range", "\"x\""}}).body, kContent);
}

TEST_F(ServiceTest, AppliesResponseOverrides) {
  const Reply reply =
      object(kKey, {},
             "response-cache-control=no-cache&response-content-disposition=attachment%3B%20filename"
             "%3Dx&response-content-encoding=gzip&response-content-language=de&response-content-"
             "type=text%2Fplain&response-expires=0");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("Cache-Control"), "no-cache");
  EXPECT_EQ(reply.header("Content-Disposition"), "attachment; filename=x");
  EXPECT_EQ(reply.header("Content-Encoding"), "gzip");
  EXPECT_EQ(reply.header("Content-Language"), "de");
  EXPECT_EQ(reply.header("Content-Type"), "text/plain");
  EXPECT_EQ(reply.header("Expires"), "0");
}

TEST_F(ServiceTest, RefusesAnOverrideThatIsNoHeaderValue) {
  for (const char* value : {"a%0D%0AX-Evil%3A%201", "%C3%A9", "%7F", "%01", ""}) {
    const Reply reply = object(kKey, {}, std::string("response-content-type=") + value);
    EXPECT_EQ(reply.status, 400) << value;
    EXPECT_EQ(reply.code(), "InvalidArgument") << value;
    EXPECT_EQ(reply.header("X-Evil"), "");
  }
}

TEST_F(ServiceTest, GivesTheChecksumOfAWholeObjectOnRequest) {
  const Reply whole = object(kKey, {{"x-amz-checksum-mode", "ENABLED"}});
  EXPECT_EQ(whole.header("x-amz-checksum-crc32"), "poTHxg==");
  EXPECT_EQ(whole.header("x-amz-checksum-type"), "FULL_OBJECT");
  const Reply part = object(kKey, {{"x-amz-checksum-mode", "ENABLED"}, {"Range", "bytes=0-1"}});
  EXPECT_EQ(part.header("x-amz-checksum-crc32"), "");
  EXPECT_EQ(part.header("x-amz-checksum-type"), "");
}

TEST_F(ServiceTest, KnowsOnePartOfEveryObject) {
  EXPECT_EQ(object(kKey, {}, "partNumber=1").status, 206);
  EXPECT_EQ(object(kKey, {}, "partNumber=1").body, kContent);
  EXPECT_EQ(object(kEmpty, {}, "partNumber=1").status, 200);
  EXPECT_EQ(object(kKey, {}, "partNumber=2").code(), "InvalidPartNumber");
  for (const char* number : {"0", "-1", "10001", "x", "", "1x"})
    EXPECT_EQ(object(kKey, {}, std::string("partNumber=") + number).code(), "InvalidArgument");
  EXPECT_EQ(object(kKey, {{"Range", "bytes=0-1"}}, "partNumber=1").code(), "InvalidRequest");
}

TEST_F(ServiceTest, FindsTheBucketAndItsPlace) {
  Ask head;
  head.method = "HEAD";
  head.path = World::bucket();
  const Reply bucket = world_.send_signed(me_, head);
  EXPECT_EQ(bucket.status, 200);
  EXPECT_EQ(bucket.header("x-amz-bucket-region"), "us-east-1");
  const Reply location = world_.list(me_, "location");
  EXPECT_EQ(location.status, 200);
  EXPECT_THAT(location.body, HasSubstr("<LocationConstraint xmlns="));
  EXPECT_THAT(location.body, testing::EndsWith("/>"));
  EXPECT_EQ(location.header("x-amz-bucket-region"), "us-east-1");
}

class ElsewhereTest : public ServiceTest {
 protected:
  ElsewhereTest() : ServiceTest(options()) {}
  static Options options() {
    Options options = World::defaults();
    options.region = "eu-central-1";
    options.strict_region = true;
    return options;
  }
};

TEST_F(ElsewhereTest, NamesAnotherRegionAndInsistsOnIt) {
  Ask ask;
  ask.path = World::bucket();
  ask.query = "location";
  const Reply right = world_.send(world_.sign(me_, ask, "eu-central-1"));
  EXPECT_THAT(right.body, HasSubstr(">eu-central-1</LocationConstraint>"));
  const Reply wrong = world_.send(world_.sign(me_, ask, "us-east-1"));
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(wrong.code(), "AuthorizationHeaderMalformed");
  EXPECT_EQ(wrong.element("Region"), "eu-central-1");
}

TEST_F(ServiceTest, TakesAnyRegionByDefault) {
  Ask ask;
  ask.path = world_.path_of(kKey);
  EXPECT_EQ(world_.send(world_.sign(me_, ask, "mars-north-7")).status, 200);
}

TEST_F(ServiceTest, ServesVirtualHostedStyle) {
  Ask ask;
  ask.path = "/v1/account_id%3D12/empty";
  ask.headers = {{"Host", std::string(World::kBucket) + ".s3.example.com:9000"}};
  EXPECT_EQ(world_.send_signed(me_, ask).status, 200);
  ask.path = "/";
  ask.query = "list-type=2&prefix=v1%2Faccount_id%3D12%2F";
  EXPECT_EQ(world_.send_signed(me_, ask).element("KeyCount"), "3");
}

TEST_F(ServiceTest, NamesTheSettingWhereVirtualHostedStyleIsNotUnderstood) {
  Ask ask;
  ask.path = "/v1/account_id%3D12/empty";
  ask.headers = {{"Host", std::string(World::kBucket) + ".other.example:9000"}};
  for (const char* path : {"/v1/account_id%3D12/empty", "/"}) {
    ask.path = path;
    const Reply reply = world_.send_signed(me_, ask);
    EXPECT_EQ(reply.code(), "AccessDenied");
    EXPECT_THAT(reply.element("Message"), HasSubstr("[s3] domain"));
  }
  EXPECT_EQ(world_.send(ask).element("Message"), "Access Denied") << "a stranger learns nothing";
  ask.headers = {{"Host", "another-bucket.other.example"}};
  EXPECT_THAT(world_.send_signed(me_, ask).body, testing::Not(HasSubstr("domain")));
}

TEST_F(ServiceTest, NamesWhatIsNoPayloadHash) {
  Ask ask;
  ask.path = world_.path_of(kKey);
  ask = world_.sign(me_, ask);
  for (auto& [name, value] : ask.headers)
    if (name == "x-amz-content-sha256") value = "garbage";
  const Reply reply = world_.send(ask);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.code(), "InvalidArgument");
  EXPECT_EQ(reply.element("ArgumentName"), "x-amz-content-sha256");
}

TEST_F(ServiceTest, ServesPresignedGetAndHead) {
  Ask ask;
  ask.path = world_.path_of(kKey);
  EXPECT_EQ(world_.send(world_.presign(me_, ask)).body, kContent);
  ask.method = "HEAD";
  EXPECT_EQ(world_.send(world_.presign(me_, ask)).declared_length, kContent.size());
  ask.query = "response-content-type=text%2Fcsv";
  EXPECT_EQ(world_.send(world_.presign(me_, ask)).header("Content-Type"), "text/csv");
}

TEST_F(ServiceTest, IgnoresParametersThatS3Ignores) {
  EXPECT_EQ(object(kKey, {}, "x-id=GetObject").status, 200);
  EXPECT_EQ(object(kKey, {}, "cache-buster=1").status, 200);
  EXPECT_EQ(object(kKey, {}, "versionId=null").status, 200);
}

TEST_F(ServiceTest, NeverAnswersASubresourceWithTheObject) {
  for (const char* query :
       {"acl", "tagging", "torrent", "retention", "legal-hold", "attributes", "versionId=abc",
        "uploadId=1", "select&select-type=2", "acl=", "acl=x", "restore", "something-new"}) {
    const Reply inside = object(kKey, {}, query);
    EXPECT_EQ(inside.status, 501) << query;
    EXPECT_EQ(inside.code(), "NotImplemented") << query;
    EXPECT_EQ(object(kKey, {}, query, "HEAD").status, 501) << query;
    EXPECT_EQ(object("v1/account_id=123/secret", {}, query).code(), "AccessDenied") << query;
  }
}

TEST_F(ServiceTest, NeverAnswersASubresourceWithAListing) {
  for (const char* query :
       {"acl", "policy", "versioning", "tagging", "uploads", "versions", "cors", "lifecycle",
        "policyStatus", "object-lock", "session", "something-new"}) {
    EXPECT_EQ(world_.list(me_, query).code(), "AccessDenied") << query;
    EXPECT_EQ(world_.list(me_, std::string(query) + "&prefix=v1%2Faccount_id%3D12%2F").code(),
              "NotImplemented")
        << query;
  }
}

TEST_F(ServiceTest, HonoursTheHeadersThatRestrictARequest) {
  EXPECT_EQ(object(kKey, {{"x-amz-expected-bucket-owner", "12"}}).status, 200);
  EXPECT_EQ(object(kKey, {{"x-amz-expected-bucket-owner", "123456789012"}}).code(), "AccessDenied");
  Ask list;
  list.path = World::bucket();
  list.query = "prefix=v1%2Faccount_id%3D12%2F";
  list.headers = {{"x-amz-expected-bucket-owner", "123456789012"}};
  EXPECT_EQ(world_.send_signed(me_, list).code(), "AccessDenied");
  EXPECT_EQ(object(kKey, {{"x-amz-server-side-encryption-customer-algorithm", "AES256"}}).code(),
            "InvalidRequest");
}

TEST_F(ServiceTest, FailsACorruptObjectAndNeverCompletesIt) {
  world_.store.corrupt = {kKey, kLarge};
  const Reply small = object(kKey);
  EXPECT_EQ(small.status, 500);
  EXPECT_EQ(small.code(), "InternalError");
  EXPECT_THAT(small.body, testing::Not(HasSubstr("authenticate")));
  EXPECT_TRUE(object(kLarge).aborted);
  EXPECT_THAT(world_.hooks.corrupt, ElementsAre(kKey, kLarge));
}

TEST_F(ServiceTest, TellsNothingOfWhatFailedInside) {
  world_.store.failure = Error{ErrorCode::io, "/var/lib/secret-place: Input/output error"};
  for (const Reply& reply : {object(kKey), world_.list(me_, "prefix=v1%2Faccount_id%3D12%2F")}) {
    EXPECT_EQ(reply.status, 500);
    EXPECT_THAT(reply.body, testing::Not(HasSubstr("secret-place")));
  }
  world_.store.failure = Error{ErrorCode::busy, "locked"};
  const Reply busy = object(kKey);
  EXPECT_EQ(busy.code(), "ServiceUnavailable");
  EXPECT_EQ(busy.header("Retry-After"), "1");
}

TEST_F(ServiceTest, AsksAgainWhatIsBusyForAMoment) {
  world_.store.in_cache = false;
  world_.store.busy_times = 3;
  EXPECT_EQ(object(kKey).status, 200);
  EXPECT_EQ(world_.store.busy_times, 0);
}

TEST_F(ServiceTest, AnswersInXmlWhatNeverBecameARequest) {
  for (const auto& [status, code] : {std::pair{400, "BadRequest"},
                                     {408, "RequestTimeout"},
                                     {431, "RequestHeaderSectionTooLarge"},
                                     {500, "InternalError"},
                                     {503, "SlowDown"}}) {
    http::Request head;
    head.id = "id-1";
    const http::Response response = world_.service.refuse(status, head);
    EXPECT_EQ(response.status(), status);
    EXPECT_THAT(response.body_bytes(), HasSubstr(std::string("<Code>") + code + "</Code>"));
    EXPECT_THAT(response.head_lines(), HasSubstr("x-amz-request-id: id-1\r\n"));
    EXPECT_THAT(response.head_lines(), HasSubstr("nosniff"));
  }
}

}  // namespace
}  // namespace valetkey::s3
