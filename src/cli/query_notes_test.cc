// SPDX-License-Identifier: Apache-2.0
#include "cli/query_notes.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/testing/temporary_folder.h"

namespace valetkey::cli {
namespace {

namespace fs = std::filesystem;

const Timestamp kThen = from_epoch_ms(1'700'000'000'000);
const Timestamp kNow = kThen + std::chrono::hours(1);
constexpr const char* kService = "http://s3 s3://bucket/v1/account_id=1/";

Selection events(std::string start = "", std::string end = "", std::string name = "") {
  Selection selection;
  selection.type = "events";
  selection.start = std::move(start);
  selection.end = std::move(end);
  selection.event = std::move(name);
  return selection;
}

struct QueryNotesTest : testing::Test {
  QueryNotesTest() { profile.token = Secret("token"); }
  QueryNotes open() { return {folder, profile}; }
  QueryNotes note(const std::vector<Selection>& selections, Timestamp at = kThen) {
    QueryNotes notes = open();
    EXPECT_TRUE(notes.bind(kService));
    EXPECT_TRUE(notes.add(selections, at));
    return open();
  }

  TemporaryFolder temporary;
  fs::path folder = temporary.path();
  client::Profile profile;
};

TEST_F(QueryNotesTest, AreReadBackAndTellWhereTheExportIs) {
  const QueryNotes notes = note({events("2026-03-01", "2026-03-31", "buy now/%")});
  EXPECT_EQ(notes.service(), kService);
  EXPECT_EQ(notes.place()->s3_path(), "s3://bucket/v1/account_id=1/");
  EXPECT_EQ(notes.since(events("2026-03-01", "2026-03-31", "buy now/%")), kThen);
  profile.token = Secret("other");
  EXPECT_EQ(open().service(), "");
  EXPECT_FALSE(open().place());
}

TEST_F(QueryNotesTest, CoverWhatIsWithinThem) {
  const QueryNotes notes = note({events("2026-03-01")});
  EXPECT_TRUE(notes.since(events("2026-03-01")));
  EXPECT_TRUE(notes.since(events("2026-03-02", "2026-03-03", "buy")));
  Selection day = events();
  day.date = "2026-03-01";
  EXPECT_TRUE(notes.since(day));
  day.date = "2026-02-28";
  EXPECT_FALSE(notes.since(day));
  EXPECT_FALSE(notes.since(events()));
  EXPECT_FALSE(notes.since(events("", "2026-03-05")));
  Selection decisions = events("2026-03-02");
  decisions.type = "decisions";
  EXPECT_FALSE(notes.since(decisions));
  EXPECT_FALSE(note({events("2026-03-01", "2026-03-02", "buy")})
                   .since(events("2025-03-01", "2026-03-02", "buy")));
}

TEST_F(QueryNotesTest, OfOneNameSayNothingOfOthers) {
  const QueryNotes notes = note({events("", "", "buy")});
  EXPECT_TRUE(notes.since(events("2026-03-01", "", "buy")));
  EXPECT_FALSE(notes.since(events("2026-03-01", "", "sell")));
  EXPECT_FALSE(notes.since(events("2026-03-01")));
}

TEST_F(QueryNotesTest, NameTheNewestListing) {
  note({events()});
  const QueryNotes notes = note({events("2026-03-01", "2026-03-02")}, kNow);
  EXPECT_EQ(notes.since(events("2026-03-01", "2026-03-01")), kNow);
  EXPECT_EQ(notes.since(events("2026-03-01", "2026-03-03")), kThen);
}

TEST_F(QueryNotesTest, OfCompleteDaysReplaceThoseOfAll) {
  note({events()});
  Selection complete = events();
  complete.only_complete = true;
  const QueryNotes notes = note({complete}, kNow);
  EXPECT_TRUE(notes.since(complete));
  EXPECT_FALSE(notes.since(events()));
}

TEST_F(QueryNotesTest, HoldNothingWhileTheCacheChanges) {
  QueryNotes notes = note({events()});
  ASSERT_TRUE(notes.suspend());
  EXPECT_FALSE(open().since(events()));
  ASSERT_TRUE(notes.add({}, kNow));
  EXPECT_EQ(open().since(events()), kThen);
}

// Both fill one folder.
TEST_F(QueryNotesTest, AreSharedByTokensOfOneAccount) {
  QueryNotes first = note({events()});
  profile.token = Secret("other");
  note({events("2026-03-01")}, kNow).suspend().value();
  profile.token = Secret("token");
  EXPECT_FALSE(open().since(events()));
}

TEST_F(QueryNotesTest, ThatCannotBeReadAreNone) {
  note({events()});
  for (const auto& each : fs::directory_iterator(folder / "notes"))
    EXPECT_TRUE(replace_file(each.path(), "x all events - - -\n1 all\n\n1 all events - - %zz\n"));
  EXPECT_FALSE(open().since(events()));
}

}  // namespace
}  // namespace valetkey::cli
