// SPDX-License-Identifier: Apache-2.0
#include "base/keyring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/encoding.h"
#include "base/file.h"
#include "base/testing/temporary_folder.h"

namespace valetkey {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using testing::HasSubstr;

const Timestamp kNow = from_epoch_ms(1'700'000'000'000);

// Every byte of the material of key n is n.
constexpr std::string_view kGolden =
    "valetkey-keyring 1 next=4\n"
    "key 1 session created=2023-11-14T22:13:20.000Z active=2023-11-14T22:13:20.000Z "
    "retired=2023-11-15T00:00:00.001Z material=AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\n"
    "key 2 object created=2023-11-14T22:13:20.000Z active=2023-11-14T22:13:20.000Z retired=- "
    "material=AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI\n"
    "key 3 session created=2023-11-14T23:00:00.000Z active=2023-11-14T23:05:00.000Z retired=- "
    "material=AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM\n"
    "crc32 90058512\n";

std::string with_checksum(std::string body) {
  const std::string line = "crc32 " + fmt::format("{:08x}", crc32(0, body)) + "\n";
  return body.append(line);
}
std::string golden_body() { return std::string(kGolden.substr(0, kGolden.rfind("crc32 "))); }

TEST(KeyringText, KeepsItsWrittenForm) {
  const Keyring keyring = Keyring::parse(kGolden).value();
  EXPECT_EQ(keyring.serialize().reveal(), kGolden);
  ASSERT_EQ(keyring.keys().size(), 3U);
  const Key& first = keyring.keys()[0];
  EXPECT_EQ(first.id, 1U);
  EXPECT_EQ(first.purpose, KeyPurpose::session);
  EXPECT_EQ(first.created, kNow);
  EXPECT_EQ(first.material.reveal(), std::string(32, '\x01'));
}

// The subkeys are part of the format: what they sealed must open in every later version.
TEST(KeyringText, DerivesTheSameSubkeysForEver) {
  const Keyring keyring = Keyring::parse(kGolden).value();
  EXPECT_EQ(hex(keyring.keys()[0].seal.reveal()),
            "8ea4b6a5ed530c5f9c29be13d8a1e0706225d6520fb41adbf726a40dc82dede3");
  EXPECT_EQ(hex(keyring.keys()[0].derive.reveal()),
            "fa0935288df1fe18cca63d89a1cd26a01dda6eafe9933ca428da5eaebb8ca810");
  EXPECT_EQ(hex(keyring.keys()[1].seal.reveal()),
            "de8df0d5388292012c5e646d6db2725c3c24bd058bbf2ba4607be2d2bc2c0088");
  EXPECT_EQ(hex(keyring.keys()[1].derive.reveal()),
            "9dc1ef5bec7158ff5116354206211a9447c20a3f96d26310047116bc37457d15");
}

TEST(KeyringText, ComesBackFromMake) {
  const Keyring made = Keyring::make(kNow)
                           .with_new_key(KeyPurpose::object, kNow, kNow + hours(1))
                           .with_new_key(KeyPurpose::session, kNow, kNow - hours(1));
  const Keyring read = Keyring::parse(made.serialize().reveal()).value();
  EXPECT_EQ(read.serialize(), made.serialize());
  EXPECT_EQ(read.keys()[3].seal, made.keys()[3].seal);
}

TEST(KeyringText, ShowsEveryAlteredOrMissingByte) {
  for (std::size_t i = 0; i < kGolden.size(); ++i) {
    std::string altered(kGolden);
    altered[i] = static_cast<char>(altered[i] ^ 1);
    EXPECT_FALSE(Keyring::parse(altered)) << i;
    EXPECT_FALSE(Keyring::parse(kGolden.substr(0, i))) << i;
  }
  EXPECT_FALSE(Keyring::parse(std::string(kGolden) + "\n"));
}

TEST(KeyringText, NamesTheLineThatIsWrong) {
  EXPECT_THAT(Keyring::parse("").error().detail, HasSubstr("line 1"));
  EXPECT_THAT(Keyring::parse("valetkey-keyring 2 next=1\n").error().detail, HasSubstr("line 1"));
  std::string body = golden_body();
  body.replace(body.find("key 2 object"), 12, "key 2 banana");
  const auto refused = Keyring::parse(with_checksum(body));
  EXPECT_EQ(refused.error().code, ErrorCode::corrupt);
  EXPECT_THAT(refused.error().detail, HasSubstr("line 3"));
}

TEST(KeyringText, RefusesOtherFormsOfTheSameValues) {
  const std::string body = golden_body();
  ASSERT_TRUE(Keyring::parse(with_checksum(body)));
  const std::pair<const char*, const char*> changes[] = {
      {"key 2 ", "key 02 "},      {"key 2 ", "key +2 "},       {"key 2 ", "key 1 "},
      {"key 3 ", "key 4 "},       {"next=4", "next=3"},        {"next=4", "next=04"},
      {".001Z", ".0010Z"},        {"20.000Z", "20Z"},          {"retired=-", "retired="},
      {"AQEBAQE\n", "AQEBAQF\n"}, {"AQEBAQE\n", "AQEBAQE=\n"}, {" session", "  session"},
      {"AQEBAQE\n", "AQEB\n"},    {"\nkey 3", "\r\nkey 3"},    {"key 3 ", "key 4294967296 "}};
  for (const auto& [from, to] : changes) {
    std::string changed = body;
    changed.replace(changed.find(from), std::string_view(from).size(), to);
    EXPECT_FALSE(Keyring::parse(with_checksum(changed))) << from << " -> " << to;
  }
}

TEST(Keyring, HasOneActiveKeyOfEachPurpose) {
  const Keyring keyring = Keyring::make(kNow);
  EXPECT_EQ(keyring.active(KeyPurpose::session, kNow)->purpose, KeyPurpose::session);
  EXPECT_EQ(keyring.active(KeyPurpose::object, kNow)->purpose, KeyPurpose::object);
  EXPECT_EQ(keyring.active(KeyPurpose::object, kNow - hours(1)), nullptr);
  EXPECT_NE(keyring.keys()[0].material, keyring.keys()[1].material);
  EXPECT_NE(keyring.keys()[0].seal, keyring.keys()[0].derive);
}

TEST(Keyring, TakesAKeyThroughItsStates) {
  const Keyring keyring =
      Keyring::make(kNow).with_new_key(KeyPurpose::session, kNow, kNow + hours(1));
  const Key& old_key = *keyring.find(KeyPurpose::session, 1);
  const Key& new_key = *keyring.find(KeyPurpose::session, 3);
  EXPECT_EQ(keyring.state_of(old_key, kNow), KeyState::active);
  EXPECT_EQ(keyring.state_of(new_key, kNow), KeyState::pending);
  EXPECT_EQ(keyring.active(KeyPurpose::session, kNow)->id, 1U);
  const Timestamp changed = kNow + hours(1);
  EXPECT_EQ(keyring.state_of(old_key, changed), KeyState::verify_only);
  EXPECT_EQ(keyring.state_of(new_key, changed), KeyState::active);
  EXPECT_EQ(keyring.active(KeyPurpose::session, changed)->id, 3U);
  EXPECT_EQ(keyring.state_of(old_key, changed + kLongestSession - milliseconds(1)),
            KeyState::verify_only);
  EXPECT_EQ(keyring.state_of(old_key, changed + kLongestSession), KeyState::retired);
}

TEST(Keyring, RetiresObjectKeysOnlyWhenTold) {
  const Keyring keyring =
      Keyring::make(kNow).with_new_key(KeyPurpose::object, kNow, kNow + hours(1));
  const Timestamp later = kNow + hours(24 * 365);
  EXPECT_EQ(keyring.state_of(*keyring.find(KeyPurpose::object, 2), later), KeyState::verify_only);
  const Keyring retired = keyring.with_retired(KeyPurpose::object, 2, later).value();
  EXPECT_EQ(retired.state_of(*retired.find(KeyPurpose::object, 2), later), KeyState::retired);
  EXPECT_EQ(retired.active(KeyPurpose::object, later)->id, 3U);
  EXPECT_TRUE(retired.with_retired(KeyPurpose::object, 2, later));
  EXPECT_EQ(keyring.with_retired(KeyPurpose::object, 3, later).error().code, ErrorCode::invalid);
  EXPECT_EQ(keyring.with_retired(KeyPurpose::object, 3, kNow).error().code, ErrorCode::invalid);
  EXPECT_EQ(keyring.with_retired(KeyPurpose::session, 2, later).error().code, ErrorCode::not_found);
}

TEST(Keyring, ForgetsSessionKeysThatNoSessionCanNeed) {
  const Keyring keyring = Keyring::make(kNow)
                              .with_new_key(KeyPurpose::session, kNow, kNow + hours(1))
                              .with_new_key(KeyPurpose::object, kNow, kNow + hours(1));
  EXPECT_EQ(keyring.without_stale_sessions(kNow + hours(2), hours(2)).keys().size(), 4U);
  const Keyring left = keyring.without_stale_sessions(kNow + hours(3), hours(2));
  EXPECT_EQ(left.find(KeyPurpose::session, 1), nullptr);
  EXPECT_EQ(left.keys().size(), 3U);
}

TEST(Keyring, NeverGivesAnIdTwice) {
  // The youngest id is the stale one: the key that replaced it was made before it.
  const Keyring keyring =
      Keyring::make(kNow).with_new_key(KeyPurpose::session, kNow, kNow - hours(9));
  const Keyring left = keyring.without_stale_sessions(kNow + hours(20), hours(1));
  ASSERT_EQ(left.find(KeyPurpose::session, 3), nullptr);
  const Keyring read = Keyring::parse(left.serialize().reveal()).value();
  EXPECT_EQ(read.with_new_key(KeyPurpose::object, kNow, kNow).keys().back().id, 4U);
}

class KeyringFile : public testing::Test {
 protected:
  TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path();
  const fs::path path_ = folder_ / "data.keyring";
};

TEST_F(KeyringFile, IsCreatedOnceAndReplacedWhenTold) {
  const Keyring one = Keyring::make(kNow);
  const Keyring two = Keyring::make(kNow);
  ASSERT_TRUE(write_keyring(path_, one, false));
  EXPECT_EQ(fs::status(path_).permissions(), fs::perms(0600));
  EXPECT_EQ(write_keyring(path_, two, false).error().code, ErrorCode::already_exists);
  EXPECT_EQ(read_keyring(path_)->serialize(), one.serialize());
  ASSERT_TRUE(write_keyring(path_, two, true));
  EXPECT_EQ(read_keyring(path_)->serialize(), two.serialize());
}

TEST_F(KeyringFile, MustBePrivate) {
  ASSERT_TRUE(write_keyring(path_, Keyring::make(kNow), false));
  for (const unsigned mode : {0640U, 0604U, 0620U, 0602U, 0700U, 0601U, 0644U}) {
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    const auto refused = read_keyring(path_);
    EXPECT_EQ(refused.error().code, ErrorCode::denied) << mode;
    EXPECT_THAT(refused.error().detail, HasSubstr("chmod 600 " + path_.string()));
  }
  ASSERT_EQ(::chmod(path_.c_str(), 0400), 0);
  EXPECT_TRUE(read_keyring(path_));
}

TEST_F(KeyringFile, MustBeAFile) {
  EXPECT_EQ(read_keyring(folder_).error().code, ErrorCode::denied);
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(read_keyring(pipe).error().code, ErrorCode::denied);
}

// As Kubernetes mounts a secret: keyring -> ..data/keyring, ..data -> a folder for each version.
TEST_F(KeyringFile, MayBeALinkThatIsExchangedButNotWrittenThrough) {
  for (const auto* version : {"..1", "..2"}) fs::create_directory(folder_ / version);
  const Keyring one = Keyring::make(kNow);
  const Keyring two = one.with_new_key(KeyPurpose::session, kNow, kNow);
  ASSERT_TRUE(write_keyring(folder_ / "..1/keyring", one, false));
  ASSERT_TRUE(write_keyring(folder_ / "..2/keyring", two, false));
  fs::create_symlink("..1", folder_ / "..data");
  fs::create_symlink("..data/keyring", path_);
  const auto source = FileKeySource::open(path_).value();
  EXPECT_EQ(source->get()->serialize(), one.serialize());
  fs::create_symlink("..2", folder_ / "..next");
  fs::rename(folder_ / "..next", folder_ / "..data");
  ASSERT_TRUE(source->reload());
  EXPECT_EQ(source->get()->serialize(), two.serialize());
  EXPECT_THAT(write_keyring(path_, one, true).error().detail,
              HasSubstr("a copy that you hand over"));
  EXPECT_TRUE(fs::is_symlink(path_));
}

// What another user can do needs two of them, and so the rights of root.
TEST_F(KeyringFile, OfRootMayBeReadByTheServersGroupAndNoOther) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make files of root";
  ASSERT_TRUE(write_keyring(folder_ / "real", Keyring::make(kNow), false));
  fs::create_symlink(folder_ / "real", path_);
  ASSERT_EQ(::chown(folder_.c_str(), 0, 65534), 0);
  fs::permissions(folder_, fs::perms(0750));
  ASSERT_EQ(::chown((folder_ / "real").c_str(), 0, 65534), 0);
  const auto read_as_nobody = [&](unsigned mode, uid_t link_of) -> std::string {
    EXPECT_EQ(::chmod((folder_ / "real").c_str(), mode), 0);
    EXPECT_EQ(::lchown(path_.c_str(), link_of, 0), 0);
    EXPECT_EQ(::setegid(65534), 0);
    EXPECT_EQ(::seteuid(65534), 0);
    const auto read = read_keyring(path_);
    EXPECT_EQ(::seteuid(0), 0);
    EXPECT_EQ(::setegid(0), 0);
    return read ? "" : read.error().detail;
  };
  EXPECT_EQ(read_as_nobody(0440, 0), "");
  EXPECT_EQ(read_as_nobody(0640, 65534), "");
  for (const unsigned mode : {0444U, 0460U, 0450U})
    EXPECT_THAT(read_as_nobody(mode, 0), HasSubstr("chmod 440")) << mode;
  EXPECT_THAT(read_as_nobody(0440, 1), HasSubstr("a symbolic link that user 1 made"));
}

TEST_F(KeyringFile, SaysWhatToDoWhereItIsMissing) {
  const auto missing = read_keyring(path_);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_THAT(missing.error().detail, HasSubstr(path_.string()));
  EXPECT_THAT(missing.error().detail, HasSubstr("--keyring"));
}

TEST_F(KeyringFile, IsNotQuotedInItsErrors) {
  ASSERT_TRUE(replace_file(path_, std::string(kGolden.substr(0, 300))));
  const auto refused = read_keyring(path_);
  EXPECT_EQ(refused.error().code, ErrorCode::corrupt);
  EXPECT_THAT(refused.error().detail, HasSubstr(path_.string()));
  EXPECT_THAT(refused.error().detail, testing::Not(HasSubstr("AQEB")));
}

TEST(Keyrings, SayThatTheClockIsBehindThem) {
  const auto minutes = [](int n) { return std::chrono::minutes(n); };
  const Keyring keyring = Keyring::make(kNow);
  EXPECT_TRUE(keyring.require_active(KeyPurpose::session, kNow));
  const auto behind = keyring.require_active(KeyPurpose::session, kNow - minutes(40));
  ASSERT_FALSE(behind);
  EXPECT_EQ(behind.error().code, ErrorCode::unavailable);
  EXPECT_THAT(behind.error().detail, HasSubstr("the clock is 40 minutes behind the keyring"));
  EXPECT_THAT(behind.error().detail, testing::Not(HasSubstr("rotate")));
  const auto little = keyring.require_active(KeyPurpose::object, kNow - milliseconds(5));
  EXPECT_THAT(little.error().detail, HasSubstr("the clock is 1 minute behind"));
  EXPECT_THAT(Keyring().require_active(KeyPurpose::object, kNow).error().detail,
              HasSubstr("keys rotate"));
}

TEST(Keyrings, ContinueThroughRotationsAndNoOthers) {
  const Keyring first = Keyring::make(kNow);
  const Keyring rotated = first.with_new_key(KeyPurpose::session, kNow, kNow)
                              .without_stale_sessions(kNow + std::chrono::days(1), kLongestSession);
  EXPECT_TRUE(rotated.continues(first));
  EXPECT_TRUE(first.continues(rotated));
  EXPECT_FALSE(Keyring::make(kNow).continues(first));
  EXPECT_EQ(fingerprint_of(first.keys()[0]), fingerprint_of(first.keys()[0]));
  EXPECT_NE(fingerprint_of(first.keys()[0]), fingerprint_of(first.keys()[1]));
  EXPECT_EQ(fingerprint_of(first.keys()[0]).size(), 32U);
}

TEST_F(KeyringFile, StaysInForceWhenAReloadFails) {
  ASSERT_TRUE(write_keyring(path_, Keyring::make(kNow), false));
  const auto source = FileKeySource::open(path_).value();
  const auto before = source->get();
  ASSERT_TRUE(replace_file(path_, "nonsense"));
  EXPECT_FALSE(source->reload());
  ASSERT_TRUE(write_keyring(path_, Keyring::make(kNow), true));  // of another folder
  EXPECT_EQ(source->reload().error().code, ErrorCode::denied);
  EXPECT_EQ(source->get(), before);
  ASSERT_TRUE(write_keyring(path_, before->with_new_key(KeyPurpose::object, kNow, kNow), true));
  ASSERT_TRUE(source->reload());
  EXPECT_EQ(source->get()->keys().size(), 3U);
  EXPECT_EQ(before->keys().size(), 2U);
  EXPECT_FALSE(FileKeySource::open(folder_ / "none"));
}

}  // namespace
}  // namespace valetkey
