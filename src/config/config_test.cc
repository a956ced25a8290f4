// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/file.h"
#include "config/internal/settings.h"

namespace valetkey::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const char* no_environment(const char*) { return nullptr; }

Result<Config> parse(std::string_view text) { return parse_config(text, "v.toml", no_environment); }

std::string error_of(std::string_view text) {
  const auto parsed = parse(text);
  return parsed ? "" : parsed.error().detail;
}

// A value that differs from the default, for each key by its kind.
std::string other_value(const Setting& setting, Config& config) {
  const SettingTarget target = setting.target(config);
  if (const auto* flag = std::get_if<bool*>(&target)) return **flag ? "false" : "true";
  if (std::holds_alternative<milliseconds*>(target)) {
    constexpr std::int64_t kOdd = 61'000;
    const bool fits = setting.min <= kOdd && kOdd <= setting.max;
    return "\"" + format_duration(milliseconds(fits ? kOdd : setting.min + 1)) + "\"";
  }
  if (std::holds_alternative<std::vector<std::string>*>(target)) return "[\"a\", \"b\"]";
  if (std::holds_alternative<std::string*>(target)) {
    const std::string_view choices = setting.choices;
    return choices.empty() ? "\"other\""
                           : "\"" + std::string(choices.substr(choices.rfind('|') + 1)) + "\"";
  }
  return std::to_string(setting.min + 1);
}

TEST(Config, EveryKeyIsReadFromToml) {
  for (const Setting& setting : settings()) {
    Config defaults;
    const std::string value = other_value(setting, defaults);
    auto config = parse("[" + std::string(setting.section) + "]\n" + setting.key + " = " + value);
    ASSERT_TRUE(config) << config.error().detail;
    EXPECT_EQ(show(setting, *config), value) << setting.key;
    EXPECT_NE(show(setting, *config), show(setting, defaults)) << setting.key;
  }
}

TEST(Config, EveryKeyIsReadFromTheEnvironment) {
  for (const Setting& setting : settings()) {
    Config defaults;
    const std::string value = other_value(setting, defaults);
    std::string text;
    for (const char c : value)
      if (std::string_view("\"[] ").find(c) == std::string_view::npos) text += c;
    auto config = parse_config("", "", [&](const char* name) -> const char* {
      return name == setting.env_name() ? text.c_str() : nullptr;
    });
    ASSERT_TRUE(config) << config.error().detail;
    EXPECT_EQ(show(setting, *config), value) << setting.env_name();
  }
}

TEST(Config, TheEnvironmentGoesBeforeTheFile) {
  const auto config =
      parse_config("[s3]\nregion = \"from-file\"", "v.toml", [](const char* name) -> const char* {
        return std::string_view(name) == "VALETKEY_S3_REGION" ? "from-environment" : nullptr;
      });
  ASSERT_TRUE(config);
  EXPECT_EQ(config->s3.region, "from-environment");
}

TEST(Config, NamesTheVariableThatIsWrong) {
  const auto config = parse_config("", "", [](const char* name) -> const char* {
    return std::string_view(name) == "VALETKEY_LIMITS_THREADS" ? "many" : nullptr;
  });
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().detail, "VALETKEY_LIMITS_THREADS must be a whole number from 0 to 256");
}

TEST(Config, AnUnknownKeyIsAnErrorThatNamesKeyAndLine) {
  EXPECT_EQ(error_of("[s3]\nbucket = \"abc\"\nbuckte = \"abc\"\n"),
            "v.toml line 3: [s3] has no key 'buckte'; did you mean bucket?");
}

TEST(Config, AnUnknownSectionIsAnErrorThatNamesTheLine) {
  EXPECT_EQ(error_of("\n[s4]\nbucket = \"abc\"\n"),
            "v.toml line 2: there is no section [s4]; did you mean s3?");
  EXPECT_EQ(error_of("bucket = \"abc\""),
            "v.toml line 1: there is no section [bucket]; `valetkeyd config` shows every key");
}

TEST(Config, ASectionMustBeATable) {
  EXPECT_EQ(error_of("s3 = 1"), "v.toml line 1: s3 must be a section, as [s3]");
}

TEST(Config, BrokenTomlNamesTheLine) {
  EXPECT_THAT(error_of("[s3]\nbucket = \n"), HasSubstr("v.toml line 2: "));
}

TEST(Config, ASectionNameThatIsNoneIsAnErrorAndNoCrash) {
  EXPECT_THAT(error_of("[::1]:9000"), HasSubstr("v.toml line 1: "));
}

TEST(Config, LettersBeyondAsciiStandInCommentsAndTextsOnly) {
  EXPECT_EQ(error_of("# für alle\n[s3]# größer\ndomain = \"a\\\"ü\" # ü\n"), "");
  for (const char* text : {"[s3]\ndomain = ü", "[s3]\ndomain = 7:3\xCE\xBC", "[s3]\nüber = 1"})
    EXPECT_THAT(error_of(text), HasSubstr("v.toml line 2: ")) << text;
}

TEST(Config, SizesTakeUnits) {
  const auto read = [](const std::string& text) {
    return parse_config("[intake]\nmax_body_bytes = " + text, "v.toml", no_environment).value();
  };
  EXPECT_EQ(read("\"3MB\"").intake.max_body_bytes, 3'000'000U);
  EXPECT_EQ(read("\"1.5 MiB\"").intake.max_body_bytes, 1'572'864U);
  EXPECT_EQ(read("4096").intake.max_body_bytes, 4096U);
  EXPECT_EQ(read("\"4096\"").intake.max_body_bytes, 4096U);
  const std::string mib = "[export]\nmemory_limit_mib = ";
  EXPECT_EQ(parse_config(mib + "\"2GiB\"", "", no_environment)->exporting.memory_limit_mib, 2048U);
  EXPECT_EQ(parse_config(mib + "\"512\"", "", no_environment)->exporting.memory_limit_mib, 512U);
  EXPECT_EQ(error_of("[intake]\nmax_body_bytes = \"3XB\""),
            "v.toml line 2: [intake] max_body_bytes must be a number of bytes or a size such as "
            "\"64MiB\", from 1KiB to 64MiB");
  EXPECT_EQ(error_of("[intake]\nmax_body_bytes = \"65MiB\""),
            "v.toml line 2: [intake] max_body_bytes must be a number of bytes or a size such as "
            "\"64MiB\", from 1KiB to 64MiB");
  EXPECT_EQ(error_of(mib + "\"64.5kB\""),
            "v.toml line 2: [export] memory_limit_mib must be a number of MiB or a size such as "
            "\"64MiB\", from 64MiB to 1TiB");
  EXPECT_EQ(error_of("[limits]\nmax_headers = \"1KiB\""),
            "v.toml line 2: [limits] max_headers must be a whole number from 8 to 1000");
  const auto config = parse_config("", "", [](const char* name) -> const char* {
    return std::string_view(name) == "VALETKEY_INTAKE_MAX_WAITING_BYTES" ? "20GiB" : nullptr;
  });
  EXPECT_EQ(config->intake.max_waiting_bytes, 20ULL << 30);
}

TEST(Config, ValuesOfTheWrongKindOrOutOfBoundsSayWhatTheyMustBe) {
  EXPECT_EQ(error_of("[s3]\nbucket = 1"),
            "v.toml line 2: [s3] bucket must be text without control characters");
  EXPECT_EQ(error_of("[s3]\nbucket = \"a\\nb\""),
            "v.toml line 2: [s3] bucket must be text without control characters");
  EXPECT_EQ(error_of("[s3]\nstrict_region = \"yes\""),
            "v.toml line 2: [s3] strict_region must be true or false");
  EXPECT_EQ(error_of("[credentials]\nmax_duration = \"13h\""),
            "v.toml line 2: [credentials] max_duration must be a duration from 1m to 12h, such as "
            "\"1h\"");
  EXPECT_EQ(error_of("[credentials]\nmax_duration = 3600"),
            "v.toml line 2: [credentials] max_duration must be a duration from 1m to 12h, such as "
            "\"1h\"");
  EXPECT_EQ(error_of("[limits]\nmax_headers = -1"),
            "v.toml line 2: [limits] max_headers must be a whole number from 8 to 1000");
  EXPECT_EQ(error_of("[limits]\nmax_headers = 9.5"),
            "v.toml line 2: [limits] max_headers must be a whole number from 8 to 1000");
  EXPECT_EQ(error_of("[limits]\naccount_requests_per_s = nan"),
            "v.toml line 2: [limits] account_requests_per_s must be a number from 0 to 1000000");
  EXPECT_EQ(
      error_of("[limits]\ntrusted_proxies = \"10.0.0.0/8\""),
      "v.toml line 2: [limits] trusted_proxies must be a list of texts, such as [\"a\", \"b\"]");
  EXPECT_EQ(error_of("[limits]\ntrusted_proxies = [1]"),
            "v.toml line 2: [limits] trusted_proxies has a value of the wrong kind");
  EXPECT_EQ(error_of("[log]\nlevel = \"loud\""),
            "v.toml line 2: [log] level must be one of debug, info, warn, error, off");
}

std::string check_error(const std::function<void(Config&)>& change) {
  Config config;
  change(config);
  const auto checked = check_config(config);
  return checked ? "" : checked.error().detail;
}

TEST(Config, TheDefaultsAreValid) {
  EXPECT_EQ(check_error([](Config&) {}), "");
}

TEST(Config, DurationsMustBeInOrder) {
  EXPECT_THAT(
      check_error([](Config& c) { c.credentials.default_duration = std::chrono::hours(2); }),
      HasSubstr("15m, 2h and 1h"));
}

TEST(Config, AListenerBeyondLoopbackNeedsTlsOrConsent) {
  const auto open = [](Config& c) { c.listen.s3 = "0.0.0.0:9000"; };
  EXPECT_THAT(check_error(open), HasSubstr("the s3 listener 0.0.0.0:9000 is reachable"));
  EXPECT_EQ(check_error([&](Config& c) {
              open(c);
              c.listen.insecure_listen = true;
            }),
            "");
  EXPECT_EQ(check_error([&](Config& c) {
              open(c);
              c.tls = {"/c.pem", "/k.pem"};
            }),
            "");
}

TEST(Config, AListenerForEventsIsHeldToTheSameRules) {
  EXPECT_EQ(check_error([](Config& c) { c.listen.intake = "127.0.0.1:8082"; }), "");
  EXPECT_THAT(check_error([](Config& c) { c.listen.intake = "0.0.0.0:8082"; }),
              HasSubstr("the intake listener 0.0.0.0:8082 is reachable"));
  EXPECT_THAT(check_error([](Config& c) {
                c.listen.intake = "127.0.0.1:8082";
                c.intake.enabled = false;
              }),
              HasSubstr("remove one of them"));
}

TEST(Config, TlsNeedsBothFiles) {
  EXPECT_EQ(check_error([](Config& c) { c.tls.key = "/k.pem"; }),
            "[tls] needs both certificate and key, or neither");
}

TEST(Config, NamesMustBeWellFormed) {
  EXPECT_THAT(check_error([](Config& c) { c.s3.bucket = "Not A Bucket"; }), HasSubstr("bucket"));
  EXPECT_THAT(check_error([](Config& c) { c.s3.region = ""; }), HasSubstr("region"));
  EXPECT_THAT(check_error([](Config& c) { c.s3.public_endpoint = "s3.example.org"; }),
              HasSubstr("public_endpoint"));
}

TEST(HostPort, TakesAddressesApart) {
  const auto v6 = parse_host_port("[::1]:9000");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->port, 9000);
  EXPECT_TRUE(v6->is_loopback());
  EXPECT_TRUE(parse_host_port("localhost:0")->is_loopback());
  EXPECT_FALSE(parse_host_port("0.0.0.0:1")->is_loopback());
  EXPECT_TRUE(parse_host_port("0.0.0.0:1")->is_any());
}

TEST(HostPort, RefusesWhatIsNone) {
  for (const char* text : {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80",
                           "[127.0.0.1]:80", "example.org:80", "127.0.0.1:-1", "127.0.0.1:8x"})
    EXPECT_FALSE(parse_host_port(text)) << text;
}

TEST(Config, TheExampleFileIsWhatTheCommandPrints) {
  const auto file = read_file(VALETKEY_SOURCE_DIR "/contrib/valetkey.toml", 1 << 20);
  ASSERT_TRUE(file);
  EXPECT_EQ(*file, example_config()) << "run: valetkeyd config > contrib/valetkey.toml";
}

TEST(Config, TheExampleFileIsValidWithEveryLineTakenIn) {
  std::string text;
  std::string line;
  for (const char c : example_config()) {
    line += c;
    if (c != '\n') continue;
    text += line.starts_with("#") && !line.starts_with("# ") ? line.substr(1) : line;
    line.clear();
  }
  const auto config = parse(text);
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_EQ(config->limits.http.max_head_bytes, http::Limits{}.max_head_bytes);
}

TEST(Config, SaysThatTextNeedsQuotes) {
  EXPECT_EQ(error_of("[log]\nlevel = debug\n"),
            "v.toml line 2: text needs quotes: level = \"debug\"");
  EXPECT_EQ(error_of("[listen]\n\napi = 127.0.0.1:8080 # all\n"),
            "v.toml line 3: text needs quotes: api = \"127.0.0.1:8080\"");
  EXPECT_EQ(error_of("[export]\ngrace=15m"), "v.toml line 2: text needs quotes: grace = \"15m\"");
  EXPECT_EQ(error_of("[tls]\r\nkey = /etc/key.pem\r\n"),
            "v.toml line 2: text needs quotes: key = \"/etc/key.pem\"");
  EXPECT_THAT(error_of("[s3]\ncors_origins = [https://a]\n"), HasSubstr("text in a list needs"));
  EXPECT_THAT(error_of("[s3]\nbucket = \"a\n"), testing::Not(HasSubstr("needs quotes")));
}

TEST(Config, NamesTheVariableThatAMistypedOneWasMeantToBe) {
  const std::vector<std::string> names{"VALETKEY_LOG_LEVL",
                                       "VALETKEY_LOG_LEVEL",
                                       "VALETKEY_DATADIR",
                                       "VALETKEY_TOKEN",
                                       "VALETKEY_S3_NONESUCH_X",
                                       "VALETKEY_MY_OWN_THING",
                                       "HOME"};
  EXPECT_THAT(unknown_variables(names),
              ElementsAre(HasSubstr("VALETKEY_LOG_LEVL is not known and does nothing; did you mean "
                                    "VALETKEY_LOG_LEVEL?"),
                          HasSubstr("did you mean VALETKEY_DATA_DIR?"),
                          HasSubstr("VALETKEY_S3_NONESUCH_X is not known")));
}

}  // namespace
}  // namespace valetkey::config
