// SPDX-License-Identifier: Apache-2.0
#include "exporter/seen_uuids.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

#include "base/crypto.h"
#include "exporter/part_publisher.h"

namespace valetkey::exporter {
namespace {

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
    VALETKEY_CHECK(read_seen(file_, offset, bytes_));
    block_ = block;
    return {};
  }
  // The same, of which nothing more will be read for now.
  Result<void> load_alone(std::uint64_t block) {
    file_.expect(block * kBlockDigests * kDigestBytes, kBlockDigests * kDigestBytes);
    return load(block);
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
Result<void> seek(BlockCursor& cursor, const UuidDigest& digest, bool alone) {
  const auto load = [&](std::uint64_t block) {
    return alone ? cursor.load_alone(block) : cursor.load(block);
  };
  if (digest <= cursor.last()) return {};
  std::uint64_t low = cursor.block() + 1, high = cursor.blocks();
  if (low >= high) return {};
  const auto spread = static_cast<double>(digest.high) / 18446744073709551616.0;
  auto guess = std::clamp(static_cast<std::uint64_t>(spread * static_cast<double>(cursor.blocks())),
                          low, high - 1);
  while (true) {
    VALETKEY_CHECK(load(guess));
    if (digest < cursor[0])
      high = guess;
    else if (digest > cursor.last())
      low = guess + 1;
    else
      return {};
    // Between two blocks: the one behind is the one to go on from.
    if (low >= high)
      return low < cursor.blocks() && low != cursor.block() ? load(low) : Result<void>();
    guess = low + (high - low) / 2;
  }
}

}  // namespace

// What fails for the moment is no reason to give a file up.
Result<void> read_seen(storage::ObjectReader& file, std::uint64_t offset, std::span<char> out) {
  auto read = read_object_exactly(file, offset, out);
  if (!read && read.error().code != ErrorCode::corrupt) return read;
  if (read && out.size() % kDigestBytes == 0) return {};
  return fail(ErrorCode::corrupt, file.info().key +
                                      ", a file of seen uuids, cannot be read: restore it from a " +
                                      "backup or give it up with valetkeyd check --repair");
}

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
  // Then most blocks are passed over, and a store that is far away need not send the next ones, too.
  const bool sparse = digests_.size() < cursor.blocks();
  VALETKEY_CHECK(sparse ? cursor.load_alone(0) : cursor.load(0));
  std::size_t at = 0;
  std::uint64_t block = 0;
  auto kept = digests_.begin();
  for (const auto& each : digests_) {
    VALETKEY_CHECK(seek(cursor, each.digest, sparse));
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

namespace {

// Digests in memory, sought from one place onwards: digests are evenly spread, so a few steps around where one should be
// find it, however many lie between.
class DigestSearch {
 public:
  explicit DigestSearch(std::string_view digests)
      : bytes_(digests),
        count_(digests.size() / kDigestBytes),
        density_(static_cast<double>(count_) / 18446744073709551616.0) {}

  // `digest` is not less than the one before.
  bool has(const UuidDigest& digest) {
    const auto ahead = static_cast<double>(digest.high - former_) * density_;
    former_ = digest.high;
    const auto guess = std::min(count_, at_ + static_cast<std::size_t>(ahead));
    const auto [low, high] = guess < count_ && (*this)[guess] < digest
                                 ? bounds_behind(guess + 1, digest)
                                 : bounds_before(guess, digest);
    at_ = find(low, high, digest);
    return at_ < count_ && (*this)[at_] == digest;
  }

 private:
  using Bounds = std::pair<std::size_t, std::size_t>;
  UuidDigest operator[](std::size_t i) const {
    return read_digest(bytes_.data() + i * kDigestBytes);
  }
  Bounds bounds_behind(std::size_t low, const UuidDigest& digest) const {
    std::size_t step = kStep;
    for (; low + step < count_ && (*this)[low + step] < digest; step *= 2) low += step + 1;
    return {low, std::min(count_, low + step)};
  }
  Bounds bounds_before(std::size_t high, const UuidDigest& digest) const {
    std::size_t step = kStep;
    for (; high > at_ + step && !((*this)[high - step] < digest); step *= 2) high -= step;
    return {high > at_ + step ? high - step : at_, high};
  }
  std::size_t find(std::size_t low, std::size_t high, const UuidDigest& digest) const {
    while (low < high) {
      const auto middle = low + (high - low) / 2;
      if ((*this)[middle] < digest)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }

  static constexpr std::size_t kStep = 4;
  std::string_view bytes_;
  std::size_t count_;
  double density_;
  std::size_t at_ = 0;
  std::uint64_t former_ = 0;
};

}  // namespace

void Deduplicator::subtract(std::string_view digests) {
  DigestSearch search(digests);
  std::erase_if(digests_, [&](const DigestAt& each) { return search.has(each.digest); });
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

Result<void> for_each_seen(const std::vector<storage::ObjectReader*>& files,
                           const EachDigest& each) {
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
    VALETKEY_CHECK(each(digest, former == digest));
    former = digest;
  }
  return {};
}

Result<std::uint64_t> merge_seen(const std::vector<storage::ObjectReader*>& files,
                                 const std::function<Result<void>(std::string_view)>& sink,
                                 Keep keep) {
  std::string out;
  std::uint64_t count = 0;
  int times = 0;
  const auto take = [&](const UuidDigest& digest, bool again) -> Result<void> {
    times = again ? times + 1 : 1;
    if (times > (keep == Keep::twice ? 2 : 1)) return {};
    append_digest(out, digest);
    ++count;
    if (out.size() < kBlockDigests * kDigestBytes) return {};
    return sink(std::exchange(out, {}));
  };
  VALETKEY_CHECK(for_each_seen(files, take));
  if (!out.empty()) VALETKEY_CHECK(sink(out));
  return count;
}

}  // namespace valetkey::exporter
