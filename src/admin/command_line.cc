// SPDX-License-Identifier: Apache-2.0
#include "admin/command_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include "admin/internal/become_owner.h"
#include "admin/internal/command_tree.h"
#include "terminal/output.h"
#include "terminal/program.h"

namespace valetkey::admin {
namespace {

using terminal::Command;

Result<int> run_command(const CommandTree& commands, const Command& command,
                        CommandContext& context) {
  if (!context.data_dir.empty()) VALETKEY_CHECK(become_owner(context.data_dir));
  return commands.run(command, context);
}

// A mistyped id is the likeliest reason why there is none of it.
std::string with_remedy(const Error& error) {
  for (const std::string_view noun : {"account", "user", "token"})
    if (error.code == ErrorCode::not_found && !error.detail.contains('`') &&
        error.detail.starts_with(fmt::format("there is no {} ", noun)))
      return fmt::format("{}; `valetkeyd {} list` shows those that there are", error.detail, noun);
  return error.detail;
}

// The exit status of what was done.
int finish(const Result<int>& done, std::ostream& out, std::ostream& err) {
  const auto written = terminal::flush_out(out);
  if (!done) err << "valetkeyd: " << with_remedy(done.error()) << '\n';
  if (done && !written) err << "valetkeyd: " << written.error().detail << '\n';
  return done && written ? *done : 1;
}

}  // namespace

int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err,
        const config::Environment& env, const Serve& serve) {
  const CommandTree commands(serve);
  const auto chosen =
      terminal::choose(commands.program(), {argv + 1, argv + argc}, {out, err}, env);
  if (!chosen.command) return chosen.status != 0 ? chosen.status : finish(0, out, err);
  const Words& words = commands.words();
  const SystemClock clock;
  const bool terminal = &err == &std::cerr && ::isatty(STDERR_FILENO) == 1;
  CommandContext context{
      out, err, clock, env, words.json, terminal, words.data_dir, words.config, words.keyring};
  if (terminal && ::isatty(STDIN_FILENO) == 1) context.answers = &std::cin;
  return finish(run_command(commands, *chosen.command, context), out, err);
}

}  // namespace valetkey::admin
