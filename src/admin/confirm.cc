// SPDX-License-Identifier: Apache-2.0
#include "admin/internal/confirm.h"

#include <fmt/format.h>

#include <istream>

namespace valetkey::admin {

std::optional<int> confirm(const CommandContext& context, bool yes, std::string_view loss,
                           const std::string& word) {
  if (yes) return std::nullopt;
  if (context.answers == nullptr) {
    context.err << fmt::format("valetkeyd: {} Nobody can be asked here: add --yes to do it.\n",
                               loss);
    return 2;
  }
  context.err << fmt::format("{}\nType {} to go on: ", loss, word) << std::flush;
  std::string answer;
  std::getline(*context.answers, answer);
  if (answer == word) return std::nullopt;
  context.err << "Nothing was changed.\n";
  return 1;
}

}  // namespace valetkey::admin
