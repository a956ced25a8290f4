// SPDX-License-Identifier: Apache-2.0
// The files of the audit log: DIR/audit/YYYY-MM-DD-NNNN.log, oldest first by name, and
// DIR/audit/lock, which a writer holds for one batch. Several processes may append. Not
// thread-safe.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "control/audit.h"

namespace valetkey::control {

inline constexpr std::uint64_t kSegmentBytes = std::uint64_t{64} << 20;

// Names of the segments, oldest first; other files are left out.
Result<std::vector<std::string>> list_segments(const std::filesystem::path& folder);

// Holds the folder's lock: one writer, or readers that look how far each file has been written.
// `busy` after 5 s.
class AuditFolderLock {
 public:
  static Result<AuditFolderLock> for_writing(const std::filesystem::path& folder);
  static Result<AuditFolderLock> for_reading(const std::filesystem::path& folder);

 private:
  explicit AuditFolderLock(FileDescriptor file) : file_(std::move(file)) {}
  FileDescriptor file_;
};

class AuditSegments {
 public:
  // Makes the folder and looks at the end of the newest segment; cuts off what a crash left half
  // written.
  static Result<std::unique_ptr<AuditSegments>> open(std::filesystem::path folder, Date today,
                                                     std::uint64_t segment_bytes = kSegmentBytes);
  // Writes all records and fdatasyncs. `bodies` are of append_record_body(), a line each, with its
  // end. After a failure none of them is in the log.
  Result<void> append(std::string_view bodies, Date today);

 private:
  AuditSegments(std::filesystem::path folder, std::uint64_t segment_bytes)
      : folder_(std::move(folder)), segment_bytes_(segment_bytes) {}
  Result<void> find_end(Date today);
  Result<void> open_segment(const std::string& name);
  Result<void> start_segment(Date today);
  Result<void> read_end();
  Result<void> write(std::string_view bodies);

  std::filesystem::path folder_;
  std::uint64_t segment_bytes_;
  std::string name_;  // of the segment that is open
  FileDescriptor file_;
  std::uint64_t size_ = 0;  // up to the end of its last whole line
  std::string link_;        // of that line
};

}  // namespace valetkey::control
