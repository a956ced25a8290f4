// SPDX-License-Identifier: Apache-2.0
#include "terminal/output.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>
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

TEST(Output, OutputThatWasWrittenIsFine) {
  std::ostringstream out;
  EXPECT_TRUE(write_out(out, "abc"));
  EXPECT_TRUE(flush_out(out));
  EXPECT_EQ(out.str(), "abc");
}

}  // namespace
}  // namespace valetkey::terminal
