// SPDX-License-Identifier: Apache-2.0
#include "events/internal/segment_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace valetkey::events {

bool Segment::empty() const {
  return std::ranges::all_of(stretches, [](const Stretch& s) { return s.first == s.end; });
}

SegmentTable::SegmentTable(FoundSegments found)
    : segments_(std::move(found.segments)),
      ends_(std::move(found.ends)),
      released_(ends_.size(), 0),
      set_aside_(found.set_aside) {
  for (const auto& [number, segment] : segments_) bytes_ += segment.bytes;
}

std::uint64_t SegmentTable::bytes() const {
  const std::lock_guard guard(mutex_);
  return bytes_;
}

std::vector<Offset> SegmentTable::ends() const {
  const std::lock_guard guard(mutex_);
  return ends_;
}

SegmentNumber SegmentTable::next_number() const {
  const std::lock_guard guard(mutex_);
  // The number of all events, but where damage took the newest of a partition.
  const auto events = std::accumulate(ends_.begin(), ends_.end(), SegmentNumber{0});
  return segments_.empty() ? events : std::max(events, segments_.rbegin()->first + 1);
}

void SegmentTable::set_writing(std::optional<SegmentNumber> number) {
  const std::lock_guard guard(mutex_);
  writing_ = number;
}

void SegmentTable::commit(const std::filesystem::path& path, std::uint64_t bytes,
                          const std::vector<Offset>& ends) {
  const std::lock_guard guard(mutex_);
  auto& segment = segments_[*writing_];
  segment.stretches.resize(ends_.size());
  bytes_ += bytes - segment.bytes;
  segment.path = path;
  segment.bytes = bytes;
  for (std::size_t p = 0; p < ends_.size(); ++p) {
    if (ends[p] == ends_[p]) continue;
    auto& stretch = segment.stretches[p];
    if (stretch.first == stretch.end) stretch.first = ends_[p];
    stretch.end = ends_[p] = ends[p];
  }
}

Result<std::optional<SegmentTable::Place>> SegmentTable::find(unsigned partition,
                                                              Offset from) const {
  const std::lock_guard guard(mutex_);
  if (from < released_[partition])
    return fail(ErrorCode::not_found,
                fmt::format("event {} of partition {} was released already", from, partition));
  for (const auto& [number, segment] : segments_) {
    const auto& stretch = segment.stretches[partition];
    if (stretch.first != stretch.end && stretch.end > from)
      return Place{number, segment.path, segment.bytes, stretch.end};
  }
  return std::nullopt;
}

bool SegmentTable::is_free(SegmentNumber number, const Segment& segment) const {
  if (number == writing_) return false;
  for (std::size_t p = 0; p < released_.size(); ++p)
    if (segment.stretches[p].end > released_[p]) return false;
  return true;
}

std::vector<std::filesystem::path> SegmentTable::release(unsigned partition, Offset before) {
  const std::lock_guard guard(mutex_);
  auto& released = released_[partition];
  released = std::max(released, std::min(before, ends_[partition]));
  std::vector<std::filesystem::path> gone;
  std::erase_if(segments_, [&](const auto& each) {
    if (!is_free(each.first, each.second)) return false;
    bytes_ -= each.second.bytes;
    gone.push_back(each.second.path);
    return true;
  });
  return gone;
}

LogStats SegmentTable::stats(unsigned partition) const {
  const std::lock_guard guard(mutex_);
  LogStats out{.end = ends_[partition], .events = 0, .bytes = 0, .set_aside = set_aside_};
  Offset begin = out.end;
  for (const auto& [number, segment] : segments_) {
    const auto& stretch = segment.stretches[partition];
    if (stretch.end <= released_[partition]) continue;
    begin = std::min(begin, stretch.first);
    *out.bytes += segment.bytes;
  }
  out.events = out.end - std::max(begin, released_[partition]);
  return out;
}

bool SegmentTable::note_damage(SegmentNumber number, std::uint64_t position) {
  const std::lock_guard guard(mutex_);
  const bool fresh = damaged_.emplace(number, position).second;
  if (fresh) ++set_aside_;
  return fresh;
}

}  // namespace valetkey::events
