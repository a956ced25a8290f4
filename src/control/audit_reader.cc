// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>

#include <deque>
#include <iterator>

#include "control/audit.h"
#include "control/internal/audit_record.h"
#include "control/internal/audit_segments.h"

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

bool is_action(std::string_view action, std::string_view wanted) {
  return action == wanted ||
         (action.starts_with(wanted) && action.substr(wanted.size()).starts_with('.'));
}

bool is_wanted(const AuditEvent& event, const AuditFilter& filter) {
  return (!filter.since || event.at >= *filter.since) &&
         (!filter.until || event.at <= *filter.until) &&
         (!filter.account || event.account == filter.account) &&
         (filter.action.empty() || is_action(event.action, filter.action)) &&
         (filter.about.empty() || filter.about.contains(event.actor) ||
          filter.about.contains(event.subject));
}

// One segment, in which it follows the chain from line to line.
class Reader {
 public:
  // `before`: the link of the last line before the segment, if that is known.
  Reader(const AuditFilter& filter, const std::function<void(AuditEvent)>& each,
         std::optional<std::string> before = {})
      : filter_(filter), each_(each), last_(std::move(before)) {}

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
  const std::optional<std::string>& header() const { return header_; }
  const std::optional<std::string>& last() const { return last_; }

 private:
  void read_header(std::string_view line) {
    if (auto link = decode_segment_header(line)) header_ = last_ = std::move(*link);
    if (!header_) ++damaged_;
  }
  void read_line(std::string_view line) {
    auto event = decode_record(line, last_.value_or(std::string(kNoLink)));
    last_ = link_of(line);
    if (!event) {
      ++damaged_;
    } else if (is_wanted(*event, filter_)) {
      each_(std::move(*event));
    }
  }

  const AuditFilter& filter_;
  const std::function<void(AuditEvent)>& each_;
  std::optional<std::string> header_;  // what the segment says it carries on from
  std::optional<std::string> last_;    // the link of the last line so far
  std::size_t damaged_ = 0;
};

// The first segment may chain to one that the operator has since removed; later ones may not.
bool is_torn(const std::optional<std::string>& last_of_earlier,
             const std::optional<std::string>& header_of_later) {
  return last_of_earlier && header_of_later && *last_of_earlier != *header_of_later;
}

Result<std::size_t> read_all(const std::vector<Segment>& segments, const AuditFilter& filter,
                             const std::function<void(AuditEvent)>& each) {
  std::size_t damaged = 0;
  std::optional<std::string> last;
  for (const Segment& segment : segments) {
    Reader reader(filter, each, last);
    VALETKEY_CHECK(reader.read(segment));
    damaged += reader.damaged() + (is_torn(last, reader.header()) ? 1 : 0);
    if (reader.last()) last = reader.last();
  }
  return damaged;
}

Result<std::size_t> read_newest(const std::vector<Segment>& segments, const AuditFilter& filter,
                                const std::function<void(const AuditEvent&)>& each) {
  std::deque<AuditEvent> found;
  std::size_t damaged = 0;
  std::optional<std::string> next;
  for (auto segment = segments.rbegin(); segment != segments.rend() && found.size() < filter.newest;
       ++segment) {
    const std::size_t wanted = filter.newest - found.size();
    std::deque<AuditEvent> here;
    const std::function<void(AuditEvent)> keep = [&](AuditEvent event) {
      here.push_back(std::move(event));
      if (here.size() > wanted) here.pop_front();
    };
    Reader reader(filter, keep);
    VALETKEY_CHECK(reader.read(*segment));
    damaged += reader.damaged() + (is_torn(reader.last(), next) ? 1 : 0);
    next = reader.header();
    found.insert(found.begin(), std::make_move_iterator(here.begin()),
                 std::make_move_iterator(here.end()));
  }
  for (const AuditEvent& event : found) each(event);
  return damaged;
}

}  // namespace

Result<std::size_t> read_audit(const std::filesystem::path& folder, const AuditFilter& filter,
                               const std::function<void(const AuditEvent&)>& each) {
  VALETKEY_TRY(const std::vector<Segment> segments, open_segments(folder));
  return filter.newest > 0 ? read_newest(segments, filter, each) : read_all(segments, filter, each);
}

}  // namespace valetkey::control
