// SPDX-License-Identifier: Apache-2.0
// For tests: a segment as the first format wrote it, of a log of one partition.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/keyring.h"
#include "events/segment.h"

namespace valetkey::events {

struct OldFrame {
  std::string records;
  std::uint32_t count = 0;
};

inline void write_old_segment(const std::filesystem::path& folder, Offset first,
                              const std::vector<OldFrame>& frames, const Keyring& keyring,
                              Timestamp now) {
  const auto number = [](std::uint64_t n, unsigned bytes) {
    std::string out;
    while (bytes-- > 0) out.push_back(static_cast<char>(n >> (8 * bytes)));
    return out;
  };
  const Key* key = keyring.require_active(KeyPurpose::object, now).value();
  const std::string data_key = random_bytes(kAesKeyBytes), nonce = random_bytes(kAesNonceBytes);
  std::string bytes = "VKEVLOG1" + number(key->id, 4) + number(first, 8);
  const auto aad = std::string("event-log\0", 10) + bytes;
  bytes += nonce + aes_gcm_seal(key->seal.reveal(), nonce, aad, data_key);
  bytes += number(crc32(0, bytes), 4);
  bytes.resize(kSegmentHeaderBytes, '\0');
  std::uint32_t index = 0;
  for (Offset at = first; const auto& frame : frames) {
    const auto sealed = static_cast<std::uint32_t>(frame.records.size() + kAesTagBytes);
    const auto header = encode_frame_header({sealed, at, frame.count, index});
    auto frame_nonce = number(index++, 4);
    frame_nonce.resize(kAesNonceBytes, '\0');
    bytes += header + aes_gcm_seal(data_key, frame_nonce, header, frame.records);
    at += frame.count;
  }
  std::filesystem::create_directories(folder);
  ASSERT_TRUE(replace_file(segment_path(folder, first), bytes));
}

}  // namespace valetkey::events
