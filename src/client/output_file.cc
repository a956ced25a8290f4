// SPDX-License-Identifier: Apache-2.0
#include "client/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace valetkey::client {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kBuffer = std::size_t{64} << 10;

}  // namespace

Result<std::unique_ptr<OutputFile>> OutputFile::create(const fs::path& path) {
  std::error_code error;
  std::unique_ptr<OutputFile> output(new OutputFile);
  // Through a link, so that the link stays.
  output->path_ = fs::exists(path, error) ? fs::canonical(path, error) : path;
  if (error) return fail(ErrorCode::io, path.string() + ": " + error.message());
  struct stat there{};
  const bool exists = ::stat(output->path_.c_str(), &there) == 0;
  if (exists && S_ISDIR(there.st_mode))
    return fail(ErrorCode::invalid, path.string() + " is a folder: name a file with --output");
  if (exists && !S_ISREG(there.st_mode)) {
    VALETKEY_TRY(output->file_, open_file(output->path_, O_WRONLY));
    return output;
  }
  output->partial_ = output->path_;
  output->partial_.replace_filename(
      fmt::format(".{}.{}.partial", output->path_.filename().string(), ::getpid()));
  auto made = open_file(output->partial_, O_RDWR | O_CREAT | O_TRUNC, 0666);
  if (!made && made.error().code == ErrorCode::not_found)
    return fail(ErrorCode::not_found, path.string() + ": its folder does not exist; make it first");
  if (!made) return std::unexpected(made.error());
  output->file_ = std::move(*made);
  if (exists && ::fchmod(output->file_.get(), there.st_mode & 0777) != 0)
    return fail_errno(path.string());
  return output;
}

OutputFile::~OutputFile() {
  if (!partial_.empty()) ::unlink(partial_.c_str());
}

Result<void> OutputFile::write(std::string_view bytes) {
  waiting_.append(bytes);
  return waiting_.size() < kBuffer ? Result<void>{} : flush();
}

Result<void> OutputFile::flush() {
  const std::string bytes = std::exchange(waiting_, {});
  return write_all(file_.get(), bytes, path_.string());
}

Result<void> OutputFile::write_content_of(const fs::path& file) {
  VALETKEY_TRY(const auto from, open_file(file, O_RDONLY));
  return write_content_of(from.get(), file.string());
}

Result<void> OutputFile::write_content_of(int from, const std::string& name) {
  std::string block(1 << 20, '\0');
  while (true) {
    const ssize_t n = ::read(from, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(name);
    if (n == 0) return {};
    VALETKEY_CHECK(write({block.data(), static_cast<std::size_t>(n)}));
  }
}

// A device or pipe takes bytes in order only, so they wait in a file without a name.
Result<FileDescriptor> OutputFile::open_content() {
  if (partial_.empty()) {
    VALETKEY_TRY(content_, open_file(fs::temp_directory_path(), O_RDWR | O_TMPFILE, 0600));
  }
  FileDescriptor second(::fcntl(content_ ? content_.get() : file_.get(), F_DUPFD_CLOEXEC, 0));
  if (!second) return fail_errno(path_.string());
  return second;
}

Result<void> OutputFile::finish() {
  if (content_) {
    if (::lseek(content_.get(), 0, SEEK_SET) != 0) return fail_errno(path_.string());
    VALETKEY_CHECK(write_content_of(content_.get(), path_.string()));
  }
  VALETKEY_CHECK(flush());
  if (partial_.empty()) return {};
  VALETKEY_CHECK(sync_file(file_.get(), path_.string()));
  if (::rename(partial_.c_str(), path_.c_str()) != 0) return fail_errno(path_.string());
  partial_.clear();
  const fs::path folder = path_.parent_path();
  return sync_folder(folder.empty() ? "." : folder);
}

}  // namespace valetkey::client
