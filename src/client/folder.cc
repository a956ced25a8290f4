// SPDX-License-Identifier: Apache-2.0
#include "client/folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <vector>

#include "base/crypto.h"
#include "base/encoding.h"

namespace valetkey::client {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kOwn = ".valetkey";
constexpr std::size_t kMaxState = std::size_t{1} << 30;
constexpr std::size_t kMaxParents = 64;  // kept open
constexpr std::size_t kMaxSaid = 300;    // of a name, in an error

std::int64_t changed_of(const struct stat& s) {
  return s.st_mtim.tv_sec * 1'000'000'000LL + s.st_mtim.tv_nsec;
}

// False, with errno, where it cannot.
bool link_open_file(int file, int folder, const std::string& name) {
  if (::linkat(file, "", folder, name.c_str(), AT_EMPTY_PATH) == 0) return true;
  // Before Linux 6.10 that is a privilege, and this is not.
  if (errno != ENOENT && errno != EPERM) return false;
  const std::string open = "/proc/self/fd/" + std::to_string(file);
  return ::linkat(AT_FDCWD, open.c_str(), folder, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

template <class Number>
bool read_number(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return !text.empty() && error == std::errc{} && end == text.data() + text.size();
}

// Takes the text before the next space off the front.
std::string_view take_word(std::string_view& line) {
  const auto space = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(std::min(space + 1, line.size()));
  return word;
}

}  // namespace

Result<void> check_name(std::string_view name) {
  const auto bad = [name] {
    return fail(ErrorCode::invalid, "the export lists " + std::string(name.substr(0, kMaxSaid)) +
                                        (name.size() > kMaxSaid ? "…" : "") +
                                        ", which is refused as a file name: it cannot be a file "
                                        "below the folder; --exclude leaves it out");
  };
  if (name.empty() || name.size() > 3000 || name.find('\0') != std::string_view::npos) return bad();
  bool first = true;
  for (std::string_view rest = name;;) {
    const auto slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part.size() > 255) return bad();
    if (first && part == kOwn) return bad();
    first = false;
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

Result<std::string> md5_of_file(int fd, std::string_view what) {
  Md5 md5;
  std::vector<char> buffer(256 * 1024);
  for (off_t at = 0;;) {
    const ssize_t n = ::pread(fd, buffer.data(), buffer.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(what);
    if (n == 0) break;
    md5.update({buffer.data(), static_cast<std::size_t>(n)});
    at += n;
  }
  const auto digest = md5.finish();
  return hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

namespace {

// Whether it is there.
Result<bool> check_folder(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return false;
  if (fs::is_directory(path, error)) return true;
  return fail(ErrorCode::invalid,
              path.string() + " is a file, not a folder: choose another --output");
}

}  // namespace

Result<std::unique_ptr<Folder>> Folder::look(const fs::path& path, const std::string& source) {
  VALETKEY_TRY(const bool there, check_folder(path));
  std::unique_ptr<Folder> folder(new Folder(path, {}, std::nullopt));
  if (!there) return folder;
  VALETKEY_TRY(folder->root_, open_file(path, O_RDONLY | O_DIRECTORY));
  VALETKEY_CHECK(folder->read_state(source));
  return folder;
}

Result<std::unique_ptr<Folder>> Folder::open(const fs::path& path, const std::string& source) {
  VALETKEY_CHECK(check_folder(path));
  VALETKEY_CHECK(make_folders(path, 0777));
  VALETKEY_CHECK(make_folders(path / kOwn, 0700));
  auto lock = FileLock::acquire(path / kOwn / "lock");
  if (!lock && lock.error().code == ErrorCode::busy)
    return fail(ErrorCode::busy, "another valetkey is writing into " + path.string());
  if (!lock) return std::unexpected(lock.error());
  VALETKEY_TRY(auto root, open_file(path, O_RDONLY | O_DIRECTORY));
  std::unique_ptr<Folder> folder(new Folder(path, std::move(root), std::move(*lock)));
  std::error_code ignored;
  fs::remove_all(path / kOwn / "partial", ignored);
  VALETKEY_CHECK(make_folders(path / kOwn / "partial", 0700));
  VALETKEY_TRY(folder->partial_,
               folder->open_inside(std::string(kOwn) + "/partial", O_RDONLY | O_DIRECTORY));
  VALETKEY_CHECK(folder->read_state(source));
  return folder;
}

Result<void> Folder::read_state(const std::string& source) {
  source_ = source;
  auto text = read_file(path_ / kOwn / "state", kMaxState);
  if (!text && text.error().code == ErrorCode::not_found && !lock_) return {};
  if (!text && text.error().code == ErrorCode::not_found)
    return replace_file(path_ / kOwn / "state", source + "\n");
  if (!text) return std::unexpected(text.error());
  std::string_view rest = *text;
  for (bool head = true; !rest.empty(); head = false) {
    const auto end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (head && line != source)
      return fail(ErrorCode::already_exists,
                  path_.string() + " holds the data of another export: choose another --output");
    if (head) continue;
    Known known;
    known.etag = take_word(line);
    const bool whole =
        read_number(take_word(line), known.size) && read_number(take_word(line), known.changed_ns);
    const auto name = percent_decode(line);
    // A line that cannot be read costs a look at the content, nothing else.
    if (whole && name) known_[*name] = std::move(known);
  }
  return {};
}

Result<FileDescriptor> Folder::open_inside(const std::string& name, int flags) const {
  FileDescriptor file = open_beneath(root_.get(), name, flags, Links::within);
  if (file) return file;
  const bool blocked = errno == EXDEV || errno == ENOTDIR || errno == ELOOP;
  const auto failed = fail_errno(shown(name));
  return blocked ? obstacle(name, failed.error()) : failed;
}

// Says which part of the name stands in the way.
std::unexpected<Error> Folder::obstacle(const std::string& name, const Error& otherwise) const {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = name.find('/', end + 1);
    const std::string part = name.substr(0, end);
    struct stat found{};
    if (::fstatat(root_.get(), part.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) break;
    const char* what = nullptr;
    if (S_ISLNK(found.st_mode) &&
        !open_beneath(root_.get(), part, O_RDONLY | O_DIRECTORY, Links::within))
      what = " is a link that leads out of the folder, or to no folder";
    else if (!S_ISLNK(found.st_mode) && !S_ISDIR(found.st_mode))
      what = " is a file where a folder should be";
    if (what)
      return fail(ErrorCode::invalid,
                  shown(part) + what + ": move it away, or choose another --output");
  }
  return std::unexpected(otherwise);
}

// Borrowed: good until the next call.
Result<int> Folder::parent_of(const std::string& name, bool make) {
  VALETKEY_CHECK(check_name(name));
  const auto last = name.rfind('/');
  if (last == std::string::npos) return root_.get();
  const std::string parent = name.substr(0, last);
  if (const auto open = parents_.find(parent); open != parents_.end()) return open->second.get();
  auto existing = open_inside(parent, O_RDONLY | O_DIRECTORY);
  if (!existing && make) {
    VALETKEY_TRY(const int above, parent_of(parent, true));
    const std::string leaf = parent.substr(parent.rfind('/') + 1);
    if (::mkdirat(above, leaf.c_str(), 0777) != 0 && errno != EEXIST)
      return fail_errno(shown(parent));
    existing = open_inside(parent, O_RDONLY | O_DIRECTORY);
  }
  if (!existing) return obstacle(parent, existing.error());
  if (parents_.size() >= kMaxParents) parents_.clear();
  return (parents_[parent] = std::move(*existing)).get();
}

Result<bool> Folder::holds(const ListedObject& object) {
  VALETKEY_CHECK(check_name(object.key));
  struct stat now{};
  if (!root_) return false;
  if (::fstatat(root_.get(), object.key.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0) return false;
  if (S_ISDIR(now.st_mode))
    return fail(ErrorCode::invalid, shown(object.key) + " is a folder where a file should be");
  if (!S_ISREG(now.st_mode) || static_cast<std::uint64_t>(now.st_size) != object.size) return false;
  const auto found = known_.find(object.key);
  if (found != known_.end() && found->second.size == object.size &&
      found->second.changed_ns == changed_of(now))
    return found->second.etag == object.etag;
  const std::string md5 = md5_of_etag(object.etag);
  if (md5.empty()) return false;
  VALETKEY_TRY(auto file, open_inside(object.key, O_RDONLY));
  VALETKEY_TRY(const auto content, md5_of_file(file.get(), shown(object.key)));
  if (content != md5) return false;
  VALETKEY_CHECK(note(object, file.get()));
  return true;
}

Result<void> Folder::note(const ListedObject& object, int file) {
  struct stat now{};
  if (::fstat(file, &now) != 0) return fail_errno(shown(object.key));
  known_[object.key] = {object.etag, object.size, changed_of(now)};
  changed_ = true;
  return {};
}

Result<Folder::Partial> Folder::create_partial(const std::string& name) {
  if (unnamed_) {
    VALETKEY_TRY(const int parent, parent_of(name, true));
    FileDescriptor file(::openat(parent, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666));
    if (file) return Partial{std::move(file), {}};
    unnamed_ = errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT;
    if (unnamed_) return fail_errno(shown(name));
  }
  std::string id = std::to_string(next_partial_++);
  FileDescriptor file(::openat(partial_.get(), id.c_str(),
                               O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (!file) return fail_errno(shown(std::string(kOwn) + "/partial"));
  return Partial{std::move(file), std::move(id)};
}

Result<void> Folder::commit(Partial& partial, const ListedObject& object) {
  VALETKEY_TRY(const int parent, parent_of(object.key, true));
  const std::string leaf = object.key.substr(object.key.rfind('/') + 1);
  if (partial.name.empty()) {
    if (link_open_file(partial.file.get(), parent, leaf)) return note(object, partial.file.get());
    // A link does not replace what is there, a renamed file does.
    if (errno != EEXIST) return fail_errno(shown(object.key));
    partial.name = std::to_string(next_partial_++);
    if (!link_open_file(partial.file.get(), partial_.get(), partial.name))
      return fail_errno(shown(object.key));
  }
  if (::renameat(partial_.get(), partial.name.c_str(), parent, leaf.c_str()) != 0)
    return fail_errno(shown(object.key));
  return note(object, partial.file.get());
}

void Folder::discard(Partial& partial) {
  if (!partial.name.empty()) ::unlinkat(partial_.get(), partial.name.c_str(), 0);
  partial = {};
}

Result<void> Folder::remove(const std::string& name) {
  VALETKEY_TRY(const int parent, parent_of(name, false));
  const std::string leaf = name.substr(name.rfind('/') + 1);
  if (::unlinkat(parent, leaf.c_str(), 0) != 0) return fail_errno(shown(name));
  known_.erase(name);
  changed_ = true;
  return {};
}

std::vector<ListedObject> Folder::brought() const {
  std::vector<ListedObject> objects;
  for (const auto& [name, known] : known_)
    objects.push_back({.key = name, .etag = known.etag, .size = known.size, .modified = {}});
  return objects;
}

void Folder::forget(const std::string& name) { changed_ = known_.erase(name) > 0 || changed_; }

Result<std::vector<std::string>> Folder::files(const std::string& prefix) const {
  std::vector<std::string> names;
  if (!root_) return names;
  std::error_code error;
  for (const auto& top : fs::directory_iterator(path_, error)) {
    if (!top.path().filename().string().starts_with("type=") || top.is_symlink(error)) continue;
    for (fs::recursive_directory_iterator at(top.path(), error), end; !error && at != end;
         at.increment(error)) {
      if (!at->is_regular_file(error) || at->is_symlink(error)) continue;
      std::string name = at->path().lexically_relative(path_).string();
      if (name.starts_with(prefix)) names.push_back(std::move(name));
    }
  }
  if (error) return fail(ErrorCode::io, path_.string() + ": " + error.message());
  return names;
}

Result<void> Folder::finish() {
  if (!changed_) return {};
  if (::syncfs(root_.get()) != 0) return fail_errno(path_.string());
  std::string text = source_ + "\n";
  for (const auto& [name, known] : known_)
    text.append(known.etag)
        .append(" ")
        .append(std::to_string(known.size))
        .append(" ")
        .append(std::to_string(known.changed_ns))
        .append(" ")
        .append(percent_encode(name, true))
        .append("\n");
  changed_ = false;
  return replace_file(path_ / kOwn / "state", text);
}

}  // namespace valetkey::client
