// SPDX-License-Identifier: Apache-2.0
#include "client/listing.h"

#include <gtest/gtest.h>

namespace valetkey::client {
namespace {

std::string listing(const std::string& inner) {
  return "<?xml version=\"1.0\"?><ListBucketResult "
         "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
         "<EncodingType>url</EncodingType>" +
         inner + "</ListBucketResult>";
}
std::string object(const std::string& key, const std::string& size) {
  return "<Contents><Key>" + key +
         "</Key><LastModified>2020-09-14T11:21:28.123Z</LastModified>"
         "<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>" +
         size + "</Size></Contents>";
}

TEST(Listing, DecodesKeysAndPrefixes) {
  const auto page =
      parse_listing(listing(object("a/x%2By+%25z%E2%82%AC", "12") +
                            "<CommonPrefixes><Prefix>p+q/</Prefix></CommonPrefixes>"));
  ASSERT_TRUE(page) << page.error().detail;
  ASSERT_EQ(page->objects.size(), 1U);
  EXPECT_EQ(page->objects[0].key, "a/x+y %z\u20AC");
  EXPECT_EQ(page->objects[0].etag, "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(page->objects[0].size, 12U);
  EXPECT_EQ(format_iso8601(page->objects[0].modified), "2020-09-14T11:21:28Z");
  EXPECT_EQ(page->common_prefixes, std::vector<std::string>{"p q/"});
  EXPECT_EQ(page->continuation, "");
}

TEST(Listing, SaysWhereItGoesOn) {
  const auto page = parse_listing(
      listing("<IsTruncated>true</IsTruncated><NextContinuationToken>t+%</NextContinuationToken>"));
  ASSERT_TRUE(page);
  EXPECT_EQ(page->continuation, "t+%");
}

TEST(Listing, RefusesWhatIsNotOne) {
  for (const std::string& xml :
       {std::string(), std::string("<html></html>"), listing("<IsTruncated>true</IsTruncated>"),
        listing(object("", "1")), listing(object("a", "-1")), listing(object("a", "")),
        listing(object("a%2", "1")), listing(object("a", "99999999999999999999")),
        listing(object("a", "1")).substr(0, 200),
        std::string("<ListBucketResult>" + object("a", "1") + "</ListBucketResult>")}) {
    const auto page = parse_listing(xml);
    ASSERT_FALSE(page) << xml;
    EXPECT_TRUE(page.error().code == ErrorCode::corrupt || page.error().code == ErrorCode::invalid);
  }
}

TEST(Listing, ReadsErrors) {
  const S3Fault fault =
      parse_fault("<Error><Code>SlowDown</Code><Message>later\n</Message></Error>");
  EXPECT_EQ(fault.code, "SlowDown");
  EXPECT_EQ(fault.message, "later?");
  EXPECT_EQ(parse_fault("<html>").code, "");
}

TEST(Listing, TakesOnlyAPlainEtagForAnMd5) {
  EXPECT_EQ(md5_of_etag("d41d8cd98f00b204e9800998ecf8427e"), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(md5_of_etag("d41d8cd98f00b204e9800998ecf8427e-2"), "");
  EXPECT_EQ(md5_of_etag("D41d8cd98f00b204e9800998ecf8427e"), "");
}

}  // namespace
}  // namespace valetkey::client
