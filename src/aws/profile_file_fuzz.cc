// SPDX-License-Identifier: Apache-2.0
// parse_profiles() on arbitrary text: values hold no line breaks, names no capitals.
#include <cstdlib>

#include "aws/internal/profile_file.h"

using namespace valetkey;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto kind : {aws::ProfileFile::config, aws::ProfileFile::credentials}) {
    aws::Profiles profiles;
    (void)aws::parse_profiles(text, kind, profiles);
    for (const auto& [name, profile] : profiles)
      for (const auto& [key, value] : profile) {
        if (value.contains('\n')) std::abort();
        for (const char c : key)
          if (c >= 'A' && c <= 'Z') std::abort();
      }
  }
  return 0;
}
