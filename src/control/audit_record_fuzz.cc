// SPDX-License-Identifier: Apache-2.0
// Any bytes either are a record that encodes to the same bytes again, or are refused.
#include <cstdlib>

#include "base/crypto.h"
#include "control/internal/audit_record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey::control;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t tab = text.find('\t');
  const std::string_view body = tab == std::string_view::npos ? text : text.substr(tab + 1);
  // A checksum that holds, so that the fields are reached.
  const std::string sealed =
      valetkey::sha256_hex(std::string(kNoLink) + "\t" + std::string(body)).substr(0, kLinkLength) +
      "\t" + std::string(body);
  for (const std::string_view line : {text, std::string_view(sealed)}) {
    const auto event = decode_record(line, kNoLink);
    if (event && encode_record(event->entry(), kNoLink) != std::string(line) + "\n") std::abort();
    static_cast<void>(decode_segment_header(line));
  }
  return 0;
}
