// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>
#include <vector>

namespace valetkey::log {
namespace {

const Timestamp kAt = from_epoch_ms(1'600'082'488'123);

std::string text(Fields fields) {
  return format_line(Format::text, kAt, Level::info, "http", "request done", fields);
}
std::string json(Fields fields) {
  return format_line(Format::json, kAt, Level::warn, "http", "request done", fields);
}

TEST(Log, WritesTextAsKeysAndValues) {
  EXPECT_EQ(text({{"status", 200}, {"path", "/a b"}, {"empty", ""}}),
            "time=2020-09-14T11:21:28.123Z level=info tag=http message=\"request done\" status=200 "
            "path=\"/a b\" empty=\"\"");
}

TEST(Log, WritesJson) {
  EXPECT_EQ(json({{"status", 200}, {"name", "\xc3\xa4"}}),
            "{\"time\":\"2020-09-14T11:21:28.123Z\",\"level\":\"warn\",\"tag\":\"http\","
            "\"message\":\"request done\",\"status\":200,\"name\":\"\xc3\xa4\"}");
}

TEST(Log, WritesNumbersAndBooleansOfJsonWithoutQuotes) {
  EXPECT_THAT(json({{"i", -7},
                    {"u", std::uint64_t{18446744073709551615U}},
                    {"byte", std::uint8_t{65}},
                    {"d", 1.25},
                    {"yes", true},
                    {"text", "200"},
                    {"letter", 'x'},
                    {"none", std::numeric_limits<double>::infinity()},
                    {"nan", std::nan("")}}),
              testing::EndsWith(R"("i":-7,"u":18446744073709551615,"byte":65,"d":1.25,"yes":true,)"
                                R"("text":"200","letter":"x","none":"inf","nan":"nan"})"));
  EXPECT_THAT(text({{"i", -7}, {"yes", true}}), testing::EndsWith(" i=-7 yes=true"));
}

TEST(Log, LeavesOutAFieldThatHoldsNothing) {
  const std::optional<std::string> nothing;
  EXPECT_THAT(json({{"a", nothing}, {"b", std::optional<int>(3)}}),
              testing::EndsWith(R"("request done","b":3})"));
  EXPECT_THAT(text({{"a", nothing}}), testing::EndsWith("message=\"request done\""));
}

TEST(Log, KeepsALineALine) {
  const std::string nasty = "a\nb\r\x1b[31m\x7f\"\\\xff\xc2\x9b\xe2\x80\xa8=";
  EXPECT_THAT(text({{"v", nasty}}),
              testing::EndsWith(R"(v="a\nb\x0d\x1b[31m\x7f\"\\\xff\xc2\x9b\xe2\x80\xa8=")"));
  EXPECT_THAT(json({{"v", nasty}}),
              testing::EndsWith(R"("v":"a\nb\u000d\u001b[31m\u007f\"\\\ufffd\u009b\u2028="})"));
}

TEST(Log, NeverShowsASecret) {
  EXPECT_THAT(text({{"token", Secret("vkpat_x")}}), testing::EndsWith("token=[secret]"));
}

TEST(Log, ReadsLevels) {
  EXPECT_EQ(parse_level("debug").value(), Level::debug);
  EXPECT_EQ(parse_level("off").value(), Level::off);
  EXPECT_FALSE(parse_level("INFO"));
  EXPECT_FALSE(parse_level(""));
}

TEST(Log, WritesWholeLinesFromManyThreads) {
  testing::internal::CaptureStderr();
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([] {
      for (int i = 0; i < 50; ++i) info("test", "line", {{"v", std::string(200, 'x')}});
    });
  for (std::thread& thread : threads) thread.join();
  const std::string out = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 200);
  std::string_view rest = out;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    EXPECT_TRUE(line.starts_with("time=") && line.ends_with("xxx")) << line;
    rest.remove_prefix(line.size() + 1);
  }
}

TEST(Log, WritesNothingBelowItsLevel) {
  configure(Level::error, Format::text);
  testing::internal::CaptureStderr();
  warn("test", "hidden");
  error("test", "shown");
  configure(Level::info, Format::text);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::AllOf(testing::HasSubstr("shown"), testing::Not(testing::HasSubstr("hid"))));
  EXPECT_FALSE(enabled(Level::debug));
  EXPECT_FALSE(enabled(Level::off));
}

}  // namespace
}  // namespace valetkey::log
