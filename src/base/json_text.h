// SPDX-License-Identifier: Apache-2.0
// A JSON string without a document around it, for answers that are built by hand. Pure.
#pragma once

#include <string>
#include <string_view>

namespace valetkey {

// Appends `text` as a quoted JSON string. Quotes, backslashes and control characters below U+0020
// are escaped, by a letter where JSON has one ("\n") and else as \u00XX; other bytes stand as they
// are, so `text` must be UTF-8. Log lines escape more: base/log.cc.
void append_json(std::string& out, std::string_view text);
std::string quote_json(std::string_view text);

}  // namespace valetkey
