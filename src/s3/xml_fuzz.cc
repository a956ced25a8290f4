// SPDX-License-Identifier: Apache-2.0
// The XML writer with arbitrary bytes: what comes out is XML 1.0 to a foreign parser, says the text
// where XML can hold it, and has no character that XML cannot.
#include <cstdint>
#include <cstdlib>
#include <pugixml.hpp>

#include "base/xml_text.h"
#include "s3/xml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string xml(s3::kXmlDeclaration);
  s3::append_element(xml, "Key", text);
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size(), pugi::parse_full | pugi::parse_ws_pcdata))
    std::abort();
  const std::string_view read = document.child_value("Key");
  if (!is_xml_text(xml) || !is_xml_text(read)) std::abort();
  if (is_xml_text(text) && read != text) std::abort();
  return 0;
}
