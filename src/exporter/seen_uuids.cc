// SPDX-License-Identifier: Apache-2.0
#include "exporter/seen_uuids.h"

#include <algorithm>
#include <functional>
#include <queue>

#include "base/crypto.h"

namespace valetkey::exporter {
namespace {

constexpr std::size_t kDigestBytes = 16;
constexpr std::uint64_t kBlockDigests = 4096;  // 64 KiB: the chunk that an object is sealed in

std::uint64_t big_endian(const char* bytes) {
  std::uint64_t n = 0;
  for (int i = 0; i < 8; ++i) n = n << 8 | static_cast<std::uint8_t>(bytes[i]);
  return n;
}
UuidDigest read_digest(const char* bytes) { return {big_endian(bytes), big_endian(bytes + 8)}; }
void append_digest(std::string& out, const UuidDigest& d) {
  for (const auto n : {d.high, d.low})
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(n >> shift));
}

// One block of a seen file at a time. `at` moves forward only.
class BlockCursor {
 public:
  explicit BlockCursor(storage::ObjectReader& file)
      : file_(file), count_(file.info().size / kDigestBytes) {}

  std::uint64_t blocks() const { return (count_ + kBlockDigests - 1) / kBlockDigests; }

  Result<void> load(std::uint64_t block) {
    const auto offset = block * kBlockDigests * kDigestBytes;
    bytes_.resize(std::min(kBlockDigests * kDigestBytes, file_.info().size - offset));
    const auto read = file_.read(offset, bytes_, storage::ReadMode::blocking);
    if (!read || *read != bytes_.size() || bytes_.size() % kDigestBytes != 0)
      return fail(ErrorCode::corrupt,
                  file_.info().key + ", a file of seen uuids, cannot be read: restore it from a " +
                      "backup or give it up with valetkeyd check --repair");
    block_ = block;
    return {};
  }
  std::uint64_t block() const { return block_; }
  std::size_t size() const { return bytes_.size() / kDigestBytes; }
  UuidDigest operator[](std::size_t i) const {
    return read_digest(bytes_.data() + i * kDigestBytes);
  }
  UuidDigest last() const { return (*this)[size() - 1]; }

 private:
  storage::ObjectReader& file_;
  std::uint64_t count_;
  std::uint64_t block_ = 0;
  std::string bytes_;
};

// Moves to a block that may hold `digest`: the current one where it reaches that far, else found by
// bisection of what lies ahead, first guessed from the digest, since digests are evenly spread.
Result<void> seek(BlockCursor& cursor, const UuidDigest& digest) {
  if (digest <= cursor.last()) return {};
  std::uint64_t low = cursor.block() + 1, high = cursor.blocks();
  if (low >= high) return {};
  const auto spread = static_cast<double>(digest.high) / 18446744073709551616.0;
  auto guess = std::clamp(static_cast<std::uint64_t>(spread * static_cast<double>(cursor.blocks())),
                          low, high - 1);
  while (true) {
    VALETKEY_CHECK(cursor.load(guess));
    if (digest < cursor[0])
      high = guess;
    else if (digest > cursor.last())
      low = guess + 1;
    else
      return {};
    // Between two blocks: the one behind is the one to go on from.
    if (low >= high)
      return low < cursor.blocks() && low != cursor.block() ? cursor.load(low) : Result<void>();
    guess = low + (high - low) / 2;
  }
}

}  // namespace

UuidDigest digest_of(std::string_view account, std::string_view uuid, bool keyless) {
  static thread_local std::string text;
  text.assign(account).push_back(keyless ? '\1' : '\0');
  text.append(uuid);
  const auto digest = sha256(text);
  return read_digest(reinterpret_cast<const char*>(digest.data()));
}

void Deduplicator::sort() {
  std::ranges::sort(digests_, [](const DigestAt& a, const DigestAt& b) {
    return a.digest != b.digest ? a.digest < b.digest : a.event < b.event;
  });
  const auto repeats = std::ranges::unique(digests_, {}, &DigestAt::digest);
  digests_.erase(repeats.begin(), repeats.end());
}

Result<void> Deduplicator::subtract(storage::ObjectReader& file) {
  if (digests_.empty() || file.info().size == 0) return {};
  BlockCursor cursor(file);
  VALETKEY_CHECK(cursor.load(0));
  std::size_t at = 0;
  std::uint64_t block = 0;
  auto kept = digests_.begin();
  for (const auto& each : digests_) {
    VALETKEY_CHECK(seek(cursor, each.digest));
    if (block != cursor.block()) {
      block = cursor.block();
      at = 0;
    }
    while (at < cursor.size() && cursor[at] < each.digest) ++at;
    if (at < cursor.size() && cursor[at] == each.digest) continue;
    *kept++ = each;
  }
  digests_.erase(kept, digests_.end());
  return {};
}

std::vector<bool> Deduplicator::kept(std::size_t events) const {
  std::vector<bool> kept(events);
  for (const auto& each : digests_) kept[each.event] = true;
  return kept;
}

std::string Deduplicator::serialize() const {
  std::string out;
  out.reserve(digests_.size() * kDigestBytes);
  for (const auto& each : digests_) append_digest(out, each.digest);
  return out;
}

Result<std::uint64_t> merge_seen(const std::vector<storage::ObjectReader*>& files,
                                 const std::function<Result<void>(std::string_view)>& sink) {
  struct Head {
    BlockCursor cursor;
    std::size_t at = 0;
  };
  std::vector<Head> heads;
  using Next = std::pair<UuidDigest, std::size_t>;
  std::priority_queue<Next, std::vector<Next>, std::greater<>> queue;
  for (auto* file : files) {
    if (file->info().size == 0) continue;
    heads.push_back({BlockCursor(*file)});
    VALETKEY_CHECK(heads.back().cursor.load(0));
    queue.emplace(heads.back().cursor[0], heads.size() - 1);
  }
  std::string out;
  std::uint64_t count = 0;
  std::optional<UuidDigest> former;
  while (!queue.empty()) {
    const auto [digest, number] = queue.top();
    queue.pop();
    auto& head = heads[number];
    if (++head.at == head.cursor.size() && head.cursor.block() + 1 < head.cursor.blocks()) {
      VALETKEY_CHECK(head.cursor.load(head.cursor.block() + 1));
      head.at = 0;
    }
    if (head.at < head.cursor.size()) queue.emplace(head.cursor[head.at], number);
    if (former == digest) continue;
    former = digest;
    append_digest(out, digest);
    ++count;
    if (out.size() < kBlockDigests * kDigestBytes) continue;
    VALETKEY_CHECK(sink(out));
    out.clear();
  }
  if (!out.empty()) VALETKEY_CHECK(sink(out));
  return count;
}

}  // namespace valetkey::exporter
