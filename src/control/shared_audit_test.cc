// SPDX-License-Identifier: Apache-2.0
#include "control/shared_audit.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>

#include "base/testing/manual_clock.h"
#include "base/testing/temporary_folder.h"
#include "postgres/testing/test_server.h"

namespace valetkey::control {
namespace {

class SharedAuditOnPostgres : public testing::Test {
 protected:
  void SetUp() override { VALETKEY_NEEDS_POSTGRES(); }
  std::filesystem::path folder(const std::string& node) const { return folder_.path() / node; }
  void write(const std::string& node, std::string_view action, std::string_view subject = "s") {
    const auto log = AuditLog::open(folder(node), clock_).value();
    ASSERT_TRUE(log->append_durably({.at = clock_.now(),
                                     .action = action,
                                     .outcome = "ok",
                                     .account = &account_,
                                     .actor = "cli:0",
                                     .subject = subject,
                                     .client = {},
                                     .request_id = {}}));
  }
  int copy(const std::string& node) {
    AuditCopier copier(folder(node), node, server_);
    for (int pieces = 0;; ++pieces) {
      const auto more = copier.copy_some();
      EXPECT_TRUE(more) << more.error().detail;
      if (!more || !*more) return pieces;
    }
  }
  std::vector<std::string> read(const AuditFilter& filter = {}) {
    std::vector<std::string> actions;
    const auto done = read_shared_audit(
        *server_, filter, [&](const AuditEvent& event) { actions.push_back(event.action); });
    EXPECT_TRUE(done) << done.error().detail;
    return actions;
  }

  TemporaryFolder folder_;
  postgres::TestSchema schema_;
  std::shared_ptr<postgres::Server> server_ =
      std::make_shared<postgres::Server>(schema_.settings());
  ManualClock clock_{from_epoch_ms(1'700'000'000'000)};
  AccountId account_ = *AccountId::parse("12");
};

using Actions = std::vector<std::string>;

TEST_F(SharedAuditOnPostgres, HoldsTheLogsOfAllNodesEachRecordOnce) {
  write("a", "token.create");
  clock_.advance(std::chrono::seconds(1));
  write("b", "token.revoke");
  EXPECT_EQ(copy("a"), 1);
  EXPECT_EQ(copy("b"), 1);
  clock_.advance(std::chrono::hours(24));  // in the next segment
  write("a", "user.create");
  write("a", "user.disable");
  EXPECT_EQ(copy("a"), 1);
  EXPECT_EQ(copy("a"), 0) << "nothing is new";
  EXPECT_EQ(read(), (Actions{"token.create", "token.revoke", "user.create", "user.disable"}));
}

TEST_F(SharedAuditOnPostgres, KeepsEachTextAsItIs) {
  const std::vector<std::string> texts{"",      "NULL",      "\"quoted\"", "back\\slash\\",
                                       "{a,b}", "tab\there", "\xC3\xA4",   "'; --",
                                       "100 %", " "};
  for (const std::string& text : texts) {
    const auto log = AuditLog::open(folder("a"), clock_).value();
    ASSERT_TRUE(log->append_durably({.at = clock_.now(),
                                     .action = "x",
                                     .outcome = text,
                                     .account = nullptr,
                                     .actor = text,
                                     .subject = text,
                                     .client = text,
                                     .request_id = text,
                                     .count = 7,
                                     .detail = text}));
  }
  copy("a");
  std::vector<AuditEvent> found;
  ASSERT_TRUE(read_shared_audit(*server_, {}, [&](const AuditEvent& e) { found.push_back(e); }));
  ASSERT_EQ(found.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const AuditEvent& event = found[i];
    EXPECT_EQ((std::array{event.outcome, event.actor, event.subject, event.client, event.request_id,
                          event.detail}),
              (std::array{texts[i], texts[i], texts[i], texts[i], texts[i], texts[i]}));
    EXPECT_FALSE(event.account);
    EXPECT_EQ(event.count, 7u);
    EXPECT_EQ(event.at, clock_.now());
  }
}

TEST_F(SharedAuditOnPostgres, FindsWhatIsAskedFor) {
  write("a", "token.create", "t1");
  clock_.advance(std::chrono::seconds(1));
  const Timestamp later = clock_.now();
  write("a", "token.revoke", "t1");
  write("a", "tokens", "t2");
  copy("a");
  EXPECT_EQ(read({.action = "token"}), (Actions{"token.create", "token.revoke"}));
  EXPECT_EQ(read({.action = "token.revoke"}), Actions{"token.revoke"});
  EXPECT_EQ(read({.since = later}), (Actions{"token.revoke", "tokens"}));
  EXPECT_EQ(read({.account = *AccountId::parse("1")}), Actions{});
  EXPECT_EQ(read({.about = {"t2", "t3"}}), Actions{"tokens"});
  EXPECT_EQ(read({.newest = 1}), Actions{"tokens"});
}

TEST_F(SharedAuditOnPostgres, LeavesADamagedRecordOutAndGoesOn) {
  write("a", "one");
  for (const auto& entry : std::filesystem::directory_iterator(folder("a")))
    if (entry.path().extension() == ".log")
      std::ofstream(entry.path(), std::ios::app) << "no record\n";
  copy("a");
  write("a", "two");
  copy("a");
  EXPECT_EQ(read().front(), "one");
  EXPECT_EQ(copy("a"), 0);
  const auto damaged = read_shared_damage(*server_).value();
  EXPECT_GE(damaged, 1U);
  write("b", "three");
  copy("b");
  EXPECT_EQ(read_shared_damage(*server_).value(), damaged) << "of all nodes";
}

TEST_F(SharedAuditOnPostgres, IsReadPageByPage) {
  constexpr std::size_t kRecords = 2500;
  {
    const auto log = AuditLog::open(folder("a"), clock_).value();
    for (std::size_t i = 0; i < kRecords; ++i) {
      if (i % 700 == 0) clock_.advance(std::chrono::milliseconds(1));  // most share their moment
      log->append({.at = clock_.now(),
                   .action = "a",
                   .outcome = "ok",
                   .account = &account_,
                   .actor = {},
                   .subject = std::to_string(i),
                   .client = {},
                   .request_id = {}});
    }
  }
  copy("a");
  const auto subjects = [&](const AuditFilter& filter, std::size_t first) {
    auto next = first;
    const auto done = read_shared_audit(*server_, filter, [&](const AuditEvent& event) {
      EXPECT_EQ(event.subject, std::to_string(next++));
    });
    EXPECT_TRUE(done) << done.error().detail;
    return next - first;
  };
  EXPECT_EQ(subjects({}, 0), kRecords);
  EXPECT_EQ(subjects({.newest = 1700}, kRecords - 1700), 1700U);
  EXPECT_EQ(subjects({.newest = kRecords}, 0), kRecords);
  EXPECT_EQ(subjects({.newest = kRecords + 1}, 0), kRecords);
  // What is written meanwhile belongs to the next reading.
  std::size_t read = 0;
  const auto add = [&](const AuditEvent&) {
    if (++read != 500) return;
    write("b", "later");
    copy("b");
  };
  ASSERT_TRUE(read_shared_audit(*server_, {}, add));
  EXPECT_EQ(read, kRecords);
}

}  // namespace
}  // namespace valetkey::control
