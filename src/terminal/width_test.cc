// SPDX-License-Identifier: Apache-2.0
#include "terminal/width.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace valetkey::terminal {
namespace {

using testing::ElementsAre;

TEST(Width, CountsColumnsNotCharacters) {
  EXPECT_EQ(width_of("Müller & Söhne"), 14U);
  EXPECT_EQ(width_of("日本語"), 6U);
  EXPECT_EQ(width_of("한국어 ok"), 9U);
  EXPECT_EQ(width_of("🛒"), 2U);
  EXPECT_EQ(width_of("e\u0301"), 1U);   // a combining accent
  EXPECT_EQ(width_of("ก\u0e33"), 2U);   // Thai
  EXPECT_EQ(width_of("a\u200db"), 2U);  // a joiner
  EXPECT_EQ(width_of("\xff\xc3"), 2U);  // shown as ??
}

TEST(Printable, ReplacesWhatWouldMoveTheCursorOrIsNoText) {
  EXPECT_EQ(printable("Käufe 🛒/x=1"), "Käufe 🛒/x=1");
  EXPECT_EQ(printable("a\x1b[31mb\nc\x7f"), "a?[31mb?c?");
  EXPECT_EQ(printable("\xc2\x9b[2J"), "?[2J");              // C1
  EXPECT_EQ(printable("\u202eabc\u2066\u200f"), "?abc??");  // turns the direction
  EXPECT_EQ(printable("\xff\xed\xa0\x80\xc0\xaf\xf4\x90\x80\x80"), std::string(10, '?'));
  EXPECT_EQ(printable("\xe6\x97"), "??");  // torn
}

TEST(Cut, NeverSplitsAWideCharacterNorLeavesAnAccentBehind) {
  EXPECT_EQ(cut("purchase", 8), "purchase");
  EXPECT_EQ(cut("purchases", 8), "purchas…");
  EXPECT_EQ(cut("日本語", 5), "日本…");
  EXPECT_EQ(cut("日本語", 4), "日…");
  EXPECT_EQ(cut("e\u0301e\u0301e\u0301", 2), "e\u0301…");
  EXPECT_EQ(cut("abc", 1), "…");
  EXPECT_EQ(cut("abc", 0), "");
  for (std::size_t columns = 0; columns < 20; ++columns) {
    EXPECT_LE(width_of(cut("日本 e\u0301 🛒 purchase", columns)), columns);
    EXPECT_LE(width_of(cut_middle("日本 e\u0301 🛒 purchase", columns)), columns);
  }
}

TEST(CutMiddle, KeepsBothEnds) {
  EXPECT_EQ(cut_middle("type=events/part-1.parquet", 15), "type=ev…parquet");
  EXPECT_EQ(cut_middle("short", 15), "short");
}

TEST(Pad, FillsUpToColumns) {
  EXPECT_EQ(pad("日本", 6), "日本  ");
  EXPECT_EQ(pad_left("日本", 6), "  日本");
  EXPECT_EQ(pad("longer", 3), "longer");
}

TEST(Wrap, BreaksBetweenWordsOnly) {
  EXPECT_THAT(wrap("the folder that holds the data", 12),
              ElementsAre("the folder", "that holds", "the data"));
  EXPECT_THAT(wrap("a verylongwordindeed b", 5), ElementsAre("a", "verylongwordindeed", "b"));
  EXPECT_THAT(wrap("", 5), ElementsAre(""));
}

TEST(WrapCommand, StillRunsWhenItIsCopied) {
  EXPECT_THAT(wrap_command("valetkeyd init --data-dir /srv/valetkey", 30),
              ElementsAre("valetkeyd init \\", "  --data-dir /srv/valetkey"));
  EXPECT_THAT(wrap_command("valetkey query \"SELECT count(*) FROM decisions\"", 30),
              ElementsAre("valetkey query \\", "  \"SELECT count(*) FROM decisions\""));
}

TEST(Columns, AreUnknownWhereThereIsNoTerminal) { EXPECT_EQ(columns_of(-1), std::nullopt); }

}  // namespace
}  // namespace valetkey::terminal
