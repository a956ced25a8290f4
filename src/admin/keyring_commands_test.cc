// SPDX-License-Identifier: Apache-2.0
// init and keys through the front door: a data folder and the keyring that opens it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "admin/testing/test_machine.h"
#include "base/keyring.h"

namespace valetkey::admin {
namespace {

using testing::HasSubstr;

mode_t mode_of(const std::filesystem::path& path) {
  struct stat found = {};
  return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 07777 : 0;
}

TEST(Init, MakesAPrivateFolderAndAKeyringBesideIt) {
  const TestMachine machine;
  const Answer answer = machine.must({"init"});
  EXPECT_EQ(mode_of(machine.data()), 0700u);
  EXPECT_EQ(mode_of(machine.keyring()), 0600u);
  EXPECT_TRUE(std::filesystem::exists(machine.data() / "control.db"));
  EXPECT_TRUE(std::filesystem::exists(machine.data() / "objects.db"));
  EXPECT_THAT(answer.err, HasSubstr("valetkeyd account create"));
}

TEST(Init, RefusesAFolderThatIsOneAlready) {
  const TestMachine machine;
  machine.must({"init"});
  expect_refused(machine.run({"init"}), "is a data folder already");
  machine.must({"account", "list"});
}

TEST(Init, RefusesAFolderWithOtherThings) {
  const TestMachine machine;
  std::filesystem::create_directory(machine.data());
  std::ofstream(machine.data() / "something") << "x";
  expect_refused(machine.run({"init"}), "is not empty");
}

TEST(Init, AcceptsAFolderThatHoldsOnlyAConfiguration) {
  const TestMachine machine;
  std::filesystem::create_directory(machine.data());
  std::ofstream(machine.data() / "valetkey.toml") << "[s3]\nbucket = \"other-bucket\"\n";
  machine.must({"init"});
}

TEST(Init, RefusesAKeyringInsideTheDataFolder) {
  const TestMachine machine;
  const auto inside = (machine.data() / "x" / ".." / "keyring").string();
  expect_refused(machine.run({"init", "--keyring", inside}), "inside the data folder");
  EXPECT_FALSE(std::filesystem::exists(machine.data()));
}

TEST(Init, RefusesToReplaceAKeyring) {
  const TestMachine machine;
  std::ofstream(machine.keyring()) << "of other data";
  expect_refused(machine.run({"init"}), "exists already");
}

TEST(Init, LeavesNothingBehindThatStopsTheNextAttempt) {
  const TestMachine machine;
  std::ofstream(machine.folder() / "bad.toml") << "[s3]\nbuckte = 1\n";
  expect_refused(machine.run({"init", "--config", (machine.folder() / "bad.toml").string()}),
                 "line 2: [s3] has no key 'buckte'");
  EXPECT_FALSE(std::filesystem::exists(machine.keyring()));
  machine.must({"init"});
}

TEST(Keys, RotateAddsPendingKeysThatTakeOverLater) {
  const TestMachine machine;
  machine.prepare();
  const auto keys = machine.must({"keys", "rotate", "--json"}).json().at("keys");
  ASSERT_EQ(keys.as_array().size(), 4u);
  EXPECT_EQ(keys.at(0).at("state"), "active");
  EXPECT_EQ(keys.at(3).at("state"), "pending");
  machine.must({"keys", "rotate", "--purpose", "session", "--activate-in", "0s"});
  const auto after = machine.must({"keys", "list", "--json"}).json().at("keys");
  EXPECT_EQ(std::ranges::count_if(after.as_array(),
                                  [](const auto& key) { return key.at("state") == "active"; }),
            2);
  EXPECT_EQ(mode_of(machine.keyring()), 0600u);
}

TEST(Keys, RewrapRetiresTheFormerObjectKey) {
  const TestMachine machine;
  machine.prepare();
  machine.must({"keys", "rotate", "--purpose", "object", "--activate-in", "0s"});
  const auto done = machine.must({"keys", "rewrap", "--json"}).json();
  EXPECT_EQ(done.at("retired").as_array().size(), 1u);
  expect_refused(machine.run({"keys", "rotate", "--purpose", "all"}),
                 "--purpose takes session, object or both, not `all`", 2);
  expect_refused(machine.run({"keys", "rotate", "--activate-in", "soon"}), "--activate-in takes",
                 2);
}

TEST(Keys, AKeyringThatOthersCanReadIsRefused) {
  const TestMachine machine;
  machine.prepare();
  ::chmod(machine.keyring().c_str(), 0644);
  expect_refused(machine.run({"keys", "list"}), machine.keyring().string());
}

TEST(Keys, OfAnotherFolderAreRefused) {
  const TestMachine machine, other;
  machine.prepare();
  other.prepare();
  machine.must({"check"});
  const auto own = Keyring(read_keyring(machine.keyring()).value());
  ASSERT_TRUE(write_keyring(machine.keyring(), read_keyring(other.keyring()).value(), true));
  for (const std::vector<std::string>& words : {std::vector<std::string>{"check"},
                                                {"export"},
                                                {"keys", "rotate"},
                                                {"keys", "rewrap"},
                                                {"backup", (machine.folder() / "b").string()}})
    expect_refused(machine.run(words), "is not the one of " + machine.data().string());
  // A folder of before there was keyring.id knows by what it stores; an empty one takes any.
  std::filesystem::remove(machine.data() / "keyring.id");
  machine.must({"check"});
  expect_refused(
      [&] {
        EXPECT_TRUE(write_keyring(machine.keyring(), own, true));
        return machine.run({"check"});
      }(),
      "is not the one of");
}

TEST(Keys, OfBeforeARotationAreAnOlderCopy) {
  const TestMachine machine;
  machine.prepare();
  const auto before = read_keyring(machine.keyring()).value();
  machine.must({"keys", "rotate", "--purpose", "session"});
  const auto session_only = read_keyring(machine.keyring()).value();
  ASSERT_TRUE(write_keyring(machine.keyring(), before, true));
  machine.must({"check"});  // nothing that is stored needs the session key
  ASSERT_TRUE(write_keyring(machine.keyring(), session_only, true));
  machine.must({"keys", "rotate", "--purpose", "object"});
  ASSERT_TRUE(write_keyring(machine.keyring(), before, true));
  expect_refused(machine.run({"check"}), "older copy");
}

}  // namespace
}  // namespace valetkey::admin
