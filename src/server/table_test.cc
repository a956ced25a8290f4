// SPDX-License-Identifier: Apache-2.0
#include "server/table.h"

#include <gtest/gtest.h>

#include <sstream>

#include "server/progress_bar.h"

namespace valetkey::server {
namespace {

TEST(Table, AlignsColumnsByCharactersNotBytes) {
  Table table({"NAME", "STATE"});
  EXPECT_TRUE(table.empty());
  table.row({"Müller & Söhne", "active"});
  table.row({"Acme", ""});
  std::ostringstream out;
  table.print(out);
  EXPECT_EQ(out.str(),
            "NAME            STATE\n"
            "Müller & Söhne  active\n"
            "Acme\n");
}

TEST(Table, ShowsNoControlCharacters) {
  Table table({"NAME"});
  table.row({"a\x1b[31mb\nc"});
  std::ostringstream out;
  table.print(out);
  EXPECT_EQ(out.str(), "NAME\na?[31mb?c\n");
}

TEST(ProgressBar, GivesBytesAUnit) {
  EXPECT_EQ(ProgressBar::bytes_text(1023), "1023 B");
  EXPECT_EQ(ProgressBar::bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(ProgressBar::bytes_text(std::uint64_t{3} << 40), "3.0 TiB");
}

TEST(ProgressBar, IsQuietWhereNobodyWatches) {
  std::ostringstream out;
  {
    ProgressBar bar(out, false);
    bar.show(10, 1, 1000, 100);
  }
  EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace valetkey::server
