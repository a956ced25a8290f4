// SPDX-License-Identifier: Apache-2.0
// Exact de-duplication with bounded memory: the uuids that were exported rest as sorted files of
// 16-byte digests, stored as objects like everything else; a batch is checked against them by
// merging. File: docs/formats.md, "Seen uuids".
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "storage/object_store.h"

namespace valetkey::exporter {

// The first 16 bytes of SHA-256(account, 0, uuid), most significant first: compares as it sorts.
// Of a keyless event, 1 in place of 0: it is never taken for one that came with the account's
// ingest key.
struct UuidDigest {
  std::uint64_t high = 0, low = 0;
  friend auto operator<=>(const UuidDigest&, const UuidDigest&) = default;
};
UuidDigest digest_of(std::string_view account, std::string_view uuid, bool keyless = false);

// Whole digests of a file. `corrupt`, with the remedy: it is damaged.
Result<void> read_seen(storage::ObjectReader& file, std::uint64_t offset, std::span<char> out);

struct DigestAt {
  UuidDigest digest;
  std::uint32_t event = 0;  // its number in the batch
};

// Of a batch's events, given in any order: those that come first for their uuid and are in none of
// the files.
class Deduplicator {
 public:
  void add(const UuidDigest& digest, std::uint32_t event) { digests_.push_back({digest, event}); }
  // Orders what was added and drops repeats within the batch.
  void sort();
  // Drops what the file holds, or what is in memory of one.
  Result<void> subtract(storage::ObjectReader& file);
  void subtract(std::string_view digests);
  // True for each event (of `events`) that stays.
  std::vector<bool> kept(std::size_t events) const;
  std::size_t size() const { return digests_.size(); }
  // The digests that stay, as a file.
  std::string serialize() const;

 private:
  std::vector<DigestAt> digests_;
};

inline constexpr std::size_t kDigestBytes = 16;

// What files hold, in order. `again`: another file, or the same one, holds it too and came before.
using EachDigest = std::function<Result<void>(const UuidDigest& digest, bool again)>;
Result<void> for_each_seen(const std::vector<storage::ObjectReader*>& files,
                           const EachDigest& each);

// Of a digest that files hold more than once: one, or two, which still say so.
enum class Keep : std::uint8_t { once, twice };
// Merges files into one, given piece by piece to `sink`. Returns how many digests.
Result<std::uint64_t> merge_seen(const std::vector<storage::ObjectReader*>& files,
                                 const std::function<Result<void>(std::string_view)>& sink,
                                 Keep keep = Keep::once);

}  // namespace valetkey::exporter
