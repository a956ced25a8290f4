// SPDX-License-Identifier: Apache-2.0
// What the scripts do in a shell is tested by tests/e2e/test_terminal.py.
#include "terminal/internal/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "terminal/internal/manual.h"
#include "terminal/program.h"

namespace valetkey::terminal {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Program {
  Program() {
    root.version = "prog 1.0";
    root.option("--data-dir", text, "DIR", "The data folder").from("DATA_DIR");
    Command& create = root.command("create", "Make one, it's new");
    create.option("--format,-f", choice(text, {"env", "json"}), "FORMAT", "How");
    create.argument("KIND", choice(text, {"member", "admin"}), "Which");
    create.example(".dotted").example("prog create 'x' \\ -f json");
    add_shell_commands(root);
  }
  std::string text;
  Command root{"prog", "A program"};
};

TEST(Completion, KnowsCommandsOptionsAndChoicesForEveryShell) {
  const Program p;
  for (const auto& script :
       {bash_completion(p.root), zsh_completion(p.root), fish_completion(p.root)})
    for (const char* word :
         {"create", "data-dir", "format", "env", "json", "member", "admin", "completion"})
      EXPECT_THAT(script, HasSubstr(word));
  EXPECT_THAT(zsh_completion(p.root), HasSubstr("'create:Make one, it'\\''s new'"));
  EXPECT_THAT(fish_completion(p.root), HasSubstr("-d 'Make one, it\\'s new'"));
}

TEST(Manual, HasASectionForEachCommandAndEscapesWhatRoffWouldTake) {
  const Program p;
  const std::string page = manual(p.root);
  for (const char* part : {".TH PROG 1", ".SS create\n", "\n\\&.dotted\n", "\\(aqx\\(aq \\e \\-f",
                           "\\fB\\-f, \\-\\-format FORMAT\\fR", "\\fBDATA_DIR\\fR"})
    EXPECT_THAT(page, HasSubstr(part));
  EXPECT_THAT(page, Not(HasSubstr("\n.dotted")));
  for (const char c : page) EXPECT_LT(static_cast<unsigned char>(c), 0x80);
}

}  // namespace
}  // namespace valetkey::terminal
