// SPDX-License-Identifier: Apache-2.0
#include "events/internal/log_scan.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "base/log.h"
#include "events/segment.h"

namespace valetkey::events {
namespace {

namespace fs = std::filesystem;

class Scan {
 public:
  Scan(const fs::path& folder, const Keyring& keyring, unsigned partitions)
      : folder_(folder), keyring_(keyring), partitions_(partitions) {
    found_.ends.resize(partitions);
  }

  Result<FoundSegments> run() {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(folder_))
      if (entry.path().extension() == ".log") paths.push_back(entry.path());
    std::ranges::sort(paths);
    for (const auto& path : paths) VALETKEY_CHECK(segment(path, path == paths.back()));
    return std::move(found_);
  }

 private:
  Result<void> segment(const fs::path& path, bool last) {
    const auto bytes = fs::file_size(path);
    if (last && bytes < kSegmentHeaderBytes) return remove(path);
    auto reader = SegmentReader::open(path, keyring_);
    if (!reader && reader.error().code == ErrorCode::corrupt) return set_aside_whole(path);
    if (!reader) return std::unexpected(std::move(reader).error());
    Segment info{path, bytes, std::vector<Stretch>(partitions_)};
    VALETKEY_CHECK(frames(**reader, last, info));
    for (unsigned p = 0; p < partitions_; ++p)
      found_.ends[p] = std::max(found_.ends[p], info.stretches[p].end);
    if (info.empty()) return remove(path);
    found_.segments.emplace((*reader)->number(), std::move(info));
    return {};
  }

  Result<void> frames(const SegmentReader& reader, bool last, Segment& info) {
    for (std::uint64_t at = kSegmentHeaderBytes; at < info.bytes;) {
      if (const auto frame = reader.frame_at(at, info.bytes)) {
        VALETKEY_CHECK(note(frame->header, info));
        at = frame->next();
        continue;
      }
      const auto next = reader.find_frame(at, info.bytes);
      VALETKEY_TRY(const auto bytes, reader.raw(at, next));
      if (next == info.bytes && last && is_torn(bytes)) return cut(info, at);
      VALETKEY_CHECK(set_aside(info.path, at, bytes));
      ++found_.set_aside;
      if (next == info.bytes && last) return cut(info, at);
      at = next;
    }
    return {};
  }

  Result<void> note(const FrameHeader& frame, Segment& info) const {
    if (frame.partition >= partitions_)
      return fail(ErrorCode::unavailable,
                  fmt::format("{} was written by a newer version of Valetkey; start that one",
                              info.path.string()));
    auto& stretch = info.stretches[frame.partition];
    if (stretch.first == stretch.end) stretch.first = frame.first;
    stretch.end = frame.first + frame.count;
    return {};
  }

  // Whether a stretch at the end is what a crash leaves: a header or a frame that is cut short, or
  // space that was never written. Anything else was whole once, and is damaged.
  static bool is_torn(std::string_view tail) {
    return tail.size() < kFrameHeaderBytes ||
           decode_frame_header(tail.substr(0, kFrameHeaderBytes)) ||
           tail.find_first_not_of('\0') == std::string_view::npos;
  }
  // What a crash left half-written: nobody was told that it is kept.
  static Result<void> cut(Segment& info, std::uint64_t at) {
    log::warn("events", "a torn tail of the event log was cut",
              {{"segment", info.path.filename().string()}, {"bytes", info.bytes - at}});
    if (truncate(info.path.c_str(), static_cast<off_t>(at)) != 0)
      return fail_errno(info.path.string());
    info.bytes = at;
    return {};
  }
  static Result<void> remove(const fs::path& path) {
    if (unlink(path.c_str()) != 0) return fail_errno(path.string());
    return {};
  }
  Result<void> set_aside_whole(const fs::path& path) {
    VALETKEY_TRY(const auto bytes, read_file(path, 1ull << 32));
    VALETKEY_CHECK(set_aside(path, 0, bytes));
    ++found_.set_aside;
    return remove(path);
  }

  const fs::path& folder_;
  const Keyring& keyring_;
  const unsigned partitions_;
  FoundSegments found_;
};

}  // namespace

Result<FoundSegments> scan_segments(const fs::path& folder, const Keyring& keyring,
                                    unsigned partitions) {
  return Scan(folder, keyring, partitions).run();
}

Result<void> set_aside(const fs::path& segment, std::uint64_t position, std::string_view bytes) {
  const auto folder = segment.parent_path() / "bad";
  VALETKEY_CHECK(make_folders(folder));
  log::error(
      "events", "a damaged stretch of the event log was set aside",
      {{"segment", segment.filename().string()}, {"byte", position}, {"bytes", bytes.size()}});
  return replace_file(folder / fmt::format("{}-{}.bad", segment.stem().string(), position), bytes);
}

}  // namespace valetkey::events
