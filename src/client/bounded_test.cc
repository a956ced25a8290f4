// SPDX-License-Identifier: Apache-2.0
#include "client/bounded.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <optional>

#include "client/pause.h"

namespace valetkey::client {
namespace {

struct Bounded : testing::Test {
  http::asio::io_context loop{1};
  std::size_t running = 0, most = 0, begun = 0, fails_at = 1000;

  static http::Task<Result<void>> one(Bounded& test, std::size_t i) {
    test.most = std::max(test.most, ++test.running);
    ++test.begun;
    co_await pause(test.loop, milliseconds(1));
    --test.running;
    if (i == test.fails_at) co_return fail(ErrorCode::io, "told to");
    co_return Result<void>{};
  }
  Result<void> all(std::size_t count, std::size_t limit) {
    std::optional<Result<void>> result;
    http::asio::co_spawn(
        loop, run_bounded(loop, count, limit, [this](std::size_t i) { return one(*this, i); }),
        [&](const std::exception_ptr&, Result<void> value) { result = std::move(value); });
    loop.run();
    return std::move(result.value());
  }
};

TEST_F(Bounded, RunsAllAndNeverMoreThanTheLimit) {
  EXPECT_TRUE(all(20, 3));
  EXPECT_EQ(begun, 20U);
  EXPECT_EQ(most, 3U);
}

TEST_F(Bounded, HasNothingToDoForNone) { EXPECT_TRUE(all(0, 3)); }

TEST_F(Bounded, BeginsNoMoreAfterAnErrorAndWaitsForTheRest) {
  fails_at = 4;
  EXPECT_EQ(all(20, 3).error().detail, "told to");
  EXPECT_LT(begun, 10U);
  EXPECT_EQ(running, 0U);
}

}  // namespace
}  // namespace valetkey::client
