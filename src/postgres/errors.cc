// SPDX-License-Identifier: Apache-2.0
#include "postgres/internal/errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace valetkey::postgres {
namespace {

struct Known {
  std::string_view prefix;  // of the SQLSTATE
  Refusal refusal;
  std::string_view remedy;
};

// The first that fits.
constexpr std::array kKnown = {
    Known{"40001", {ErrorCode::busy, true, false}, "try again"},
    Known{"40P01", {ErrorCode::busy, true, false}, "try again"},
    Known{"55P03", {ErrorCode::busy, true, false}, "try again"},
    Known{"57014",
          {ErrorCode::busy, false, false},
          "it took longer than a statement may: see what else the server does, and try again"},
    Known{"57P", {ErrorCode::unavailable, true, true}, "start the server, or promote its standby"},
    Known{"25006",
          {ErrorCode::unavailable, true, true},
          "it is a standby: promote it, or name the primary in [control] url"},
    Known{"53100", {ErrorCode::full, false, false}, "free some space on the server's disk"},
    Known{"53", {ErrorCode::unavailable, false, false}, "give the server more of it"},
    Known{"42501",
          {ErrorCode::denied, false, false},
          "give the user of [control] url the right to it, or make it the schema's owner"},
    Known{"42P01", {ErrorCode::unavailable, false, false}, "run valetkeyd init"},
    Known{"3F000", {ErrorCode::unavailable, false, false}, "run valetkeyd init"},
    Known{"0A000",
          {ErrorCode::unavailable, true, true},
          "try again"},  // a plan from before a migration
    Known{"XX00", {ErrorCode::corrupt, false, false}, "restore a backup"},
    Known{"08", {ErrorCode::unavailable, true, true}, "start the server, or promote its standby"},
    Known{"22021", {ErrorCode::invalid, false, false}, ""},
    Known{"54", {ErrorCode::too_large, false, false}, ""},
};

const Known* known(std::string_view sqlstate) {
  const auto found = std::ranges::find_if(
      kKnown, [&](const Known& one) { return sqlstate.starts_with(one.prefix); });
  return found == kKnown.end() ? nullptr : &*found;
}

}  // namespace

Refusal refusal_of(std::string_view sqlstate) {
  const Known* one = known(sqlstate);
  return one != nullptr ? one->refusal : Refusal{};
}

Error statement_error(std::string_view name, std::string_view sqlstate, std::string_view message) {
  const Known* one = known(sqlstate);
  std::string detail = fmt::format("{}: {}", name, one_line(message));
  if (one != nullptr && !one->remedy.empty()) detail += fmt::format("; {}", one->remedy);
  return {refusal_of(sqlstate).code, std::move(detail)};
}

std::string one_line(std::string_view message) {
  std::string out;
  while (!message.empty()) {
    const std::string_view line = message.substr(0, message.find('\n'));
    message.remove_prefix(std::min(line.size() + 1, message.size()));
    // Advice of libpq's own stands indented below what went wrong.
    if (line.empty() || line.front() == '\t' || line.front() == ' ') continue;
    if (!out.empty()) out += "; ";
    for (const char c : line) out += c < ' ' || c > '~' ? '?' : c;
  }
  return out;
}

}  // namespace valetkey::postgres
