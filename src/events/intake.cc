// SPDX-License-Identifier: Apache-2.0
#include "events/intake.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "events/internal/body_walk.h"
#include "events/internal/json_text.h"

namespace valetkey::events {
namespace {

namespace dom = simdjson::dom;

constexpr std::array<std::string_view, kDrops> kDropNames = {
    "account_id", "request",   "visitor",    "snapshot",   "event",
    "uuid",       "timestamp", "incomplete", "no_decision"};
constexpr std::array<std::string_view, kAlterations> kAlterationNames = {
    "text", "number", "shape", "too_long", "too_many", "decision", "attribute", "seconds"};

// One parser a thread: it keeps its memory, up to the largest body.
struct Parser {
  dom::parser parser;
  std::size_t max_depth = 0;
  JsonText json;
};

simdjson::error_code parse(Parser& state, std::string_view body, const IntakeLimits& limits,
                           dom::element& out) {
  if (state.max_depth != limits.max_depth) {
    if (const auto error = state.parser.allocate(64 << 10, limits.max_depth)) return error;
    state.max_depth = limits.max_depth;
  }
  return state.parser.parse(body.data(), body.size(), true).get(out);
}

}  // namespace

std::string_view name_of(Drop drop) { return kDropNames[static_cast<std::size_t>(drop)]; }
std::string_view name_of(Alteration alteration) {
  return kAlterationNames[static_cast<std::size_t>(alteration)];
}

std::string anonymize_address(std::string_view address) {
  const std::string text(address);
  std::array<unsigned char, 16> bytes{};
  std::array<char, INET6_ADDRSTRLEN> out{};
  for (const int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, text.c_str(), bytes.data()) != 1) continue;
    if (family == AF_INET)
      bytes[3] = 0;
    else
      std::fill(bytes.begin() + 6, bytes.end(), 0);
    return inet_ntop(family, bytes.data(), out.data(), out.size());
  }
  return {};
}

Result<Intake, IntakeRefusal> parse_events(std::string_view body, const IntakeContext& context,
                                           bool strict, const IntakeLimits& limits) {
  static thread_local Parser state;
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (body.starts_with(kByteOrderMark)) body.remove_prefix(kByteOrderMark.size());
  const auto refuse = [](std::string message) {
    return std::unexpected(IntakeRefusal{IntakeRefusal::Why::malformed, std::move(message)});
  };
  dom::element root;
  auto error = parse(state, body, limits, root);
  const bool mend = error == simdjson::STRING_ERROR || error == simdjson::UTF8_ERROR ||
                    error == simdjson::NUMBER_ERROR;
  if (mend) error = parse(state, mend_json(body), limits, root);
  if (error == simdjson::DEPTH_ERROR)
    return refuse(fmt::format("The body is nested deeper than {} levels.", limits.max_depth));
  if (error != simdjson::SUCCESS) return refuse("The body is not valid JSON.");
  dom::object object;
  if (root.get_object().get(object) != simdjson::SUCCESS)
    return refuse("The body is not a JSON object.");
  state.json.start(mend);
  return BodyWalk(context, strict, limits, state.json).walk(object);
}

}  // namespace valetkey::events
