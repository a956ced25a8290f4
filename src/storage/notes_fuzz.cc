// SPDX-License-Identifier: Apache-2.0
// Files of notes on any bytes: what is read is what those bytes begin with, written again.
#include <cstdlib>

#include "storage/notes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey::storage;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::string again = "VKNOTES1";
  const auto notes = parse_notes(bytes);
  for (const Note& note : notes) again += encode_note(note.id, note.key);
  if (!notes.empty() && !bytes.starts_with(again)) std::abort();
  return 0;
}
