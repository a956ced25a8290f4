// SPDX-License-Identifier: Apache-2.0
#include "terminal/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace valetkey::terminal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// A program with one of each kind.
struct Program {
  Program() {
    root.option("--data-dir", data_dir, "DIR", "The data folder").from("DATA_DIR");
    Command& token = root.command("token", "Tokens");
    Command& create = token.command("create", "Make one");
    create.option("--account", account, "ID", "The account").required();
    create.option("--scopes", scopes, "SCOPES", "What it opens");
    create.option("--format", choice(format, {"env", "json"}), "FORMAT", "How");
    token.command("list", "Show them");
    Command& copy = root.command("copy", "Copy");
    copy.argument("FROM", from, "What");
    copy.argument("TO", to, "Where").required(false);
    copy.flag("--recursive,-r", recursive, "All");
    copy.flag("--verbose,-v", verbose, "Say more");
    copy.option("--output,-o", output, "FILE", "Where");
    copy.option("--count", number(count, 1, 64), "COUNT", "How many");
    copy.option("--limit", size(limit), "SIZE", "How much");
    copy.option("--wait", duration(wait, milliseconds(0), std::chrono::days(30)), "DURATION",
                "How long");
    copy.option("--last", days(last, std::chrono::days(1)), "DAYS", "Which");
    copy.option("--date", day(date), "DAY", "Which");
    copy.option("--since", instant(since), "WHEN", "From when on");
    copy.option("--include", include, "PATTERN", "Only these");
    Command& run = root.command("run", "Run");
    run.rest = &rest;
    Command& configure = root.command("configure", "Configure");
    configure.runs_alone = true;
    configure.option("--api", api, "URL", "Where");
    configure.command("aws", "For AWS");
  }
  std::string asked(const std::vector<std::string_view>& words) {
    const auto chosen = parse(root, words, [this](const char* name) -> const char* {
      const auto found = environment.find(name);
      return found == environment.end() ? nullptr : found->second.c_str();
    });
    if (!chosen) return chosen.error().detail;
    return (chosen->asked == Asked::help      ? "help on "
            : chosen->asked == Asked::version ? "version of "
                                              : "") +
           chosen->command->full_name();
  }

  std::map<std::string, std::string> environment;
  std::string data_dir, account, scopes, format, from, to, output, api;
  std::vector<std::string> include, rest;
  bool recursive = false, verbose = false;
  unsigned count = 0;
  std::optional<std::uint64_t> limit;
  std::optional<milliseconds> wait;
  std::optional<std::chrono::days> last;
  std::optional<Day> date;
  std::optional<Instant> since;
  Command root{"prog", "A program"};
};

TEST(Parse, TakesOptionsInEveryFormAndPlace) {
  Program p;
  EXPECT_EQ(p.asked({"--data-dir", "d", "copy", "-rv", "a", "-oout", "--count=3", "b"}),
            "prog copy");
  EXPECT_EQ(p.data_dir + p.from + p.to + p.output, "dabout");
  EXPECT_TRUE(p.recursive && p.verbose);
  EXPECT_EQ(p.count, 3U);
  EXPECT_EQ(p.asked({"copy", "a", "--include", "x", "--include", "y", "--limit", "10MiB",
                     "--data-dir", "e"}),
            "prog copy");
  EXPECT_THAT(p.include, ElementsAre("x", "y"));
  EXPECT_EQ(p.limit, 10U << 20);
  EXPECT_EQ(p.data_dir, "e");
}

TEST(Parse, TakesWordsThatLookLikeNoOptions) {
  Program p;
  EXPECT_EQ(p.asked({"copy", "-", "-7", "-o", "-"}), "prog copy");
  EXPECT_EQ(p.from + p.to + p.output, "--7-");
  EXPECT_EQ(p.asked({"copy", "--output=--odd", "--", "--from"}), "prog copy");
  EXPECT_EQ(p.output + p.from, "--odd--from");
  EXPECT_EQ(p.asked({"run", "--", "ls", "--token", "--help"}), "prog run");
  EXPECT_THAT(p.rest, ElementsAre("ls", "--token", "--help"));
}

TEST(Parse, GivesHelpOnTheInnermostCommandAndTheVersion) {
  Program p;
  EXPECT_EQ(p.asked({"--help"}), "help on prog");
  EXPECT_EQ(p.asked({"token", "create", "--help"}), "help on prog token create");
  EXPECT_EQ(p.asked({"token", "-h"}), "help on prog token");
  EXPECT_EQ(p.asked({"help", "token", "list"}), "help on prog token list");
  EXPECT_EQ(p.asked({"--version"}), "version of prog");
}

TEST(Parse, ReadsTheEnvironmentWhereAnOptionIsNotGiven) {
  Program p;
  p.environment["DATA_DIR"] = "from-env";
  EXPECT_EQ(p.asked({"token", "list"}), "prog token list");
  EXPECT_EQ(p.data_dir, "from-env");
  EXPECT_EQ(p.asked({"token", "list", "--data-dir", "given"}), "prog token list");
  EXPECT_EQ(p.data_dir, "given");
}

TEST(Parse, SuggestsWhatAMistypedWordWasMeantToBe) {
  Program p;
  EXPECT_EQ(p.asked({"tokn"}), "there is no command `tokn`; did you mean `token`?");
  EXPECT_EQ(p.asked({"token", "crate"}),
            "there is no command `token crate`; did you mean `token create`?");
  EXPECT_EQ(p.asked({"version"}), "there is no command `version`; did you mean `--version`?");
  EXPECT_EQ(p.asked({"token", "create", "--scope", "x"}),
            "token create has no option --scope; did you mean --scopes?");
  EXPECT_EQ(p.asked({"token", "list", "--datadir=/x"}),
            "token list has no option --datadir; did you mean --data-dir?");
  EXPECT_EQ(p.asked({"token", "list", "-data-dir", "x"}),
            "token list has no option -data-dir; did you mean --data-dir?");
  EXPECT_EQ(p.asked({"token", "list", "data-dir"}),
            "token list has no use for `data-dir`; did you mean --data-dir?");
}

TEST(Parse, SaysWhatThereIsWhereNothingIsNear) {
  Program p;
  EXPECT_EQ(p.asked({}),
            "a command is missing: token, copy, run or configure; `prog --help` explains them");
  EXPECT_EQ(p.asked({"frobnicate"}), "there is no command `frobnicate`; `prog --help` lists them");
  EXPECT_EQ(p.asked({"token"}),
            "token needs a sub-command: create or list; `prog token --help` explains them");
  EXPECT_EQ(p.asked({"token", "show", "1"}),
            "there is no command `token show`; token has create and list");
  EXPECT_EQ(p.asked({"copy", "a", "--frobnicate"}),
            "copy has no option --frobnicate; `prog copy --help` explains it");
  EXPECT_EQ(p.asked({"copy", "a", "-x"}), "copy has no option -x; `prog copy --help` explains it");
  EXPECT_EQ(p.asked({"--count", "3", "copy", "a"}),
            "--count goes behind a command that takes it, as in `prog copy --count COUNT`");
  EXPECT_EQ(p.asked({"configure", "--api", "x", "aws"}),
            "--api is an option of `configure`, not of `configure aws`");
}

TEST(Parse, SaysWhatIsMissingOrTooMuch) {
  Program p;
  EXPECT_EQ(p.asked({"copy"}), "copy needs FROM; `prog copy --help` explains it");
  EXPECT_EQ(p.asked({"token", "create"}),
            "token create needs --account ID; `prog token create --help` explains it");
  EXPECT_EQ(p.asked({"copy", "a", "b", "c"}),
            "copy takes FROM and TO and nothing more, so `c` is too much; `prog copy --help` "
            "explains it");
  EXPECT_EQ(p.asked({"token", "list", "x"}),
            "token list takes no argument such as `x`; `prog token list --help` explains it");
  EXPECT_EQ(p.asked({"copy", "--output"}), "--output needs a value: --output FILE");
  EXPECT_EQ(p.asked({"copy", "--output", "--recursive"}), "--output needs a value: --output FILE");
  EXPECT_EQ(p.asked({"copy", "a", "--output", ""}),
            "--output names a file or a folder, and is empty");
  EXPECT_EQ(p.asked({"copy", "a", "--recursive=yes"}), "--recursive takes no value");
  EXPECT_EQ(p.asked({"copy", "a", "-o", "x", "--output", "y"}), "--output is given twice");
}

TEST(Parse, SaysInOneSentenceWhatAnOptionAccepts) {
  Program p;
  EXPECT_EQ(p.asked({"copy", "a", "--count", "65"}),
            "--count takes a whole number from 1 to 64, not `65`");
  EXPECT_EQ(p.asked({"copy", "a", "--limit", "1XB"}),
            "--limit takes a size such as 500, 10MiB or 1.5GB, not `1XB`");
  EXPECT_EQ(p.asked({"token", "create", "--format", "xml"}),
            "--format takes env or json, not `xml`");
}

TEST(Parse, JudgesTimesByThemselves) {
  Program p;
  EXPECT_EQ(p.asked({"copy", "a", "--wait", "2h", "--last", "4w", "--date", "yesterday", "--since",
                     "24h"}),
            "prog copy");
  EXPECT_EQ(p.wait, std::chrono::hours(2));
  EXPECT_EQ(p.last, std::chrono::days(28));
  EXPECT_TRUE(p.date && p.since);
  const auto refused = [](const char* option, const char* value) {
    return Program().asked({"copy", "a", option, value});
  };
  EXPECT_EQ(refused("--wait", "31d"),
            "--wait takes a whole number and a unit such as 90d, 12h, 15m or 30s, from 0s to 30d, "
            "not `31d`");
  EXPECT_EQ(refused("--last", "0d"),
            "--last takes whole days or weeks such as 30d or 4w, not `0d`");
  EXPECT_EQ(refused("--date", "2026-02-30"),
            "--date takes a date such as 2026-01-31, today, yesterday, or days or weeks ago such "
            "as 7d or 2w, not `2026-02-30`");
  EXPECT_EQ(refused("--since", "soon"),
            "--since takes a date such as 2026-01-31, an instant such as 2026-01-31T12:00:00Z, "
            "today, yesterday, or a time ago such as 24h or 7d, not `soon`");
}

TEST(Parse, NeverRepeatsALongWordWhichMayBeASecret) {
  Program p;
  const std::string secret = "vkpat_0123456789abcdefghijklmnopqrstuvwxyz";
  for (const auto& words :
       std::vector<std::vector<std::string_view>>{{secret},
                                                  {"token", secret},
                                                  {"token", "list", secret},
                                                  {"copy", "a", "--count", secret}})
    EXPECT_THAT(p.asked(words), Not(HasSubstr("89abcdef"))) << p.asked(words);
  EXPECT_THAT(p.asked({"\x1b[2J"}), HasSubstr("`?[2J`"));
}

}  // namespace
}  // namespace valetkey::terminal
