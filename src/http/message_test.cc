// SPDX-License-Identifier: Apache-2.0
#include "http/message.h"

#include <gtest/gtest.h>

#include "http/internal/proxies.h"

namespace valetkey::http {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::optional<Pairs> pairs(std::string_view query, bool plus = true) {
  const auto parameters = parse_query(query, plus);
  if (!parameters) return std::nullopt;
  Pairs result;
  for (const auto& p : *parameters) result.emplace_back(p.name, p.value);
  return result;
}

Address address(std::string_view text) { return Address::parse(text).value(); }

std::string client(std::vector<std::string> proxies, std::string_view peer,
                   std::vector<std::string> forwarded) {
  std::vector<Header> headers{{"Host", "x"}};
  for (const auto& value : forwarded) headers.push_back({"X-Forwarded-For", value});
  return TrustedProxies::parse(proxies)->client_of(address(peer), headers).str();
}

TEST(Query, DecodesOnceAndKeepsOrder) {
  EXPECT_EQ(pairs("b=2&a=%2520&c=x%3Dy"), (Pairs{{"b", "2"}, {"a", "%20"}, {"c", "x=y"}}));
}

TEST(Query, TakesPlusAsSpaceOnlyIfAsked) {
  EXPECT_EQ(pairs("a+b=c+d"), (Pairs{{"a b", "c d"}}));
  EXPECT_EQ(pairs("a+b=c+d%2B", false), (Pairs{{"a+b", "c+d+"}}));
  EXPECT_EQ(pairs("a=%2B"), (Pairs{{"a", "+"}}));
}

TEST(Query, TellsNoValueFromAnEmptyOne) {
  const auto parameters = parse_query("location&prefix=&&x==y");
  ASSERT_EQ(parameters->size(), 3U);
  EXPECT_FALSE((*parameters)[0].has_value);
  EXPECT_TRUE((*parameters)[1].has_value);
  EXPECT_EQ((*parameters)[2].value, "=y");
}

TEST(Query, RefusesBrokenEncoding) {
  EXPECT_FALSE(pairs("a=%"));
  EXPECT_FALSE(pairs("a=%1"));
  EXPECT_FALSE(pairs("%zz=1"));
  EXPECT_EQ(pairs(""), Pairs{});
}

TEST(Response, DropsHeadersThatWouldSplitTheAnswer) {
  Response response(200);
  response.set("X-Good", "1").set("X-Bad", "a\r\nSet-Cookie: b").set("Y\n", "1");
  response.set("Z", std::string_view("\0", 1));
  EXPECT_EQ(response.head_lines(), "X-Good: 1\r\n");
}

TEST(Request, FindsHeadersInAnyCase) {
  Request request;
  request.headers = {{"Content-Type", "a"}, {"content-type", "b"}};
  EXPECT_EQ(request.header("CONTENT-TYPE"), "a");
  EXPECT_EQ(request.count("Content-type"), 2U);
  EXPECT_EQ(request.header("Content"), std::nullopt);
}

TEST(Address, ReadsAndWritesBothFamilies) {
  EXPECT_EQ(address("192.0.2.7").str(), "192.0.2.7");
  EXPECT_EQ(address("::ffff:192.0.2.7").str(), "192.0.2.7");
  EXPECT_EQ(address("2001:DB8::0:1").str(), "2001:db8::1");
  EXPECT_TRUE(address("127.9.9.9").is_loopback());
  EXPECT_TRUE(address("::1").is_loopback());
  EXPECT_FALSE(address("::2").is_loopback());
  for (const char* bad : {"", "1.2.3", "1.2.3.4.5", "01.2.3.4 ", "::g", "1.2.3.4:80"})
    EXPECT_FALSE(Address::parse(bad)) << bad;
}

TEST(Address, CountsIpv6StrangersByTheir64) {
  EXPECT_EQ(address("2001:db8:1:2:3:4:5:6").block().str(), "2001:db8:1:2::");
  EXPECT_EQ(address("192.0.2.7").block().str(), "192.0.2.7");
}

TEST(Proxies, TakesTheRightMostStranger) {
  EXPECT_EQ(client({"10.0.0.0/8"}, "10.0.0.1", {"6.6.6.6, 198.51.100.1, 10.2.3.4"}),
            "198.51.100.1");
  EXPECT_EQ(client({"10.0.0.0/8"}, "10.0.0.1", {"6.6.6.6", "198.51.100.1"}), "198.51.100.1");
  EXPECT_EQ(client({"::1"}, "::1", {"[2001:db8::1]:443"}), "2001:db8::1");
  EXPECT_EQ(client({"127.0.0.1"}, "127.0.0.1", {"198.51.100.1:5000"}), "198.51.100.1");
}

TEST(Proxies, BelievesNobodyElse) {
  EXPECT_EQ(client({"10.0.0.0/8"}, "11.0.0.1", {"198.51.100.1"}), "11.0.0.1");
  EXPECT_EQ(client({}, "127.0.0.1", {"198.51.100.1"}), "127.0.0.1");
  EXPECT_EQ(client({"10.0.0.0/8"}, "10.0.0.1", {"198.51.100.1, rubbish, 10.1.1.1"}), "10.1.1.1");
  EXPECT_EQ(client({"10.0.0.0/8"}, "10.0.0.1", {}), "10.0.0.1");
  EXPECT_EQ(client({"10.0.0.0/8"}, "10.0.0.1", {"10.0.0.9"}), "10.0.0.9");
}

TEST(Proxies, RefusesBlocksThatAreNone) {
  for (const char* bad :
       {"10.0.0.0/33", "10.0.0.1/8", "::/129", "host", "10.0.0.0/", "10.0.0.0/8x"})
    EXPECT_FALSE(TrustedProxies::parse({bad})) << bad;
  EXPECT_TRUE(TrustedProxies::parse({"10.128.0.0/9", "2001:db8::/33", "0.0.0.0/0"}));
}

}  // namespace
}  // namespace valetkey::http
