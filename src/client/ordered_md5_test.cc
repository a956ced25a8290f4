// SPDX-License-Identifier: Apache-2.0
#include "client/internal/ordered_md5.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/file.h"

namespace valetkey::client {
namespace {

class OrderedMd5Test : public ::testing::Test {
 protected:
  // What is not written yet is a hole: read too early it would be zeros, and the digest wrong.
  void write(std::size_t begin, std::size_t end) {
    ASSERT_EQ(static_cast<ssize_t>(end - begin),
              pwrite(file_, content_.data() + begin, end - begin, static_cast<off_t>(begin)));
  }
  std::string expected() const {
    Md5 md5;
    md5.update(content_);
    const auto digest = md5.finish();
    return hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
  }
  void SetUp() override {
    for (std::size_t i = 0; i < content_.size(); ++i)
      content_[i] = static_cast<char>(i * 7 + i / 251);
  }
  void TearDown() override { close(file_); }

  std::string content_ = std::string(1'000'000, '\0');
  int file_ = memfd_create("ordered_md5", MFD_CLOEXEC);
};

TEST_F(OrderedMd5Test, IsThatOfTheFileWhateverOrderItsPiecesArriveIn) {
  OrderedMd5 md5(file_, content_.size(), "a file");
  for (const std::size_t piece : {3U, 0U, 2U, 1U, 4U}) {
    write(piece * 200'000, (piece + 1) * 200'000);
    md5.arrived(piece * 200'000, (piece + 1) * 200'000);
  }
  const auto digest = md5.finish();
  ASSERT_TRUE(digest) << digest.error().detail;
  EXPECT_EQ(expected(), *digest);
}

TEST_F(OrderedMd5Test, SaysThatTheFileIsShorterThanItsPieces) {
  write(0, 500'000);
  OrderedMd5 md5(file_, content_.size(), "a file");
  md5.arrived(0, content_.size());
  EXPECT_FALSE(md5.finish());
}

TEST_F(OrderedMd5Test, SaysThatAPieceIsMissing) {
  OrderedMd5 md5(file_, content_.size(), "a file");
  write(0, 1'000'000);
  md5.arrived(0, 200'000);
  md5.arrived(400'000, 1'000'000);
  EXPECT_EQ(md5.finish().error().code, ErrorCode::internal);
}

TEST_F(OrderedMd5Test, CanBeGivenUpBeforeAllArrived) {
  OrderedMd5 md5(file_, content_.size(), "a file");
  write(0, 200'000);
  md5.arrived(0, 200'000);
}

}  // namespace
}  // namespace valetkey::client
