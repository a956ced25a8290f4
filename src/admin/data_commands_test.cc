// SPDX-License-Identifier: Apache-2.0
// import, check, backup and restore through the front door.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "admin/internal/data_folder.h"
#include "admin/testing/test_machine.h"
#include "base/file.h"
#include "base/keyring.h"
#include "sqlite/database.h"

namespace valetkey::admin {
namespace {

using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

class Data : public testing::Test {
 protected:
  void SetUp() override {
    machine_.prepare();
    put("v1/account_id=12/type=events/date=2026-01-31/_SUCCESS", "");
    put("v1/account_id=12/type=events/date=2026-01-31/event=buy/notes.txt", "some content");
    machine_.must({"import", tree().string()});
  }
  fs::path tree() const { return machine_.folder() / "export"; }
  void put(const std::string& key, const std::string& content) const {
    fs::create_directories((tree() / key).parent_path());
    std::ofstream(tree() / key) << content;
  }
  std::string backup_folder() const { return (machine_.folder() / "backup").string(); }
  // The stored file of notes.txt; the other one is of an empty object, so shorter.
  fs::path stored_file() const {
    fs::path longest;
    for (const auto& entry : fs::recursive_directory_iterator(machine_.data() / "objects"))
      if (entry.is_regular_file() &&
          (longest.empty() || entry.file_size() > fs::file_size(longest)))
        longest = entry.path();
    return longest;
  }
  // A new folder beside, with the same keyring, that the backup is restored into.
  Answer restore_to(const std::string& name) const {
    return machine_.run_bare({"restore", backup_folder(), "--data-dir",
                              (machine_.folder() / name).string(), "--keyring",
                              machine_.keyring().string()});
  }
  Answer check_in(const std::string& name) const {
    return machine_.run_bare({"check", "--json", "--data-dir", (machine_.folder() / name).string(),
                              "--keyring", machine_.keyring().string()});
  }
  TestMachine machine_;
};

TEST_F(Data, ImportIsIdempotent) {
  const auto again = machine_.must({"import", tree().string(), "--json"}).json();
  EXPECT_EQ(again.at("added"), 0);
  EXPECT_EQ(again.at("unchanged"), 2);
  EXPECT_EQ(again.at("complete"), true);
}

TEST_F(Data, ImportRefusesWhatIsNoParquetAndSaysWhich) {
  put("v1/account_id=12/type=events/date=2026-01-31/event=buy/part-0.parquet", "not a footer");
  const Answer answer = machine_.run({"import", tree().string(), "--json"});
  EXPECT_EQ(answer.status, 1);
  EXPECT_EQ(answer.json().at("refused"), 1);
  EXPECT_THAT(answer.err, HasSubstr("part-0.parquet"));
}

TEST_F(Data, ImportCountsByAccountAndNamesThoseThatDoNotExist) {
  put("v1/account_id=13/type=events/date=2026-02-01/event=buy/notes.txt", "x");
  put("v1/account_id=13/type=events/date=2026-02-03/event=buy/notes.txt", "y");
  const Answer answer = machine_.must({"import", tree().string(), "--json"});
  const auto document = answer.json();
  const auto& accounts = document.at("accounts").as_array();
  ASSERT_EQ(accounts.size(), 2u);
  EXPECT_EQ(accounts[1].at("id"), "13");
  EXPECT_EQ(accounts[1].at("days"), 2);
  EXPECT_EQ(accounts[1].at("files"), 2);
  EXPECT_EQ(accounts[1].at("first_day"), "2026-02-01");
  EXPECT_EQ(accounts[1].at("last_day"), "2026-02-03");
  EXPECT_EQ(document.at("unknown_accounts"), boost::json::parse(R"(["13"])"));
  EXPECT_THAT(answer.err, HasSubstr("valetkeyd account create 13 --name"));
  EXPECT_THAT(machine_.must({"import", tree().string()}).out,
              HasSubstr("Account 13: 2 days (2026-02-01 to 2026-02-03), 2 files"));
}

TEST_F(Data, AForeignKeyringIsKnownByWhatIsStored) {
  fs::remove(machine_.data() / "keyring.id");  // as a folder of an earlier version
  const auto own = read_keyring(machine_.keyring()).value();
  ASSERT_TRUE(write_keyring(machine_.keyring(), Keyring::make(SystemClock().now()), true));
  const Answer refused = machine_.run({"check"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("is not the one of " + machine_.data().string()));
  ASSERT_TRUE(write_keyring(machine_.keyring(), own, true));
  machine_.must({"check"});
  EXPECT_TRUE(fs::exists(machine_.data() / "keyring.id"));
}

// Flips a bit in what says what kind of page the table's first one is; returns the sound file.
std::string damage(const fs::path& file, const std::string& table) {
  std::size_t at = 0;
  {
    const auto database = sqlite::Database::open(file, sqlite::Database::Mode::read_write).value();
    EXPECT_TRUE(database->execute("PRAGMA wal_checkpoint(TRUNCATE)"));
    auto find = database->prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").value();
    EXPECT_TRUE(find.bind(table).step().value()) << table;
    at = static_cast<std::size_t>(find.integer(0) - 1) * 4096;
  }
  std::string sound = read_file(file, 100'000'000).value();
  std::string bytes = sound;
  bytes[at] = static_cast<char>(bytes[at] ^ 4);
  EXPECT_TRUE(replace_file(file, bytes));
  return sound;
}

TEST_F(Data, CheckNamesDamagedTables) {
  for (const auto& [file, table] : {std::pair{"control.db", "users"},
                                    {"control.db", "tokens"},
                                    {"control.db", "revocations"},
                                    {"objects.db", "export_seen"},
                                    {"objects.db", "export_count"}}) {
    const std::string sound = damage(machine_.data() / file, table);
    const Answer answer = machine_.run({"check"});
    EXPECT_EQ(answer.status, 1) << table;
    EXPECT_THAT(answer.out, HasSubstr(std::string(file) + ": table " + table + " is damaged"));
    EXPECT_THAT(answer.out, HasSubstr("restore a backup"));
    ASSERT_TRUE(replace_file(machine_.data() / file, sound));
  }
  machine_.must({"check"});
}

TEST_F(Data, TheBucketOfTheFolderIsUsedWhereNoOtherIsNamed) {
  const auto dir = (machine_.folder() / "acme").string();
  const auto in = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--data-dir", dir});
    return machine_.run_bare(words);
  };
  EXPECT_THAT(in({"init", "--bucket", "acme-events"}).out, HasSubstr("for bucket acme-events"));
  EXPECT_EQ(in({"import", tree().string()}).status, 0);
  EXPECT_EQ(in({"check"}).status, 0);
  machine_.environment["VALETKEY_S3_BUCKET"] = "other-events";
  const Answer refused = in({"check"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("was made with bucket acme-events"));
  EXPECT_THAT(refused.err, HasSubstr("the environment names bucket other-events"));
}

TEST_F(Data, AShorterRetentionSaysWhatItRemoves) {
  const Answer said = machine_.must({"account", "set", "12", "--retention", "1d"});
  EXPECT_THAT(said.err, HasSubstr("of account 12 (2026-01-31 to 2026-01-31): 2 objects"));
  const Answer again = machine_.must({"account", "set", "12", "--retention", "1d"});
  EXPECT_THAT(again.err, Not(HasSubstr("removes")));
}

TEST_F(Data, ImportOfAFolderThatIsNoneIsRefused) {
  const Answer answer = machine_.run({"import", (machine_.folder() / "nothing").string()});
  EXPECT_EQ(answer.status, 1);
  EXPECT_THAT(answer.err, HasSubstr("nothing"));
}

TEST_F(Data, CheckOfSoundDataIsClean) {
  const auto report = machine_.must({"check", "--json"}).json();
  EXPECT_EQ(report.at("clean"), true);
  EXPECT_EQ(report.at("objects"), 2);
  EXPECT_THAT(machine_.must({"check"}).out, HasSubstr("all is well"));
}

TEST_F(Data, CheckNamesTheObjectThatWasAltered) {
  const fs::path file = stored_file();
  ASSERT_FALSE(file.empty());
  std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(static_cast<std::streamoff>(fs::file_size(file)) - 3);
  const int former = bytes.peek();
  bytes.put(static_cast<char>(former ^ 1));
  bytes.close();
  const Answer answer = machine_.run({"check"});
  EXPECT_EQ(answer.status, 1);
  EXPECT_THAT(answer.out, HasSubstr("event=buy/notes.txt"));
}

TEST_F(Data, ABackupRestoresIntoAnEmptyFolder) {
  machine_.must({"backup", backup_folder()});
  const Answer answer = restore_to("second");
  EXPECT_EQ(answer.status, 0) << answer.err;
  const Answer check = check_in("second");
  EXPECT_EQ(check.status, 0) << check.out << check.err;
  EXPECT_EQ(check.json().at("objects"), 2);
  const auto accounts = machine_.run_bare(
      {"account", "list", "--json", "--data-dir", (machine_.folder() / "second").string()});
  EXPECT_EQ(accounts.json().at("accounts").as_array().size(), 1u);
  const auto audit =
      machine_.run_bare({"audit", "--data-dir", (machine_.folder() / "second").string()});
  EXPECT_THAT(audit.out, HasSubstr("account.create"));
}

TEST_F(Data, ABackupHoldsNoKeyAndNoPlainContent) {
  machine_.must({"backup", backup_folder()});
  for (const auto& entry : fs::recursive_directory_iterator(backup_folder())) {
    if (entry.path().filename() != "keyring.id")  // fingerprints of its keys
      EXPECT_THAT(entry.path().string(), Not(HasSubstr("keyring")));
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::stringstream content;
    content << file.rdbuf();
    EXPECT_THAT(content.str(), Not(HasSubstr("some content"))) << entry.path();
  }
}

TEST_F(Data, BackupAndRestoreRefuseFoldersThatHoldSomething) {
  machine_.must({"backup", backup_folder()});
  const auto refused = [&](const Answer& answer, const char* why) {
    EXPECT_EQ(answer.status, 1);
    EXPECT_THAT(answer.err, HasSubstr(why));
    EXPECT_THAT(answer.err, testing::Not(HasSubstr("serve")));  // which would change a backup
  };
  refused(machine_.run({"backup", backup_folder()}), "is a backup already");
  refused(machine_.run({"backup", (machine_.data() / "backup").string()}),
          "would lie inside the data folder");
  refused(machine_.run({"restore", backup_folder()}), "holds data already");
  refused(machine_.run_bare({"restore", backup_folder(), "--data-dir", backup_folder()}),
          "is a backup itself");
  refused(machine_.run({"backup", machine_.data().string()}), "is a data folder");
  refused(machine_.run_bare({"init", "--data-dir", backup_folder(), "--keyring",
                             (machine_.folder() / "new.keyring").string()}),
          "is a backup; `valetkeyd restore");
}

// As it is refused everywhere else; and the right one goes on where that attempt ended.
TEST_F(Data, ARestoreRefusesAKeyringThatIsNotTheBackups) {
  machine_.must({"backup", backup_folder()});
  const auto other = (machine_.folder() / "other").string();
  machine_.run_bare({"init", "--data-dir", other});
  const auto second = (machine_.folder() / "second").string();
  const Answer answer = machine_.run_bare(
      {"restore", backup_folder(), "--data-dir", second, "--keyring", other + ".keyring"});
  EXPECT_EQ(answer.status, 1);
  EXPECT_THAT(answer.err, HasSubstr("is not the one of " + second));
  EXPECT_EQ(restore_to("second").status, 0);
  EXPECT_EQ(check_in("second").status, 0);
}

TEST_F(Data, ABackupWithoutItsManifestIsNone) {
  machine_.must({"backup", backup_folder()});
  fs::remove(fs::path(backup_folder()) / "manifest.json");
  const Answer answer = restore_to("second");
  EXPECT_EQ(answer.status, 1);
  EXPECT_THAT(answer.err, HasSubstr("not a complete backup"));
}

TEST_F(Data, ARestoreThatWasInterruptedIsSaidAndCanBeRepeated) {
  machine_.must({"backup", backup_folder()});
  ASSERT_EQ(restore_to("second").status, 0);
  // As if it had been killed just before its end.
  std::ofstream(machine_.folder() / "second" / kRestoreMarker);
  const Answer half = check_in("second");
  EXPECT_EQ(half.status, 1);
  EXPECT_THAT(half.err, HasSubstr("did not finish"));
  EXPECT_EQ(restore_to("second").status, 0);
  EXPECT_EQ(check_in("second").status, 0);
}

TEST_F(Data, KeysRewrapKeepsEverythingReadable) {
  machine_.must({"keys", "rotate", "--purpose", "object", "--activate-in", "0s"});
  const auto done = machine_.must({"keys", "rewrap", "--json"}).json();
  EXPECT_EQ(done.at("rewrapped"), 2);
  EXPECT_EQ(done.at("retired").as_array().size(), 1u);
  EXPECT_EQ(machine_.must({"check", "--json"}).json().at("clean"), true);
}

}  // namespace
}  // namespace valetkey::admin
