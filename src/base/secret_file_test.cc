// SPDX-License-Identifier: Apache-2.0
#include "base/secret_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "base/file.h"
#include "base/testing/temporary_folder.h"

namespace valetkey {
namespace {

using testing::HasSubstr;

class SecretFile : public testing::Test {
 protected:
  Result<Secret> read_of(std::string_view text, unsigned mode = 0600) {
    EXPECT_TRUE(replace_file(path_, text, mode));
    EXPECT_EQ(::chmod(path_.c_str(), mode), 0);
    return read_secret_file(path_);
  }
  TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "secret";
};

TEST_F(SecretFile, IsItsFirstLine) {
  for (const auto* text : {"a secret", "a secret\n", "a secret\r\n", "a secret\nanother\n"})
    EXPECT_EQ(read_of(text)->reveal(), "a secret") << text;
}

TEST_F(SecretFile, MayBeReadByItsGroupAndNotByOthers) {
  EXPECT_TRUE(read_of("x", 0640));
  for (const unsigned mode : {0604U, 0602U, 0601U, 0644U}) {
    const auto refused = read_of("x", mode);
    EXPECT_EQ(refused.error().code, ErrorCode::denied) << mode;
    EXPECT_THAT(refused.error().detail, HasSubstr("chmod o-rwx " + path_.string()));
  }
}

TEST_F(SecretFile, HoldsSomethingAndNotTooMuch) {
  for (const auto* text : {"", "\n", "\r\nx"})
    EXPECT_EQ(read_of(text).error().code, ErrorCode::invalid);
  EXPECT_TRUE(read_of(std::string(4096, 'x')));
  EXPECT_EQ(read_of(std::string(4097, 'x')).error().code, ErrorCode::too_large);
  EXPECT_EQ(read_secret_file(path_.string() + "-none").error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace valetkey
