// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/crypto.h"
#include "base/testing/temporary_folder.h"

namespace valetkey {
namespace {

namespace fs = std::filesystem;

class File : public testing::Test {
 protected:
  std::size_t entries() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path();
  const fs::path path_ = folder_ / "file";
};

TEST_F(File, IsReplacedWholeWithItsMode) {
  ASSERT_TRUE(replace_file(path_, "one"));
  ASSERT_TRUE(replace_file(path_, "two", 0640));
  EXPECT_EQ(read_file(path_, 3).value(), "two");
  EXPECT_EQ(fs::status(path_).permissions(), fs::perms(0640));
  EXPECT_EQ(entries(), 1U);
}

TEST_F(File, IsCreatedOnce) {
  ASSERT_TRUE(create_file(path_, "one"));
  EXPECT_EQ(create_file(path_, "two").error().code, ErrorCode::already_exists);
  EXPECT_EQ(read_file(path_, 100).value(), "one");
  EXPECT_EQ(fs::status(path_).permissions(), fs::perms(0600));
  EXPECT_EQ(entries(), 1U);
}

TEST_F(File, LeavesNothingBehindWhenItCannotBePlaced) {
  fs::create_directories(path_ / "inside");
  EXPECT_FALSE(replace_file(path_, "one"));
  EXPECT_EQ(entries(), 1U);
  const auto missing = replace_file(folder_ / "no" / "file", "one");
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_NE(missing.error().detail.find("/no/"), std::string::npos);
}

TEST_F(File, IsReadUpToALimit) {
  const std::string bytes = random_bytes(200'000);
  ASSERT_TRUE(replace_file(path_, bytes));
  EXPECT_EQ(read_file(path_, bytes.size()).value(), bytes);
  EXPECT_EQ(read_file(path_, bytes.size() - 1).error().code, ErrorCode::too_large);
  EXPECT_EQ(read_file(folder_ / "none", 1).error().code, ErrorCode::not_found);
}

TEST_F(File, IsReadExactlyOrCallsItselfCorrupt) {
  ASSERT_TRUE(replace_file(path_, "0123456789"));
  const FileDescriptor file = open_file(path_, O_RDONLY).value();
  std::string out(4, '\0');
  ASSERT_TRUE(read_exactly(file.get(), 3, out, "the file"));
  EXPECT_EQ(out, "3456");
  const auto beyond = read_exactly(file.get(), 8, out, "the file");
  EXPECT_EQ(beyond.error().code, ErrorCode::corrupt);
  EXPECT_EQ(beyond.error().detail, "the file ends too early");
}

TEST_F(File, ClosesItsDescriptorAndSurvivesMoves) {
  FileDescriptor file = open_file(path_, O_RDWR | O_CREAT).value();
  const int number = file.get();
  EXPECT_NE(::fcntl(number, F_GETFD) & FD_CLOEXEC, 0);
  FileDescriptor other = std::move(file);
  EXPECT_EQ(other.get(), number);
  other = FileDescriptor();
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
  EXPECT_FALSE(other);
}

TEST_F(File, IsRemovedInPiecesUnlessItHasAnotherName) {
  const auto path = folder_ / "large", other = folder_ / "other";
  const std::string content(9 << 20, 'x');
  ASSERT_TRUE(replace_file(path, content));
  fs::create_hard_link(path, other);
  ASSERT_TRUE(remove_gently(path));
  EXPECT_FALSE(fs::exists(path));
  EXPECT_EQ(fs::file_size(other), content.size());
  ASSERT_TRUE(remove_gently(other));
  EXPECT_FALSE(fs::exists(other));
  EXPECT_TRUE(remove_gently(other)) << "what is gone already is no error";
  EXPECT_FALSE(remove_gently(folder_)) << "a folder is no file";
}

TEST_F(File, GoesIntoFoldersMadeAsNeeded) {
  const fs::path deep = folder_ / "a" / "b" / "c";
  ASSERT_TRUE(make_folders(deep));
  ASSERT_TRUE(make_folders(deep));
  EXPECT_EQ(fs::status(folder_ / "a").permissions(), fs::perms(0700));
  ASSERT_TRUE(replace_file(path_, ""));
  EXPECT_FALSE(make_folders(path_ / "x"));
  EXPECT_EQ(make_folders(path_).error().code, ErrorCode::already_exists);
}

TEST_F(File, IsLockedByOneAtATime) {
  {
    const auto held = FileLock::acquire(path_);
    ASSERT_TRUE(held);
    EXPECT_EQ(FileLock::acquire(path_).error().code, ErrorCode::busy);
  }
  EXPECT_TRUE(FileLock::acquire(path_));
}

TEST_F(File, IsNotLockedThroughALink) {
  ASSERT_TRUE(replace_file(folder_ / "target", ""));
  fs::create_symlink(folder_ / "target", path_);
  EXPECT_FALSE(FileLock::acquire(path_));
}

TEST_F(File, IsOpenedBelowAFolderWhateverLinksSay) {
  fs::create_directories(folder_ / "top/real");
  ASSERT_TRUE(replace_file(folder_ / "top/real/file", "inside"));
  ASSERT_TRUE(replace_file(folder_ / "file", "outside"));
  fs::create_symlink("real", folder_ / "top/near");
  fs::create_symlink("..", folder_ / "top/up");
  fs::create_symlink(folder_ / "file", folder_ / "top/far");
  const auto top = open_file(folder_ / "top", O_RDONLY | O_DIRECTORY);
  ASSERT_TRUE(top);
  // What the file holds, or the errno.
  const auto read = [&](const std::string& path, Links links) -> std::string {
    const FileDescriptor file = open_beneath(top->get(), path, O_RDONLY, links);
    return file ? read_all(file.get(), 100, path).value() : std::to_string(errno);
  };
  for (const Links links : {Links::within, Links::refused}) {
    EXPECT_EQ(read("real/file", links), "inside");
    EXPECT_EQ(read("none", links), std::to_string(ENOENT));
    EXPECT_EQ(read("../file", links), std::to_string(EXDEV));
    EXPECT_EQ(read((folder_ / "file").string(), links), std::to_string(EXDEV));
  }
  EXPECT_EQ(read("near/file", Links::within), "inside");
  EXPECT_EQ(read("up/file", Links::within), std::to_string(EXDEV));
  EXPECT_EQ(read("far", Links::within), std::to_string(EXDEV));
  for (const char* linked : {"near/file", "up/file", "far"})
    EXPECT_EQ(read(linked, Links::refused), std::to_string(ELOOP)) << linked;
}

}  // namespace
}  // namespace valetkey
