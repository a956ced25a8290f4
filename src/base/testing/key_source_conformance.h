// SPDX-License-Identifier: Apache-2.0
// For tests: what every KeySource does. Each implementation's test gives a KeysUnderTest and instantiates the suite.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/keyring.h"

namespace valetkey {

class KeysUnderTest {
 public:
  virtual ~KeysUnderTest() = default;
  // Opened on first_keyring().
  virtual KeySource& source() = 0;
  // What a reload finds from now on.
  virtual void write(const Keyring& keyring) = 0;
  // A reload cannot find anything from now on. False: it always can.
  virtual bool spoil() = 0;
};
using MakeKeysUnderTest = std::unique_ptr<KeysUnderTest> (*)();

inline const Timestamp kKeysMade = from_epoch_ms(1'600'000'000'000);
inline Keyring first_keyring() { return Keyring::make(kKeysMade); }

class KeySourceConformance : public testing::TestWithParam<MakeKeysUnderTest> {
 protected:
  KeySource& source() { return test_->source(); }
  Keyring with_one_more() const {
    return test_->source().get()->with_new_key(KeyPurpose::session, kKeysMade, kKeysMade);
  }
  std::unique_ptr<KeysUnderTest> test_ = GetParam()();
};

TEST_P(KeySourceConformance, GivesTheSameKeyringUntilItIsReloaded) {
  const auto keyring = source().get();
  ASSERT_NE(keyring, nullptr);
  EXPECT_TRUE(keyring->require_active(KeyPurpose::object, kKeysMade));
  test_->write(with_one_more());
  EXPECT_EQ(source().get(), keyring);
}

TEST_P(KeySourceConformance, AReloadBringsWhatIsNewAndLeavesWhatIsHeld) {
  const auto held = source().get();
  const auto before = held->keys().size();
  const auto wanted = with_one_more();
  test_->write(wanted);
  ASSERT_TRUE(source().reload());
  EXPECT_EQ(source().get()->keys().size(), before + 1);
  EXPECT_EQ(source().get()->serialize().reveal(), wanted.serialize().reveal());
  EXPECT_EQ(held->keys().size(), before) << "who holds a keyring goes on with it";
  ASSERT_TRUE(source().reload());
  EXPECT_EQ(source().get()->serialize().reveal(), wanted.serialize().reveal());
}

TEST_P(KeySourceConformance, AReloadThatFailsLeavesTheFormerKeyringInForce) {
  const std::string text(source().get()->serialize().reveal());
  test_->write(with_one_more());
  if (!test_->spoil()) GTEST_SKIP() << "nothing can be wrong with it";
  EXPECT_FALSE(source().reload());
  ASSERT_NE(source().get(), nullptr);
  EXPECT_EQ(source().get()->serialize().reveal(), text);
}

TEST_P(KeySourceConformance, CanBeAskedWhileItIsReloaded) {
  std::atomic<bool> stop = false;
  std::vector<std::thread> readers;
  readers.reserve(2);
  for (int i = 0; i < 2; ++i)
    readers.emplace_back([&] {
      for (std::size_t most = 0; !stop;) {
        const auto keys = source().get()->keys().size();
        EXPECT_GE(keys, most) << "an earlier one came back";
        most = keys;
      }
    });
  for (int i = 0; i < 20; ++i) {
    test_->write(with_one_more());
    EXPECT_TRUE(source().reload());
  }
  stop = true;
  for (auto& each : readers) each.join();
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(KeySourceConformance);

}  // namespace valetkey
