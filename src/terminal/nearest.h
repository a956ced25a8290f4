// SPDX-License-Identifier: Apache-2.0
// What a mistyped word was meant to be. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace valetkey::terminal {

// The candidate that is nearest to the word, in letters added, left out, changed or swapped; else
// the only one that begins with it; empty where none is near enough to be meant.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace valetkey::terminal
