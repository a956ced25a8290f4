// SPDX-License-Identifier: Apache-2.0
#include "duckdb/library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/testing/temporary_folder.h"

namespace valetkey::duckdb {
namespace {

namespace fs = std::filesystem;

struct FindDuckdb : testing::Test {
  static void make(const fs::path& file) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << "x";
  }
  TemporaryFolder temporary;
  const fs::path folder = temporary.path();
};

TEST_F(FindDuckdb, PrefersWhatIsConfiguredAndNamesTheSetting) {
  const fs::path program = folder / "build/test/bin/valetkeyd", mine = folder / "mine.so";
  const auto missing = find_library(mine, "[export] duckdb_library", program);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_THAT(missing.error().detail, testing::HasSubstr("[export] duckdb_library"));
  make(mine);
  EXPECT_EQ(*find_library(mine, "", program), mine);
}

TEST_F(FindDuckdb, LooksBesideTheProgramThenInTheSourceFolder) {
  const fs::path program = folder / "build/test/bin/valetkeyd";
  const fs::path npm = folder / "node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so";
  const fs::path beside = folder / "build/test/lib/valetkey/libduckdb.so";
  make(npm);
  if (!fs::exists("/usr/lib/valetkey/libduckdb.so")) {
    EXPECT_EQ(*find_library("", "", program), npm);
  }
  make(beside);
  EXPECT_EQ(*find_library("", "", program), beside);
  const fs::path same = folder / "build/test/bin/libduckdb.so";
  make(same);
  EXPECT_EQ(*find_library("", "", program), same) << "the program's own folder comes first";
}

}  // namespace
}  // namespace valetkey::duckdb
