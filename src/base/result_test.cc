// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

namespace valetkey {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return fail(ErrorCode::invalid, "odd");
  return n / 2;
}
Result<int> quarter(int n) {
  VALETKEY_TRY(const int once, half(n));
  VALETKEY_TRY(const int twice, half(once));
  return twice;
}
Result<void> check_even(int n) {
  VALETKEY_CHECK(half(n));
  return {};
}
Result<std::unique_ptr<int>> boxed(int n) {
  VALETKEY_TRY(auto value, half(n));
  return std::make_unique<int>(value);
}

TEST(Result, HandsValuesOnAndErrorsUp) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().detail, "odd");
  EXPECT_TRUE(check_even(2));
  EXPECT_EQ(check_even(3).error().code, ErrorCode::invalid);
  EXPECT_EQ(**boxed(4), 2);
}

TEST(Result, MapsTheSystemsErrors) {
  const auto code = [](int number) {
    errno = number;
    return fail_errno("cannot open x").error().code;
  };
  EXPECT_EQ(code(ENOSPC), ErrorCode::full);
  EXPECT_EQ(code(EDQUOT), ErrorCode::full);
  EXPECT_EQ(code(EACCES), ErrorCode::denied);
  EXPECT_EQ(code(EROFS), ErrorCode::denied);
  EXPECT_EQ(code(ENOENT), ErrorCode::not_found);
  EXPECT_EQ(code(EEXIST), ErrorCode::already_exists);
  EXPECT_EQ(code(EIO), ErrorCode::io);
  errno = ENOSPC;
  EXPECT_EQ(fail_errno("cannot write x").error().detail, "cannot write x: No space left on device");
}

TEST(Result, NamesEveryCode) {
  EXPECT_EQ(name_of(ErrorCode::already_exists), "already_exists");
  EXPECT_EQ(name_of(ErrorCode::internal), "internal");
}

}  // namespace
}  // namespace valetkey
