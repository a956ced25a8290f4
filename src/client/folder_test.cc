// SPDX-License-Identifier: Apache-2.0
#include "client/folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/testing/temporary_folder.h"

namespace valetkey::client {
namespace {

namespace fs = std::filesystem;

struct FolderTest : testing::Test {
  Result<std::unique_ptr<Folder>> open() { return Folder::open(path, "s3://b/v1/account_id=1/"); }
  static Result<void> bring(Folder& folder, const ListedObject& object, std::string_view bytes) {
    VALETKEY_TRY(auto partial, folder.create_partial(object.key));
    VALETKEY_CHECK(write_all(partial.file.get(), bytes, "partial"));
    return folder.commit(partial, object);
  }

  TemporaryFolder temporary;
  fs::path base = temporary.path();
  fs::path path = base / "out";
  // MD5 of "abc".
  ListedObject abc{"type=events/date=2020-01-01/x", "900150983cd24fb0d6963f7d28e17f72", 3, {}};
};

TEST(FolderName, MustStayBelow) {
  for (const char* good : {"a", "a/b", "..a/b..", "a b/%z", "a/.valetkey"})
    EXPECT_TRUE(check_name(good)) << good;
  for (const std::string& bad :
       {std::string(), std::string("/a"), std::string("a/"), std::string("a//b"), std::string(".."),
        std::string("a/../b"), std::string("a/."), std::string("./a"), std::string("a\0b", 3),
        std::string(".valetkey/state"), std::string(256, 'x')})
    EXPECT_FALSE(check_name(bad)) << bad;
}

TEST(FolderName, IsSaidWhereItIsRefused) {
  const auto refused = check_name("a/../b");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("a/../b"), std::string::npos) << refused.error().detail;
  EXPECT_NE(refused.error().detail.find("refused as a file name"), std::string::npos);
  EXPECT_LT(check_name(std::string(5000, 'x')).error().detail.size(), 500U);
}

TEST_F(FolderTest, KnowsWhatItBroughtAcrossRuns) {
  ListedObject odd{"type=events/date=2020-01-01/event=a b%/part", "0123-2", 3, {}};
  {
    auto folder = open();
    ASSERT_TRUE(folder) << folder.error().detail;
    EXPECT_FALSE((*folder)->holds(odd).value());
    ASSERT_TRUE(bring(**folder, odd, "abc"));
    EXPECT_TRUE((*folder)->holds(odd).value());
    ASSERT_TRUE((*folder)->finish());
  }
  auto folder = open();
  EXPECT_TRUE((*folder)->holds(odd).value());
  ListedObject replaced = odd;
  replaced.etag = "4567-2";
  EXPECT_FALSE((*folder)->holds(replaced).value());
  std::ofstream(path / odd.key) << "abd";  // touched by somebody
  EXPECT_FALSE((*folder)->holds(odd).value());
}

TEST_F(FolderTest, RecognisesContentWithoutItsState) {
  {
    ASSERT_TRUE(bring(**open(), abc, "abc"));
  }  // ended before finish()
  auto folder = open();
  EXPECT_TRUE((*folder)->holds(abc).value());
  std::ofstream(path / abc.key) << "abd";
  EXPECT_FALSE((*folder)->holds(abc).value());
}

TEST_F(FolderTest, ChangesNothingWhereItOnlyLooks) {
  {
    auto nothing = Folder::look(path, "s");
    ASSERT_TRUE(nothing) << nothing.error().detail;
    EXPECT_FALSE((*nothing)->holds(abc).value());
    EXPECT_TRUE((*nothing)->files("").value().empty());
    EXPECT_FALSE(fs::exists(path));
  }
  fs::create_directory(path);
  ASSERT_TRUE(Folder::look(path, "s"));
  EXPECT_TRUE(fs::is_empty(path));
  auto writer = open();
  ASSERT_TRUE(bring(**writer, abc, "abc"));
  (*writer)->name_partials();
  ASSERT_TRUE((*writer)->create_partial(abc.key));
  auto reader = Folder::look(path, "s3://b/v1/account_id=1/");
  ASSERT_TRUE(reader) << reader.error().detail;
  EXPECT_TRUE((*reader)->holds(abc).value());
  EXPECT_FALSE(fs::is_empty(path / ".valetkey" / "partial"));
  EXPECT_FALSE(Folder::look(path, "another"));
}

TEST_F(FolderTest, IsForOneProcessAtATime) {
  auto first = open();
  ASSERT_TRUE(first);
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::busy);
}

TEST_F(FolderTest, RefusesTheDataOfAnotherExport) {
  {
    ASSERT_TRUE(open());
  }
  EXPECT_EQ(Folder::open(path, "s3://b/v1/account_id=2/").error().code, ErrorCode::already_exists);
}

TEST_F(FolderTest, NeverFollowsALinkOut) {
  auto folder = open();
  fs::create_directory(base / "other");
  fs::create_directory_symlink(base / "other", path / "type=events");
  EXPECT_FALSE(bring(**folder, abc, "abc"));
  EXPECT_TRUE(fs::is_empty(base / "other"));
}

TEST_F(FolderTest, SaysInWordsWhatIsInTheWayOfAFolder) {
  const auto expect = [this](const char* words) {
    auto folder = open();
    const auto brought = bring(**folder, abc, "abc");
    ASSERT_FALSE(brought);
    EXPECT_EQ(brought.error().code, ErrorCode::invalid);
    EXPECT_NE(brought.error().detail.find((path / "type=events").string() + words),
              std::string::npos)
        << brought.error().detail;
    EXPECT_NE(brought.error().detail.find("choose another --output"), std::string::npos);
  };
  fs::create_directories(base / "other" / "date=2020-01-01");
  fs::create_directory(path);
  for (const fs::path& target : {base / "other", fs::path("../other"), fs::path("nowhere")}) {
    fs::create_directory_symlink(target, path / "type=events");
    expect(" is a link that leads out of the folder");
    fs::remove(path / "type=events");
  }
  std::ofstream(path / "type=events") << "x";
  expect(" is a file where a folder should be");
}

TEST_F(FolderTest, SaysThatALinkLeadsOutWhereItLooksAtContent) {
  fs::create_directories(base / "other" / "date=2020-01-01");
  std::ofstream(base / "other" / "date=2020-01-01" / "x") << "abc";
  auto folder = open();
  fs::create_directory_symlink(base / "other", path / "type=events");
  const auto held = (*folder)->holds(abc);
  ASSERT_FALSE(held);
  EXPECT_NE(held.error().detail.find("leads out of the folder"), std::string::npos)
      << held.error().detail;
}

TEST_F(FolderTest, SaysWhatStandsInTheWay) {
  auto folder = open();
  fs::create_directories(path / abc.key);
  EXPECT_FALSE((*folder)->holds(abc));
  EXPECT_FALSE(bring(**folder, abc, "abc"));
  std::ofstream(base / "file") << "x";
  EXPECT_EQ(Folder::open(base / "file", "s").error().code, ErrorCode::invalid);
}

TEST_F(FolderTest, WipesWhatWasLeftUnfinished) {
  {
    auto folder = open();
    (*folder)->name_partials();
    ASSERT_TRUE((*folder)->create_partial(abc.key));
    EXPECT_FALSE(fs::is_empty(path / ".valetkey" / "partial"));
  }
  auto folder = open();
  EXPECT_TRUE(fs::is_empty(path / ".valetkey" / "partial"));
}

// With and without names for what is unfinished.
struct FolderPartials : FolderTest, testing::WithParamInterface<bool> {};

TEST_P(FolderPartials, AreNotSeenUntilTheyStandUnderTheirName) {
  auto folder = open();
  if (GetParam()) (*folder)->name_partials();
  auto partial = (*folder)->create_partial(abc.key);
  ASSERT_TRUE(partial) << partial.error().detail;
  ASSERT_TRUE(write_all(partial->file.get(), "abc", "partial"));
  EXPECT_TRUE((*folder)->files("").value().empty());
  ASSERT_TRUE((*folder)->commit(*partial, abc));
  EXPECT_EQ((*folder)->files("").value(), std::vector<std::string>{abc.key});
}

TEST_P(FolderPartials, ReplaceWhatIsThereAndLeaveNothingBehind) {
  auto folder = open();
  if (GetParam()) (*folder)->name_partials();
  fs::create_directories((path / abc.key).parent_path());
  std::ofstream(path / abc.key) << "former";
  ASSERT_TRUE(bring(**folder, abc, "abc"));
  EXPECT_EQ(fs::file_size(path / abc.key), 3U);
  auto other = (*folder)->create_partial(abc.key);
  ASSERT_TRUE(other);
  (*folder)->discard(*other);
  EXPECT_TRUE(fs::is_empty(path / ".valetkey" / "partial"));
  EXPECT_EQ((*folder)->files("").value(), std::vector<std::string>{abc.key});
}

TEST_P(FolderPartials, AreBroughtToMoreFoldersThanAreKeptOpen) {
  auto folder = open();
  if (GetParam()) (*folder)->name_partials();
  ListedObject object = abc;
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 100; ++i) {
      object.key =
          "type=events/date=2020-01-01/event=" + std::to_string(i) + "/x" + std::to_string(round);
      ASSERT_TRUE(bring(**folder, object, "abc"));
    }
  EXPECT_EQ((*folder)->files("").value().size(), 200U);
}

INSTANTIATE_TEST_SUITE_P(Both, FolderPartials, testing::Bool());

TEST_F(FolderTest, ListsAndRemovesOnlyDataFiles) {
  auto folder = open();
  ASSERT_TRUE(bring(**folder, abc, "abc"));
  std::ofstream(path / "notes.txt") << "mine";
  EXPECT_EQ((*folder)->files("").value(), std::vector<std::string>{abc.key});
  EXPECT_TRUE((*folder)->files("type=decisions/").value().empty());
  ASSERT_TRUE((*folder)->remove(abc.key));
  EXPECT_FALSE(fs::exists(path / abc.key));
  EXPECT_FALSE((*folder)->remove("../file"));
}

}  // namespace
}  // namespace valetkey::client
