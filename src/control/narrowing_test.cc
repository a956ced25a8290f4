// SPDX-License-Identifier: Apache-2.0
#include "control/narrowing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace valetkey::control {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Texts = std::vector<std::string>;

Narrowing narrowing(Texts prefixes, Texts sources = {}) {
  return Narrowing::make({.prefixes = std::move(prefixes), .sources = std::move(sources)}).value();
}
std::string refusal(const WantedNarrowing& wanted) {
  const auto made = Narrowing::make(wanted);
  return made ? "made: " + made->str() : made.error().detail;
}
bool admits(const Narrowing& narrowing, std::string_view address) {
  return narrowing.admits(Address::parse(address).value());
}

TEST(Narrowing, TakesTypesForTheirPrefixes) {
  EXPECT_THAT(Narrowing::make({.types = {"events", "decisions"}})->prefixes(),
              ElementsAre("type=decisions/", "type=events/"));
  EXPECT_THAT(
      Narrowing::make({.types = {"decisions"}, .prefixes = {"type=decisions/date=2026-11-29/"}})
          ->prefixes(),
      ElementsAre("type=decisions/date=2026-11-29/"));
  EXPECT_THAT(refusal({.types = {"decisions"}, .prefixes = {"type=events/"}}),
              HasSubstr("outside of type=decisions/"));
  EXPECT_THAT(refusal({.types = {"decisions2"}}), HasSubstr("decisions and events"));
}

TEST(Narrowing, RefusesPrefixesThatMeanMoreThanTheyShow) {
  for (const char* prefix : {"", "/", "type=decisions", "/type=decisions/", "type=decisions//",
                             "../", "./", "type=decisions/../", "type=decisions/./date=2026-11-29/",
                             "type=decisions/..", "type=decisions\n/", "type=\x7f/", "type=\xff/",
                             "type=\xc0\xaf/", "s3://bucket/", "v1/account_id=123/type=decisions/"})
    EXPECT_FALSE(Narrowing::make({.prefixes = {prefix}})) << prefix;
  EXPECT_THAT(refusal({.prefixes = {"type=decisions"}}), HasSubstr("must end in '/'"));
}

TEST(Narrowing, OpensWhatBeginsWithOneOfItsPrefixesByteForByte) {
  const Narrowing decisions = narrowing({"type=decisions/", "type=events/date=2026-11-29/"});
  for (const char* name : {"type=decisions/", "type=decisions/a", "type=events/date=2026-11-29/b"})
    EXPECT_TRUE(decisions.opens(name)) << name;
  for (const char* name : {"", "t", "type=", "type=decisions", "type=decisions2/a", "type=events/",
                           "type=events/date=2026-11-2", "Type=decisions/", "/type=decisions/",
                           "type%3Ddecisions/", "type=events/../type=decisions/a"})
    EXPECT_FALSE(decisions.opens(name)) << name;
  EXPECT_TRUE(Narrowing().opens(""));
}

TEST(Narrowing, AdmitsAnAddressInEitherForm) {
  const Narrowing office = narrowing({}, {"10.0.0.0/8", "2001:db8::/32"});
  EXPECT_TRUE(admits(office, "10.9.8.7"));
  EXPECT_TRUE(admits(office, "::ffff:10.9.8.7"));
  EXPECT_TRUE(admits(office, "2001:db8::7"));
  for (const char* address : {"11.0.0.1", "::10.0.0.1", "2001:db9::1", "::1", "::ffff:11.0.0.1"})
    EXPECT_FALSE(admits(office, address)) << address;
  EXPECT_TRUE(admits(Narrowing(), "192.0.2.1"));
  EXPECT_EQ(narrowing({}, {"::ffff:10.0.0.0/104"}), narrowing({}, {"10.0.0.0/8"}));
}

TEST(Narrowing, OnlyNarrowsFurther) {
  const Narrowing outer = narrowing({"type=decisions/"}, {"10.0.0.0/8"});
  EXPECT_TRUE(outer.within(outer));
  EXPECT_TRUE(outer.within(Narrowing()));
  EXPECT_TRUE(narrowing({"type=decisions/date=2026-11-29/"}, {"10.1.0.0/16"}).within(outer));
  EXPECT_FALSE(Narrowing().within(outer));
  EXPECT_FALSE(narrowing({"type=decisions/"}).within(outer)) << "from everywhere";
  EXPECT_FALSE(narrowing({}, {"10.0.0.0/8"}).within(outer)) << "all prefixes";
  EXPECT_FALSE(narrowing({"type=decisions2/"}, {"10.0.0.0/8"}).within(outer));
  EXPECT_FALSE(narrowing({"type=decisions/", "type=events/"}, {"10.0.0.0/8"}).within(outer));
  EXPECT_FALSE(narrowing({"type=decisions/"}, {"10.0.0.0/8", "192.0.2.1"}).within(outer));
  EXPECT_FALSE(narrowing({"type=decisions/"}, {"8.0.0.0/5"}).within(outer));
}

TEST(Narrowing, InheritsWhatItLeavesOpen) {
  const Narrowing outer = narrowing({"type=decisions/"}, {"10.0.0.0/8"});
  EXPECT_EQ(Narrowing().inheriting(outer).value(), outer);
  EXPECT_EQ(narrowing({}, {"10.1.0.0/16"}).inheriting(outer).value(),
            narrowing({"type=decisions/"}, {"10.1.0.0/16"}));
  EXPECT_EQ(narrowing({"type=events/"}).inheriting(outer).value(),
            narrowing({"type=events/"}, {"10.0.0.0/8"}))
      << "no narrower, and within() says so";
}

TEST(Narrowing, HasOneTextPerValue) {
  const Narrowing both = narrowing(
      {"type=events/", "type=decisions/date=2026-11-29/", "type=decisions/", "type=events/"},
      {"10.1.0.0/16", "192.0.2.7/32", "10.0.0.0/8"});
  EXPECT_EQ(both.str(),
            "prefix type=decisions/\nprefix type=events/\nsource 10.0.0.0/8\nsource 192.0.2.7\n");
  EXPECT_EQ(Narrowing::parse(both.str()).value(), both);
  EXPECT_EQ(both.words(), "type=decisions/, type=events/ from 10.0.0.0/8, 192.0.2.7");
  EXPECT_TRUE(Narrowing::parse("")->empty());
  for (const char* text :
       {"\n", "prefix ", "prefix type=a/", "prefix a/\n\n", "source 10.0.0.0/8\nprefix a/\n",
        "prefix b/\nprefix a/\n", "prefix a/\nprefix a/b/\n", "source 192.0.2.7/32\n",
        "source ::ffff:10.0.0.0/104\n", "types decisions\n", "prefix a\n"})
    EXPECT_FALSE(Narrowing::parse(text)) << text;
}

TEST(Narrowing, IsBounded) {
  const std::string longest(Narrowing::kMaxBytes - 9, 'a');  // "prefix ", '/' and a line's end
  EXPECT_TRUE(Narrowing::make({.prefixes = {longest + "/"}}));
  EXPECT_THAT(refusal({.prefixes = {longest + "a/"}}), HasSubstr("512 characters"));
  const Narrowing outer = narrowing({}, {"10.0.0.0/8"});
  EXPECT_FALSE(narrowing({longest + "/"}).inheriting(outer));
}

}  // namespace
}  // namespace valetkey::control
