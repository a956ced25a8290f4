// SPDX-License-Identifier: Apache-2.0
#include "cli/export_path.h"

#include <gtest/gtest.h>

namespace valetkey::cli {
namespace {

std::string name(std::string_view typed) {
  client::Grant grant;
  grant.bucket = "bucket";
  grant.prefix = "v1/account_id=12/";
  const auto found = name_in_export(grant, typed);
  if (found) return *found;
  EXPECT_EQ(found.error().code, ErrorCode::denied);
  EXPECT_NE(found.error().detail.find("s3://bucket/v1/account_id=12/"), std::string::npos);
  return "refused";
}

TEST(ExportPath, IsTakenAsPathsPrintsIt) {
  EXPECT_EQ(name("s3://bucket/v1/account_id=12/type=events/date=2026-03-10/"),
            "type=events/date=2026-03-10/");
  EXPECT_EQ(name("s3a://bucket/v1/account_id=12/type=events"), "type=events");
  EXPECT_EQ(name("v1/account_id=12/type=events/x y%25"), "type=events/x y%25");
  for (const char* whole : {"s3://bucket/v1/account_id=12/", "s3://bucket/v1/account_id=12",
                            "v1/account_id=12/", "v1/account_id=12", ""})
    EXPECT_EQ(name(whole), "") << whole;
}

TEST(ExportPath, IsTakenAsItStandsBelowTheAccount) {
  EXPECT_EQ(name("type=events/date=2026-03-10/_SUCCESS"), "type=events/date=2026-03-10/_SUCCESS");
  EXPECT_EQ(name("events"), "type=events/");
  EXPECT_EQ(name("decisions/"), "type=decisions/");
  EXPECT_EQ(name("events/date=2026-03-10"), "type=events/date=2026-03-10");
  EXPECT_EQ(name("eventual"), "eventual");
}

TEST(ExportPath, OfAnotherAccountOrBucketIsRefused) {
  for (const char* other :
       {"s3://other/v1/account_id=12/", "s3://bucket/v1/account_id=123/", "s3://bucket/",
        "s3://bucket", "s3://bucket/v1/account_id=1", "s3://bucket/v2/account_id=12/", "s3://",
        "v1/account_id=123/type=events/", "s3://Bucket/v1/account_id=12/"})
    EXPECT_EQ(name(other), "refused") << other;
}

TEST(ExportPath, IsToldFromPathsOfThisMachine) {
  for (const char* local :
       {"./data", "/data", "~/data", "..", ".", "../x", "file:///x", "https://x"})
    EXPECT_FALSE(check_part(local)) << local;
  for (const char* part : {"type=events/", "events", "s3://b/x", ".hidden", "a..b", ""})
    EXPECT_TRUE(check_part(part)) << part;
  EXPECT_FALSE(check_output("s3://bucket/x"));
  EXPECT_TRUE(check_output("/data/s3:x"));
}

}  // namespace
}  // namespace valetkey::cli
