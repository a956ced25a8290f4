// SPDX-License-Identifier: Apache-2.0
#include "api/token_request.h"

#include <gtest/gtest.h>

#include "api/strict_json.h"

namespace valetkey::api {
namespace {

const Timestamp kNow = from_epoch_ms(1'795'000'000'000);

std::string message_of(std::string_view body) {
  const auto read = parse_token_request(body, kNow);
  return read ? "" : read.error().message;
}

TEST(TokenRequest, ReadsAllFields) {
  const auto read = parse_token_request(
      R"( {"name":"Zoë's \u20ac","scopes":["tokens","export"],"expires_in":"90d","user":"Ada@Example.COM"} )",
      kNow);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->name, "Zoë's €");
  EXPECT_TRUE(read->scopes.export_ && read->scopes.tokens);
  EXPECT_EQ(read->expires, kNow + std::chrono::days(90));
  EXPECT_EQ(read->user, "ada@example.com");
}

TEST(TokenRequest, TakesNullForWhatIsLeftOut) {
  const auto read =
      parse_token_request(R"({"name":"n","expires_in":null,"expires":null,"user":null})", kNow);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_FALSE(read->expires);
  EXPECT_FALSE(read->user);
  EXPECT_TRUE(
      parse_token_request(R"({"name":"n","expires_in":"1h","expires":null})", kNow)->expires);
}

TEST(TokenRequest, NeedsOnlyAName) {
  const auto read = parse_token_request(R"({"name":"n"})", kNow);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->scopes, control::TokenScopes{.export_ = true});
  EXPECT_FALSE(read->expires || read->user);
}

TEST(TokenRequest, ReadsAnInstant) {
  const auto read = parse_token_request(R"({"name":"n","expires":"2030-01-31T00:00:00Z"})", kNow);
  ASSERT_TRUE(read);
  EXPECT_EQ(format_iso8601(*read->expires), "2030-01-31T00:00:00Z");
}

TEST(TokenRequest, NamesTheFieldThatIsWrong) {
  const std::pair<std::string, const char*> kRows[] = {
      {R"({})", "\"name\""},
      {R"({"name":1})", "\"name\""},
      {R"({"name":""})", "\"name\""},
      {R"({"name":"a\u0000b"})", "\"name\""},
      {R"({"name":"   "})", "\"name\""},
      {R"({"name":"laptop "})", "\"name\""},
      {R"({"name":"a\u202eb"})", "\"name\""},
      {R"({"name":"a\u200bb"})", "\"name\""},
      {R"({"name":"a\u0085b"})", "\"name\""},
      {R"({"name":"a\u007fb"})", "\"name\""},
      {R"({"name":")" + std::string(101, 'n') + "\"}", "\"name\""},
      {R"({"name":"n","scopes":"export"})", "\"scopes\""},
      {R"({"name":"n","scopes":[]})", "\"scopes\""},
      {R"({"name":"n","scopes":["export","export"]})", "\"scopes\""},
      {R"({"name":"n","scopes":["admin"]})", "\"scopes\""},
      {R"({"name":"n","scopes":[1]})", "\"scopes\""},
      {R"({"name":"n","scopes":null})", "\"scopes\""},
      {R"({"name":"n","expires_in":90})", "\"expires_in\""},
      {R"({"name":"n","expires_in":"0d"})", "\"expires_in\""},
      {R"({"name":"n","expires_in":"-1d"})", "\"expires_in\""},
      {R"({"name":"n","expires_in":"36501d"})", "\"expires_in\""},
      {R"({"name":"n","expires_in":"9223372036854775807ms"})", "\"expires_in\""},
      {R"({"name":"n","expires_in":"99999999999999999999d"})", "\"expires_in\""},
      {R"({"name":"n","expires":"2020-01-01T00:00:00Z"})", "\"expires\""},
      {R"({"name":"n","expires":"2030-02-30T00:00:00Z"})", "\"expires\""},
      {R"({"name":"n","expires":1})", "\"expires\""},
      {R"({"name":"n","expires":"2030-01-01T00:00:00Z","expires_in":"1d"})", "not both"},
      {R"({"name":"n","user":""})", "\"user\""},
      {R"({"name":"n","user":{}})", "\"user\""},
      {R"({"name":"n","role":"admin"})", "\"role\""},
      {R"({"name":"n","Name":"n"})", "\"Name\""},
      {R"({"name":"n","name":"m"})", "\"name\" appears twice"}};
  for (const auto& [body, part] : kRows)
    EXPECT_NE(message_of(body).find(part), std::string::npos) << body << ": " << message_of(body);
}

TEST(TokenRequest, CountsCharactersNotBytes) {
  std::string name;
  for (int i = 0; i < 100; ++i) name += "€";
  EXPECT_EQ(message_of("{\"name\":\"" + name + "\"}"), "");
  EXPECT_NE(message_of("{\"name\":\"" + name + "€\"}"), "");
}

TEST(StrictJson, RefusesWhatIsNoObject) {
  for (const std::string_view text :
       {"", " ", "null", "[]", "\"x\"", "1", "{", "{}x", "{}{}", "{'a':1}", "{\"a\":1,}", "{\"a\"}",
        "{\"a\":NaN}", "{\"a\":01}", "// x\n{}", "{\"a\":\"\x01\"}", "{\"a\":\"\xff\"}",
        "\xef\xbb\xbf{}", "{\"a\":\"\\ud800\"}"})
    EXPECT_FALSE(parse_strict_object(text)) << text;
  EXPECT_TRUE(parse_strict_object("{}"));
  EXPECT_TRUE(parse_strict_object(" {\"a\":[{\"b\":{}},{\"b\":1}]}\n"));
}

TEST(StrictJson, RefusesRepeatedNamesAtEveryLevel) {
  for (const std::string_view text : {R"({"a":1,"a":1})", R"({"x":{"a":1,"b":2,"a":3}})",
                                      R"({"x":[{"a":1,"\u0061":2}]})", R"({"":1,"":2})"}) {
    const auto read = parse_strict_object(text);
    ASSERT_FALSE(read) << text;
    EXPECT_NE(read.error().find("appears twice"), std::string::npos) << read.error();
  }
}

TEST(StrictJson, LimitsDepth) {
  const auto nested = [](int depth) {
    return "{\"a\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  EXPECT_TRUE(parse_strict_object(nested(8)));
  EXPECT_FALSE(parse_strict_object(nested(9)));
  EXPECT_FALSE(parse_strict_object(nested(5000)));
}

TEST(StrictJson, ShortensNamesAtACharacter) {
  EXPECT_EQ(quote_name("a"), "\"a\"");
  EXPECT_EQ(quote_name(std::string(59, 'a') + "€"), "\"" + std::string(59, 'a') + "…\"");
  EXPECT_EQ(quote_name(std::string(61, 'a')), "\"" + std::string(60, 'a') + "…\"");
}

}  // namespace
}  // namespace valetkey::api
