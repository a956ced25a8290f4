// SPDX-License-Identifier: Apache-2.0
#include "terminal/internal/help.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "terminal/width.h"

namespace valetkey::terminal {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Program {
  Program() {
    root.option("--data-dir", text, "DIR", "The data folder").from("DATA_DIR");
    root.example("prog init");
    Command& create = root.command("create", "Make one");
    create.argument("ID", text, "1 to 20 digits, as in the keys of the export");
    create.option("--format,-f", choice(text, {"env", "json"}), "FORMAT", "How it is written")
        .by_default("env");
    create.option("--user", text, "EMAIL", "One of its users").required();
    create.option("--limit", size(bytes), "SIZE", "Most bytes");
    create.example(
        "# of which a person who reads this example in a narrow window learns everything");
    create.example("prog create 12345 --user ada@example.org --format json --limit 10MiB");
  }
  std::string text;
  std::uint64_t bytes = 0;
  Command root{"prog", "A program"};
};

TEST(Help, HasUsageMeaningsFormsAndTheCommandsOwnExamples) {
  const Program p;
  const std::string text = help(p.root.commands.front(), 100);
  for (const char* part :
       {"Make one.\n", "prog create --user EMAIL ID [OPTION …]\n", "  ID ", "-f, --format FORMAT",
        "How it is written (env or json; default: env)", "One of its users (required)",
        "The data folder (or DATA_DIR)", "SIZE is a number of bytes",
        "Examples:\n  # of which a person", "everything\n  prog create 12345"})
    EXPECT_THAT(text, HasSubstr(part));
  EXPECT_THAT(text, Not(HasSubstr("prog init")));
  EXPECT_THAT(help(p.root, 100), HasSubstr("First steps:\n  prog init\n"));
}

TEST(Help, FitsEveryWidthAtWordBorders) {
  const Program p;
  for (std::size_t columns = 40; columns <= 250; ++columns) {
    std::istringstream lines(help(p.root.commands.front(), columns));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(width_of(line), columns) << line;
  }
}

TEST(Help, CommentsEveryLineOfAComment) {
  const Program p;
  EXPECT_THAT(help(p.root.commands.front(), 40), HasSubstr("Examples:\n"
                                                           "  # of which a person who reads this\n"
                                                           "  # example in a narrow window learns\n"
                                                           "  # everything\n"
                                                           "  prog create 12345"));
}

}  // namespace
}  // namespace valetkey::terminal
