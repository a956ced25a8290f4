// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>

#include "control/audit.h"
#include "control/audit_record.h"
#include "control/audit_segments.h"

namespace valetkey::control {
namespace {

struct Segment {
  std::string name;
  FileDescriptor file;
  std::uint64_t size = 0;
};

// How far each segment has been written, looked at while nobody writes. A copy of a log has no
// lock.
Result<std::vector<Segment>> open_segments(const std::filesystem::path& folder) {
  const auto lock = AuditFolderLock::for_reading(folder);
  if (!lock && lock.error().code == ErrorCode::busy) return std::unexpected(lock.error());
  VALETKEY_TRY(const std::vector<std::string> names, list_segments(folder));
  std::vector<Segment> segments;
  for (const std::string& name : names) {
    VALETKEY_TRY(FileDescriptor file, open_file(folder / name, O_RDONLY | O_NOFOLLOW));
    struct stat found = {};
    if (::fstat(file.get(), &found) != 0) return fail_errno("cannot look at " + name);
    segments.push_back({name, std::move(file), static_cast<std::uint64_t>(found.st_size)});
  }
  return segments;
}

// Calls `each` with every whole line; false at the end if the last one is not whole. Lines that are
// too long come cut, which no checksum survives.
template <class Each>
Result<bool> for_each_line(const Segment& segment, Each each) {
  std::string block;
  std::string line;
  for (std::uint64_t at = 0; at < segment.size; at += block.size()) {
    block.resize(std::min<std::uint64_t>(segment.size - at, 2 * kMaxLineBytes));
    VALETKEY_CHECK(read_exactly(segment.file.get(), at, block, segment.name));
    std::string_view rest = block;
    for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      line.append(rest.substr(0, std::min(end, kMaxLineBytes)));
      each(std::string_view(line));
      line.clear();
      rest.remove_prefix(end + 1);
    }
    if (line.size() < kMaxLineBytes) line.append(rest);
  }
  return line.empty();
}

bool is_wanted(const AuditEvent& event, const AuditFilter& filter) {
  return (!filter.since || event.at >= *filter.since) &&
         (!filter.account || event.account == filter.account);
}

// Follows the chain from line to line.
class Reader {
 public:
  Reader(const AuditFilter& filter, const std::function<void(const AuditEvent&)>& each)
      : filter_(filter), each_(each) {}

  Result<void> read(const Segment& segment) {
    bool first = true;
    VALETKEY_TRY(const bool whole, for_each_line(segment, [&](std::string_view line) {
                   if (first) {
                     read_header(line);
                   } else {
                     read_line(line);
                   }
                   first = false;
                 }));
    if (!whole) ++damaged_;
    return {};
  }
  std::size_t damaged() const { return damaged_; }

 private:
  void read_header(std::string_view line) {
    auto link = decode_segment_header(line);
    // The first segment may chain to one that the operator has since removed; later ones may not.
    if (!link || (previous_ && *previous_ != *link)) ++damaged_;
    if (link) previous_ = std::move(*link);
  }
  void read_line(std::string_view line) {
    const auto event = decode_record(line, previous_.value_or(std::string(kNoLink)));
    previous_ = link_of(line);
    if (!event) {
      ++damaged_;
    } else if (is_wanted(*event, filter_)) {
      each_(*event);
    }
  }

  const AuditFilter& filter_;
  const std::function<void(const AuditEvent&)>& each_;
  std::optional<std::string> previous_;
  std::size_t damaged_ = 0;
};

}  // namespace

Result<std::size_t> read_audit(const std::filesystem::path& folder, const AuditFilter& filter,
                               const std::function<void(const AuditEvent&)>& each) {
  VALETKEY_TRY(const std::vector<Segment> segments, open_segments(folder));
  Reader reader(filter, each);
  for (const Segment& segment : segments) VALETKEY_CHECK(reader.read(segment));
  return reader.damaged();
}

}  // namespace valetkey::control
