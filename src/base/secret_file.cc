// SPDX-License-Identifier: Apache-2.0
#include "base/secret_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/file.h"

namespace valetkey {

namespace {

constexpr std::size_t kMaxBytes = 4096;

}  // namespace

Result<Secret> read_secret_file(const std::filesystem::path& path) {
  VALETKEY_TRY(const FileDescriptor file, open_file(path, O_RDONLY | O_NONBLOCK));
  struct stat found = {};
  if (::fstat(file.get(), &found) != 0) return fail_errno("cannot look at " + path.string());
  if (S_ISREG(found.st_mode) && (found.st_mode & 07U) != 0)
    return fail(ErrorCode::denied,
                fmt::format("{0} can be read by others; run chmod o-rwx {0}", path.string()));
  VALETKEY_TRY(std::string text, read_all(file.get(), kMaxBytes, path.string()));
  text.resize(std::min(text.find('\n'), text.size()));
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty())
    return fail(ErrorCode::invalid,
                path.string() + " holds nothing in its first line; write the secret into it");
  return Secret(std::move(text));
}

}  // namespace valetkey
