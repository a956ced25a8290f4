// SPDX-License-Identifier: Apache-2.0
#include "server/confirm.h"

#include <fmt/format.h>

#include <istream>

namespace valetkey::server {

std::optional<int> confirm(const Session& session, bool yes, std::string_view loss,
                           const std::string& word) {
  if (yes) return std::nullopt;
  if (session.answers == nullptr) {
    session.err << fmt::format("valetkeyd: {} Nobody can be asked here: add --yes to do it.\n",
                               loss);
    return 2;
  }
  session.err << fmt::format("{}\nType {} to go on: ", loss, word) << std::flush;
  std::string answer;
  std::getline(*session.answers, answer);
  if (answer == word) return std::nullopt;
  session.err << "Nothing was changed.\n";
  return 1;
}

}  // namespace valetkey::server
