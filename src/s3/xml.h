// SPDX-License-Identifier: Apache-2.0
// Writing the small XML that S3 answers with, straight into one string. Pure. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace valetkey::s3 {

inline constexpr std::string_view kXmlDeclaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
inline constexpr std::string_view kXmlNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

// Appends `text` (UTF-8) as element content. Control characters, U+FFFE and U+FFFF go as &#x1; as
// S3 writes them: XML 1.0 has no legal form for most, so clients that may meet them ask for
// encoding-type=url.
void append_escaped(std::string& out, std::string_view text);
// Appends `text` as encoding-type=url wants it: percent-encoding, space as '+', '/' left alone.
void append_url_encoded(std::string& out, std::string_view text);
// Appends <name>escaped text</name>.
void append_element(std::string& out, std::string_view name, std::string_view text);
void append_number(std::string& out, std::uint64_t number);

}  // namespace valetkey::s3
