// SPDX-License-Identifier: Apache-2.0
#include "storage/notes.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <thread>

#include "base/encoding.h"
#include "storage/testing/disk_fixture.h"

namespace valetkey::storage {
namespace {

namespace fs = std::filesystem;

ObjectId id_of(int number) {
  ObjectId id;
  id.bytes[0] = static_cast<std::uint8_t>(number >> 8);
  id.bytes[1] = static_cast<std::uint8_t>(number);
  return id;
}

std::vector<ObjectId> ids_in(const fs::path& folder) {
  const auto notes = Notes::read(folder);
  EXPECT_TRUE(notes) << notes.error().detail;
  std::vector<ObjectId> ids;
  for (const Note& note : *notes) ids.push_back(note.id);
  return ids;
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  return files;
}

std::string bytes_of(const std::vector<Note>& notes) {
  std::string bytes = "VKNOTES1";
  for (const Note& note : notes) bytes += encode_note(note.id, note.key);
  return bytes;
}

TEST(Notes, AreWrittenAsTheDocumentSays) {
  ObjectId id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(hex(encode_note(id, "v1/a")),
            "0004000102030405060708090a0b0c0d0e0f76312f61"
            "7c3b67e3");
}

TEST(Notes, AreReadAsTheyWereWritten) {
  const std::vector<Note> notes = {
      {id_of(1), "a"}, {id_of(2), std::string(1024, 'k')}, {id_of(3), "v1/ä"}};
  EXPECT_EQ(parse_notes(bytes_of(notes)), notes);
}

TEST(Notes, AreReadUpToTheOneThatWasCutShort) {
  const std::vector<Note> notes = {{id_of(1), "first"}, {id_of(2), "second"}};
  const auto bytes = bytes_of(notes);
  const auto whole = bytes_of({notes[0]}).size();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(parse_notes(std::string_view(bytes).substr(0, size)).size(), size < whole ? 0U : 1U)
        << size;
}

TEST(Notes, AreNotReadFromBytesThatSomethingChanged) {
  const auto bytes = bytes_of({{id_of(1), "first"}});
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    auto changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_TRUE(parse_notes(changed).empty()) << at;
  }
}

TEST(Notes, NameWhatWasAddedAndMakeNoFileBefore) {
  const TemporaryFolder folder;
  Notes notes(folder.path());
  EXPECT_TRUE(files_in(folder.path()).empty());
  EXPECT_TRUE(ids_in(folder.path() / "missing").empty());
  ASSERT_TRUE(notes.add(id_of(1), "a"));
  ASSERT_TRUE(notes.add(id_of(1), "a"));
  ASSERT_TRUE(notes.add(id_of(2), "b"));
  EXPECT_EQ(ids_in(folder.path()), (std::vector{id_of(1), id_of(2)}));
  EXPECT_EQ(files_in(folder.path()).size(), 1U);
  notes.remove(id_of(2));
  notes.remove(id_of(2));
  EXPECT_FALSE(notes.empty());
  notes.remove(id_of(1));
  EXPECT_TRUE(notes.empty());
}

TEST(Notes, StayInOneSmallFileHoweverManyThereWere) {
  const TemporaryFolder folder;
  Notes notes(folder.path(), 1000);
  ASSERT_TRUE(notes.add(id_of(60'000), "stays"));
  for (int i = 0; i < 5'000; ++i) {
    ASSERT_TRUE(notes.add(id_of(i), "key"));
    notes.remove(id_of(i));
  }
  const auto files = files_in(folder.path());
  ASSERT_EQ(files.size(), 1U);
  EXPECT_LT(fs::file_size(files[0]), 1'100U);
  EXPECT_EQ(std::ranges::count(ids_in(folder.path()), id_of(60'000)), 1);
}

TEST(Notes, AreNeverMissedByWhoReadsWhileTheyMove) {
  const TemporaryFolder folder;
  Notes notes(folder.path(), 100);
  ASSERT_TRUE(notes.add(id_of(60'000), "stays"));
  std::jthread writer([&](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); i = (i + 1) % 1'000) {
      ASSERT_TRUE(notes.add(id_of(i), "key"));
      notes.remove(id_of(i));
    }
  });
  for (int i = 0; i < 300; ++i) {
    const auto read = Notes::read(folder.path());
    if (!read) {
      EXPECT_EQ(read.error().code, ErrorCode::busy);
      continue;
    }
    const auto stays = [](const Note& note) { return note.id == id_of(60'000); };
    ASSERT_TRUE(std::ranges::any_of(*read, stays)) << i;
  }
}

// Half a note at the end of a file would hide what comes behind it.
TEST(Notes, GoToAnotherFileAfterAWriteThatFailed) {
  const TemporaryFolder folder;
  Notes notes(folder.path());
  ASSERT_TRUE(notes.add(id_of(1), "a"));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 100;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_FALSE(notes.add(id_of(2), std::string(200, 'b')));
  EXPECT_EQ(ids_in(folder.path()), std::vector{id_of(1)});
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_DFL);
  ASSERT_TRUE(notes.add(id_of(3), "c"));
  EXPECT_EQ(ids_in(folder.path()), (std::vector{id_of(1), id_of(3)}));
  EXPECT_EQ(files_in(folder.path()).size(), 1U);
}

}  // namespace
}  // namespace valetkey::storage
