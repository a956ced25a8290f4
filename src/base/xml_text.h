// SPDX-License-Identifier: Apache-2.0
// What XML 1.0 can hold. Pure. Thread-safe. Source: https://www.w3.org/TR/xml/#NT-Char
#pragma once

#include <string_view>

namespace valetkey {

// Whether `character`, one in UTF-8, can stand in a document, if only as a reference: all but most
// control characters, U+FFFE and U+FFFF. The noncharacters of other planes can.
bool is_xml_character(std::string_view character);
// UTF-8 of such characters alone.
bool is_xml_text(std::string_view text);

}  // namespace valetkey
