// SPDX-License-Identifier: Apache-2.0
#include "client/output_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/testing/temporary_folder.h"

namespace valetkey::client {
namespace {

namespace fs = std::filesystem;

struct OutputFileTest : testing::Test {
  static std::string read(const fs::path& path) { return *read_file(path, 1 << 20); }
  auto count() const { return std::distance(fs::directory_iterator(folder), {}); }
  TemporaryFolder temporary;
  fs::path folder = temporary.path();
};

TEST_F(OutputFileTest, KeepsWhatWasThereUntilItIsWhole) {
  const fs::path path = folder / "out";
  std::ofstream(path) << "before";
  ::chmod(path.c_str(), 0600);
  fs::create_symlink("out", folder / "link");
  {
    auto output = OutputFile::create(folder / "link");
    ASSERT_TRUE(output) << output.error().detail;
    ASSERT_TRUE((*output)->write("half"));
    EXPECT_EQ(read(path), "before");
  }
  EXPECT_EQ(read(path), "before");
  EXPECT_EQ(count(), 2);
  auto output = OutputFile::create(folder / "link");
  ASSERT_TRUE((*output)->write("whole"));
  ASSERT_TRUE((*output)->finish());
  EXPECT_EQ(read(path), "whole");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  struct stat now{};
  ::stat(path.c_str(), &now);
  EXPECT_EQ(now.st_mode & 0777, 0600);
  EXPECT_EQ(count(), 2);
}

TEST_F(OutputFileTest, NamesTheFileThatWasAskedForWhereItsFolderIsMissing) {
  const auto made = OutputFile::create(folder / "none" / "a.csv");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().detail,
            (folder / "none" / "a.csv").string() + ": its folder does not exist; make it first");
}

TEST_F(OutputFileTest, WritesADeviceInPlace) {
  auto output = OutputFile::create("/dev/null");
  ASSERT_TRUE(output) << output.error().detail;
  ASSERT_TRUE((*output)->write("gone"));
  ASSERT_TRUE((*output)->finish());
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_FALSE(OutputFile::create(folder));
}

}  // namespace
}  // namespace valetkey::client
