// SPDX-License-Identifier: Apache-2.0
// Writing the small XML that S3 answers with, straight into one string. Pure. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace valetkey::s3 {

inline constexpr std::string_view kXmlDeclaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
inline constexpr std::string_view kXmlNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

// Appends `text` as element content. XML 1.0 has no form at all for most control characters, U+FFFE
// and U+FFFF (https://www.w3.org/TR/xml/#NT-Char): U+FFFD stands for each, and for each byte that is
// not UTF-8. Clients that may meet such keys ask for encoding-type=url.
void append_escaped(std::string& out, std::string_view text);
// Appends `text` as encoding-type=url has it: percent-encoding, space as '+', '/' left alone.
void append_url_encoded(std::string& out, std::string_view text);
// Appends <name>escaped text</name>.
void append_element(std::string& out, std::string_view name, std::string_view text);
void append_number(std::string& out, std::uint64_t number);

}  // namespace valetkey::s3
