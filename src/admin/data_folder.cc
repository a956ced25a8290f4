// SPDX-License-Identifier: Apache-2.0
#include "admin/internal/data_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "base/file.h"

namespace valetkey::admin {
namespace fs = std::filesystem;
namespace {

std::unexpected<Error> cannot_look(const fs::path& folder, const std::error_code& error) {
  return fail(ErrorCode::denied,
              fmt::format("cannot look into {}: {}", folder.string(), error.message()));
}

Result<std::vector<fs::path>> regular_files(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code error;
  if (!fs::exists(folder, error)) return out;
  for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::end(entry);
       entry.increment(error))
    if (entry->symlink_status(error).type() == fs::file_type::regular) out.push_back(entry->path());
  if (error) return cannot_look(folder, error);
  return out;
}

}  // namespace

fs::path events_folder(const fs::path& data_dir) { return data_dir / "events"; }

bool is_inside(const fs::path& path, const fs::path& folder) {
  std::error_code error;
  const auto whole = fs::weakly_canonical(fs::absolute(folder, error), error);
  const auto relative =
      fs::weakly_canonical(fs::absolute(path, error), error).lexically_relative(whole);
  return !relative.empty() && *relative.begin() != "..";
}

bool is_backup(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / "manifest.json", error);
}

Result<void> need_empty(const fs::path& folder) {
  std::error_code error;
  if (is_backup(folder))
    return fail(ErrorCode::already_exists,
                fmt::format("{} is a backup; `valetkeyd restore {} --data-dir DIR` makes a data "
                            "folder of it",
                            folder.string(), folder.string()));
  if (fs::exists(folder / "control.db", error))
    return fail(
        ErrorCode::already_exists,
        fmt::format("{} is a data folder already; `valetkeyd serve --data-dir {}` serves it",
                    folder.string(), folder.string()));
  if (!fs::exists(folder, error)) return {};
  bool is_empty = true;
  for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::end(entry);
       entry.increment(error))
    is_empty = is_empty && entry->path().filename() == "valetkey.toml";
  if (error) return cannot_look(folder, error);
  if (is_empty) return {};
  return fail(ErrorCode::already_exists,
              fmt::format("{} is not empty; name a new folder", folder.string()));
}

Result<void> make_private(const fs::path& folder) {
  VALETKEY_CHECK(make_folders(folder, 0700));
  if (::chmod(folder.c_str(), 0700) != 0) return fail_errno("cannot protect " + folder.string());
  return {};
}

Result<void> copy_durably(const fs::path& from, const fs::path& to) {
  VALETKEY_TRY(const auto in, open_file(from, O_RDONLY | O_NOFOLLOW));
  VALETKEY_TRY(const auto out, open_file(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW));
  std::string piece(std::size_t{1} << 20, '\0');
  while (true) {
    const ssize_t got = ::read(in.get(), piece.data(), piece.size());
    if (got < 0) return fail_errno("cannot read " + from.string());
    if (got == 0) break;
    VALETKEY_CHECK(write_all(
        out.get(), std::string_view(piece).substr(0, static_cast<std::size_t>(got)), to.string()));
  }
  VALETKEY_CHECK(sync_file(out.get(), to.string()));
  return sync_folder(to.parent_path());
}

Result<void> copy_files_durably(const fs::path& from, const fs::path& to) {
  VALETKEY_TRY(const auto files, regular_files(from));
  VALETKEY_CHECK(make_private(to));
  for (const auto& file : files) VALETKEY_CHECK(copy_durably(file, to / file.filename()));
  return {};
}

}  // namespace valetkey::admin
