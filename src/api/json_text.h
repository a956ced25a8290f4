// SPDX-License-Identifier: Apache-2.0
// A JSON string without a document around it: answers on the hot path are built by hand. Pure.
#pragma once

#include <string>
#include <string_view>

namespace valetkey::api {

// Appends `text` as a quoted JSON string. Quotes, backslashes and control characters are escaped,
// other bytes stand as they are; `text` must be UTF-8.
void append_json(std::string& out, std::string_view text);

}  // namespace valetkey::api
