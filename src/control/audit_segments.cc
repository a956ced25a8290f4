// SPDX-License-Identifier: Apache-2.0
#include "control/internal/audit_segments.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "base/log.h"
#include "control/internal/audit_record.h"

namespace valetkey::control {
namespace {

constexpr std::size_t kDateLength = 10;
constexpr std::size_t kNameLength = kDateLength + 5 + 4;  // date, dash, four digits, .log
constexpr milliseconds kLockTimeout = std::chrono::seconds(5);

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_segment_name(std::string_view name) {
  return name.size() == kNameLength && parse_date(name.substr(0, kDateLength)) &&
         name[kDateLength] == '-' &&
         std::ranges::all_of(name.substr(kDateLength + 1, 4), is_digit) && name.ends_with(".log");
}

// Of the newest segment `last` (empty: none). Days never go back, so that names stay in order even
// if the clock does.
std::string next_name(const std::string& last, Date today) {
  const std::string date = format_date(today);
  if (last.substr(0, kDateLength) < date) return date + "-0001.log";
  const int number = std::stoi(last.substr(kDateLength + 1, 4));
  return fmt::format("{}-{:04}.log", last.substr(0, kDateLength), number + 1);
}

Result<void> lock_within_limit(int fd, int operation, const std::filesystem::path& path) {
  const auto give_up = std::chrono::steady_clock::now() + kLockTimeout;
  while (::flock(fd, operation | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno("cannot lock " + path.string());
    if (std::chrono::steady_clock::now() >= give_up)
      return fail(ErrorCode::busy, path.string() + " is locked by another process");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return {};
}

Result<std::uint64_t> size_of(int fd, const std::string& what) {
  struct stat found = {};
  if (::fstat(fd, &found) != 0) return fail_errno("cannot look at " + what);
  return static_cast<std::uint64_t>(found.st_size);
}

}  // namespace

Result<std::vector<std::string>> list_segments(const std::filesystem::path& folder) {
  std::error_code problem;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator entry(folder, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    std::string name = entry->path().filename().string();
    if (is_segment_name(name)) names.push_back(std::move(name));
  }
  if (problem == std::errc::no_such_file_or_directory)
    return fail(ErrorCode::not_found, "there is no audit log in " + folder.string());
  if (problem)
    return fail(ErrorCode::io, "cannot list " + folder.string() + ": " + problem.message());
  std::ranges::sort(names);
  return names;
}

Result<AuditFolderLock> AuditFolderLock::for_writing(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "lock";
  VALETKEY_TRY(FileDescriptor file, open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW));
  VALETKEY_CHECK(lock_within_limit(file.get(), LOCK_EX, path));
  return AuditFolderLock(std::move(file));
}

Result<AuditFolderLock> AuditFolderLock::for_reading(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "lock";
  VALETKEY_TRY(FileDescriptor file, open_file(path, O_RDONLY | O_NOFOLLOW));
  VALETKEY_CHECK(lock_within_limit(file.get(), LOCK_SH, path));
  return AuditFolderLock(std::move(file));
}

Result<std::unique_ptr<AuditSegments>> AuditSegments::open(std::filesystem::path folder, Date today,
                                                           std::uint64_t segment_bytes) {
  VALETKEY_CHECK(make_folders(folder));
  std::unique_ptr<AuditSegments> segments(new AuditSegments(std::move(folder), segment_bytes));
  VALETKEY_TRY(const AuditFolderLock lock, AuditFolderLock::for_writing(segments->folder_));
  VALETKEY_CHECK(segments->find_end(today));
  return segments;
}

Result<void> AuditSegments::append(std::string_view bodies, Date today) {
  VALETKEY_TRY(const AuditFolderLock lock, AuditFolderLock::for_writing(folder_));
  VALETKEY_CHECK(find_end(today));
  return write(bodies);
}

// Where the next line goes: another process may have appended, or begun a segment, since the last
// look.
Result<void> AuditSegments::find_end(Date today) {
  VALETKEY_TRY(const std::vector<std::string> names, list_segments(folder_));
  if (names.empty()) {
    name_.clear();
    link_ = kNoLink;
    return start_segment(today);
  }
  if (names.back() != name_) VALETKEY_CHECK(open_segment(names.back()));
  VALETKEY_TRY(const std::uint64_t size, size_of(file_.get(), name_));
  if (size != size_ || size == 0) VALETKEY_CHECK(read_end());
  if (size_ >= segment_bytes_ || name_.substr(0, kDateLength) < format_date(today))
    return start_segment(today);
  return {};
}

Result<void> AuditSegments::open_segment(const std::string& name) {
  VALETKEY_TRY(file_, open_file(folder_ / name, O_RDWR | O_APPEND | O_NOFOLLOW));
  name_ = name;
  size_ = 0;
  return {};
}

Result<void> AuditSegments::start_segment(Date today) {
  const std::string name = next_name(name_, today);
  VALETKEY_CHECK(create_file(folder_ / name, encode_segment_header(link_)));
  const std::string link = link_;  // its first record chains to the last one of the segment before
  VALETKEY_CHECK(open_segment(name));
  VALETKEY_CHECK(read_end());
  link_ = link;
  return {};
}

// Reads the last whole line and cuts off what follows it: a batch that a crash interrupted, of
// which nobody was told that it had been written.
Result<void> AuditSegments::read_end() {
  VALETKEY_TRY(const std::uint64_t size, size_of(file_.get(), name_));
  std::string tail(std::min<std::uint64_t>(size, 2 * kMaxLineBytes), '\0');
  VALETKEY_CHECK(read_exactly(file_.get(), size - tail.size(), tail, name_));
  const std::size_t whole = tail.rfind('\n') + 1;  // 0 where there is none
  if (whole < tail.size()) {
    log::warn("control", "cut a half-written end off the audit log",
              {{"segment", name_}, {"bytes", tail.size() - whole}});
    if (::ftruncate(file_.get(), static_cast<off_t>(size - tail.size() + whole)) != 0)
      return fail_errno("cannot truncate " + name_);
  }
  size_ = size - tail.size() + whole;
  const std::string_view lines = std::string_view(tail).substr(0, whole == 0 ? 0 : whole - 1);
  const std::string_view last = lines.substr(lines.rfind('\n') + 1);
  const auto header = decode_segment_header(last);
  link_ = header ? *header : std::string(link_of(last));
  return {};
}

Result<void> AuditSegments::write(std::string_view bodies) {
  std::string lines;
  lines.reserve(bodies.size() + bodies.size() / 4);
  std::string link = link_;
  while (!bodies.empty()) {
    const std::size_t end = bodies.find('\n');
    link = append_linked_record(lines, bodies.substr(0, end), link);
    bodies.remove_prefix(end + 1);
  }
  auto written = write_all(file_.get(), lines, (folder_ / name_).string());
  if (written) written = sync_file(file_.get(), (folder_ / name_).string());
  if (written) {
    size_ += lines.size();
    link_ = std::move(link);
    return {};
  }
  // If this fails too, the next look at the end finds and cuts what is there.
  if (::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0) size_ = 0;
  return written;
}

}  // namespace valetkey::control
