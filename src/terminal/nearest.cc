// SPDX-License-Identifier: Apache-2.0
#include "terminal/nearest.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace valetkey::terminal {
namespace {

constexpr std::size_t kLongest = 64;  // the work grows with the square

// Damerau and Levenshtein's distance, no part edited twice.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, std::span<const std::string> candidates) {
  if (word.empty() || word.size() > kLongest) return "";
  std::string found;
  std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    // One letter says nothing of a word of two.
    const std::size_t far = distance(word, candidate);
    if (far < least && far < std::min(word.size(), candidate.size())) {
      least = far;
      found = candidate;
    }
  }
  if (!found.empty() || word.size() < 2) return found;
  const auto begins = [word](const std::string& candidate) { return candidate.starts_with(word); };
  const auto first = std::ranges::find_if(candidates, begins);
  return first != candidates.end() && std::ranges::count_if(candidates, begins) == 1 ? *first : "";
}

}  // namespace valetkey::terminal
