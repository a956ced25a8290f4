// SPDX-License-Identifier: Apache-2.0
// Every document is XML 1.0, whatever keys hold and whatever the caller sent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <pugixml.hpp>
#include <set>

#include "base/encoding.h"
#include "base/xml_text.h"
#include "s3/service.h"
#include "s3/testing/world.h"

namespace valetkey::s3 {
namespace {

const std::string kOwn = "v1/account_id=12/";
const std::string kPrefix = "prefix=" + percent_encode(kOwn);
constexpr const char* kHostile[] = {"\x01",         "\x1F\x7F",         "\xEF\xBF\xBE",
                                    "\xEF\xBF\xBF", "<&>\"']]>",        "\r\n\t",
                                    "a\x0B",        "\xF0\x9F\xBF\xBF", "\xC2\x85"};

// Well-formed, and of XML's characters alone, which pugixml does not check.
testing::AssertionResult is_xml(const Reply& reply) {
  static const std::set<std::string> kReferences{"9;", "A;", "D;", "7F;"};
  const std::string& text = reply.body;
  pugi::xml_document document;
  if (!document.load_buffer(text.data(), text.size()) || !is_xml_text(text))
    return testing::AssertionFailure() << text;
  for (std::size_t at = 0; (at = text.find("&#x", at)) != std::string::npos; at += 3)
    if (!kReferences.contains(text.substr(at + 3, text.find(';', at) - at - 2)))
      return testing::AssertionFailure() << text.substr(at);
  return testing::AssertionSuccess();
}

class DocumentsTest : public testing::Test {
 protected:
  Reply get(const std::string& key) { return world_.get(me_, world_.path_of(key)); }
  World world_;
  Tenant me_ = world_.tenant("12");
};

// Keys of before such names were escaped, or imported then.
TEST_F(DocumentsTest, AreXmlWhateverTheKeysHold) {
  for (const char* name : kHostile) {
    world_.store.put(kOwn + name, "", world_.clock.now());
    world_.store.put(kOwn + name + "/below", "", world_.clock.now());
  }
  for (const char* version : {"", "&list-type=2"})
    for (const char* query :
         {"", "&delimiter=%2F", "&max-keys=1&delimiter=%01", "&max-keys=3",
          "&start-after=%01%EF%BF%BF", "&marker=%EF%BF%BE", "&encoding-type=url"}) {
      const Reply reply = world_.list(me_, kPrefix + version + query);
      EXPECT_EQ(reply.status, 200);
      EXPECT_TRUE(is_xml(reply)) << version << query;
    }
  const auto keys = world_.list(me_, kPrefix).elements("Key");
  ASSERT_EQ(keys.size(), 2 * std::size(kHostile));
  EXPECT_EQ(keys.front(), kOwn + "\xEF\xBF\xBD") << "for U+0001";
  EXPECT_EQ(world_.list(me_, kPrefix + "&encoding-type=url").elements("Key").front(),
            "v1/account_id%3D12/%01");
}

TEST_F(DocumentsTest, AreXmlWhateverTheCallerSent) {
  for (const char* name : kHostile) {
    const std::string text = percent_encode(name);
    for (const Reply& reply :
         {get(kOwn + name), get(std::string("v1/account_id=13/") + name),
          world_.list(me_, kPrefix + text + "&marker=" + text + "&delimiter=" + text),
          world_.list(me_, kPrefix + "&list-type=2&start-after=" + text),
          world_.list(me_, kPrefix + "&max-keys=" + text),
          world_.list(me_, kPrefix + "&encoding-type=" + text),
          world_.list(me_, kPrefix + "&list-type=2&continuation-token=" + text)}) {
      EXPECT_FALSE(reply.body.empty());
      EXPECT_TRUE(is_xml(reply));
    }
  }
  EXPECT_EQ(get(kOwn + "\x01").code(), "NoSuchKey");
}

}  // namespace
}  // namespace valetkey::s3
