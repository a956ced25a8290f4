// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <gtest/gtest.h>

#include <sstream>

namespace valetkey {
namespace {

TEST(Secret, PrintsAsAPlaceholder) {
  const Secret secret("hunter2");
  std::ostringstream out;
  out << secret;
  EXPECT_EQ(out.str(), "[secret]");
  EXPECT_EQ(fmt::format("{} {:>10}", secret, secret), "[secret]   [secret]");
}

TEST(Secret, LeavesNothingInWhatItWasMovedFrom) {
  // Short enough to live inside the object, where a move only marks the old bytes as gone.
  for (const std::string text : {"short", "long enough to need memory of its own, which moves"}) {
    Secret from(text);
    const Secret to(std::move(from));
    EXPECT_EQ(to.reveal(), text);
    // NOLINTNEXTLINE(bugprone-use-after-move): what is left is what this test is about
    EXPECT_TRUE(from.empty());
    const auto* bytes = reinterpret_cast<const char*>(&from);
    // Not its first character: a plain move overwrites that one.
    EXPECT_EQ(std::string_view(bytes, sizeof from).find(text.substr(1, 4)), std::string_view::npos);
  }
}

TEST(Secret, WipesTheWholeMemoryOfAString) {
  std::string text = "a secret text that needs memory of its own";
  text.resize(3);  // the rest of it stays beyond the end
  const std::size_t capacity = text.capacity();
  wipe(text);
  EXPECT_TRUE(text.empty());
  ASSERT_EQ(text.capacity(), capacity);
  EXPECT_EQ(std::string_view(text.data(), capacity), std::string(capacity, '\0'));
}

TEST(Secret, IsAssignedToItselfUnharmed) {
  Secret secret("value");
  const Secret& same = secret;
  secret = same;
  EXPECT_EQ(secret.reveal(), "value");
  Secret other;
  other = secret;
  EXPECT_EQ(other, secret);
  other = Secret("new");
  EXPECT_FALSE(other == secret);
}

TEST(ConstantTime, TellsEveryDifference) {
  const std::string a(40, 'a');
  EXPECT_TRUE(equal_in_constant_time(a, a));
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_FALSE(equal_in_constant_time(a, a + "a"));
  for (std::size_t bit = 0; bit < a.size() * 8; ++bit) {
    std::string b = a;
    b[bit / 8] = static_cast<char>(b[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(equal_in_constant_time(a, b)) << bit;
  }
}

}  // namespace
}  // namespace valetkey
