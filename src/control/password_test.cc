// SPDX-License-Identifier: Apache-2.0
#include "control/password.h"

#include <gtest/gtest.h>

namespace valetkey::control {
namespace {

const Secret kRight("correct horse battery");

TEST(Password, FitsItsOwnHashAndNoOther) {
  const std::string hash = hash_password(kRight).value();
  EXPECT_TRUE(fits_password(hash, kRight));
  EXPECT_FALSE(fits_password(hash, Secret("correct horse battery ")));
  EXPECT_FALSE(fits_password(hash, Secret("")));
}

TEST(Password, IsHashedByArgon2idWith19MiBAndTwoPassesAndASaltOfItsOwn) {
  const std::string hash = hash_password(kRight).value();
  EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << hash;
  EXPECT_NE(hash, hash_password(kRight).value());
}

TEST(Password, FitsNothingWhereNobodyHasSetOne) {
  EXPECT_FALSE(fits_password("", kRight));
  EXPECT_FALSE(fits_password("plain text", Secret("plain text")));
  EXPECT_FALSE(fits_password("$argon2id$v=19$broken", kRight));
  EXPECT_FALSE(fits_password("$argon2id$" + std::string(500, 'a'), kRight));
}

TEST(Password, IsATextOfTwelveCharactersAtLeast) {
  EXPECT_TRUE(check_password("twelve chars", "ada@example.com"));
  EXPECT_TRUE(check_password("ÄÖÜäöüßÄÖÜäö", "ada@example.com"));
  EXPECT_FALSE(check_password("eleven char", "ada@example.com"));
  EXPECT_FALSE(check_password("ÄÖÜäöüß", "ada@example.com"));  // 14 bytes
  EXPECT_FALSE(check_password("ada@example.com", "ada@example.com"));
  EXPECT_FALSE(check_password(std::string(1025, 'x'), "ada@example.com"));
  EXPECT_FALSE(check_password("not utf-8 \xff\xff\xff", "ada@example.com"));
}

}  // namespace
}  // namespace valetkey::control
