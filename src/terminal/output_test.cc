// SPDX-License-Identifier: Apache-2.0
#include "terminal/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iostream>
#include <sstream>

namespace valetkey::terminal {
namespace {

std::string advised(Result<void> done) {
  done = with_room_advice(std::move(done), "/mnt/data", "choose another --output");
  return done ? "done" : done.error().detail;
}

TEST(Output, IsToldWithTheFolderAndTheRemedy) {
  errno = ENOSPC;
  EXPECT_EQ(advised(fail_errno("/mnt/data/a")),
            "/mnt/data/a: No space left on device; make room in /mnt/data, or choose another "
            "--output");
  EXPECT_EQ(advised(fail(ErrorCode::internal, "IO Error: No space left on device")),
            "IO Error: No space left on device; make room in /mnt/data, or choose another "
            "--output");
}

TEST(Output, IsAdvisedOnce) {
  const std::string detail = "/x: No space left on device; make room in /x, or do something";
  EXPECT_EQ(advised(fail(ErrorCode::full, detail)), detail);
}

TEST(Output, LeavesOtherFailuresAlone) {
  EXPECT_EQ(advised({}), "done");
  EXPECT_EQ(advised(fail(ErrorCode::denied, "/mnt/data/a: Permission denied")),
            "/mnt/data/a: Permission denied");
}

TEST(Output, OfStandardOutputIsNamed) {
  for (const std::size_t bytes : {10U, 100'000U}) {  // that wait in the stream, or do not
    std::ofstream full("/dev/full");
    auto done = write_out(full, std::string(bytes, 'x'));
    if (done) done = flush_out(full);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().detail,
              "the output cannot be written: No space left on device; make room in what it goes "
              "to, or send it elsewhere");
    EXPECT_FALSE(full) << "what follows must not look well";
  }
}

// A flush of others, as that of std::cerr which is tied to std::cout, must not eat the reason.
TEST(Output, TellsItsReasonAlsoToTheSecondWhoAsks) {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  for (const std::size_t bytes : {10U, 100'000U}) {
    const StandardOutput output(full);
    std::cout << std::string(bytes, 'x') << std::flush;
    EXPECT_FALSE(std::cout);
    const auto done = flush_out(std::cout);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().detail,
              "the output cannot be written: No space left on device; make room in what it goes "
              "to, or send it elsewhere");
    std::cout.clear();
  }
  ::close(full);
}

TEST(Output, WritesAllThatItIsGivenInOrder) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  std::string read(40'000, '\0');
  {
    const StandardOutput output(ends[1]);
    std::cout << 'a' << std::string(39'998, 'b') << 'c';
  }
  ::close(ends[1]);
  ASSERT_EQ(::read(ends[0], read.data(), read.size()), 40'000);
  ::close(ends[0]);
  EXPECT_EQ(read, "a" + std::string(39'998, 'b') + "c");
}

TEST(Output, OutputThatWasWrittenIsFine) {
  std::ostringstream out;
  EXPECT_TRUE(write_out(out, "abc"));
  EXPECT_TRUE(flush_out(out));
  EXPECT_EQ(out.str(), "abc");
}

}  // namespace
}  // namespace valetkey::terminal
