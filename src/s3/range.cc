// SPDX-License-Identifier: Apache-2.0
#include "s3/range.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "http/message.h"

namespace valetkey::s3 {
namespace {

// A number that may be too large to hold: then it is the largest, which lies behind every object.
std::optional<std::uint64_t> parse_position(std::string_view text) {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    value = value > (kMax - digit) / 10 ? kMax : value * 10 + digit;
  }
  return value;
}

RangeAnswer suffix(std::uint64_t length, std::uint64_t size) {
  const std::uint64_t sent = std::min(length, size);
  if (sent == 0) return {RangeKind::unsatisfiable, {}};
  return {RangeKind::part, {size - sent, sent}};
}

RangeAnswer from(std::uint64_t first, std::uint64_t last, std::uint64_t size) {
  if (first >= size) return {RangeKind::unsatisfiable, {}};
  return {RangeKind::part, {first, std::min(last, size - 1) - first + 1}};
}

}  // namespace

RangeAnswer resolve_range(std::optional<std::string_view> header, std::uint64_t size) {
  const RangeAnswer whole{RangeKind::whole, {0, size}};
  if (!header) return whole;
  const auto equals = header->find('=');
  if (equals == std::string_view::npos ||
      !equal_ignoring_case(trimmed(header->substr(0, equals), " \t"), "bytes"))
    return whole;
  const std::string_view spec = trimmed(header->substr(equals + 1), " \t");
  const auto dash = spec.find('-');
  if (dash == std::string_view::npos) return whole;
  const auto first = parse_position(spec.substr(0, dash));
  const auto last = parse_position(spec.substr(dash + 1));
  if (dash == 0) return last ? suffix(*last, size) : whole;
  if (!first) return whole;
  if (dash + 1 == spec.size()) return from(*first, std::numeric_limits<std::uint64_t>::max(), size);
  return !last || *last < *first ? whole : from(*first, *last, size);
}

std::string content_range(const Span& span, std::uint64_t size) {
  return fmt::format("bytes {}-{}/{}", span.offset, span.offset + span.length - 1, size);
}

}  // namespace valetkey::s3
