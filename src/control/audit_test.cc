// SPDX-License-Identifier: Apache-2.0
#include "control/audit.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "base/file.h"
#include "base/testing/manual_clock.h"
#include "base/testing/temporary_folder.h"
#include "control/internal/audit_record.h"
#include "control/internal/audit_refusals.h"
#include "control/internal/audit_segments.h"

namespace valetkey::control {
namespace {

namespace fs = std::filesystem;

const Timestamp kNow = from_epoch_ms(1'700'000'000'000);
const Date kToday = date_of(kNow);

AuditEvent event(std::string subject, std::string_view account = "1") {
  AuditEvent made;
  made.at = kNow;
  made.action = "test";
  made.outcome = "ok";
  made.account = *AccountId::parse(account);
  made.subject = std::move(subject);
  return made;
}

struct Found {
  std::vector<std::string> subjects;
  std::size_t damaged = 0;
};

std::string bodies(std::initializer_list<AuditEvent> events) {
  std::string lines;
  for (const AuditEvent& each : events) {
    append_record_body(lines, each.entry());
    lines += '\n';
  }
  return lines;
}

class Audit : public testing::Test {
 protected:
  Found read(const AuditFilter& filter = {}) {
    Found found;
    found.damaged = read_audit(path_, filter, [&](const AuditEvent& e) {
                      found.subjects.push_back(e.subject);
                    }).value();
    return found;
  }
  // Writes through its own AuditSegments, as a process of its own would.
  void write(const std::vector<std::string>& subjects, Date today = kToday,
             std::uint64_t segment_bytes = kSegmentBytes) {
    const auto segments = AuditSegments::open(path_, today, segment_bytes).value();
    for (const std::string& subject : subjects)
      ASSERT_TRUE(segments->append(bodies({event(subject)}), today));
  }
  fs::path newest() { return path_ / list_segments(path_).value().back(); }
  std::string content() { return read_file(newest(), 1 << 20).value(); }
  void rewrite(const std::string& bytes) { ASSERT_TRUE(replace_file(newest(), bytes)); }

  TemporaryFolder folder_;
  fs::path path_ = folder_.path() / "audit";
  SystemClock clock_;
};

TEST_F(Audit, FindsWhatWasAppendedInOrder) {
  {
    const auto log = AuditLog::open(path_, clock_).value();
    log->append(event("1").entry());
    ASSERT_TRUE(log->append_durably(event("2").entry()));
    EXPECT_THAT(read().subjects, testing::ElementsAre("1", "2"));
    log->append(event("3").entry());
  }
  const Found found = read();
  EXPECT_THAT(found.subjects, testing::ElementsAre("1", "2", "3"));
  EXPECT_EQ(found.damaged, 0U);
  EXPECT_EQ(fs::status(path_).permissions(), fs::perms(0700));
  EXPECT_EQ(fs::status(newest()).permissions(), fs::perms(0600));
}

TEST_F(Audit, FlushesByItselfSoonAfterwards) {
  ManualSteadyClock steady;
  const auto log = AuditLog::open(path_, clock_, steady).value();
  log->append(event("1").entry());
  EXPECT_TRUE(read().subjects.empty());
  steady.advance(milliseconds(200));
  for (int tries = 0; tries < 1000 && read().subjects.empty(); ++tries)
    std::this_thread::sleep_for(milliseconds(5));
  EXPECT_EQ(read().subjects.size(), 1U);
}

TEST_F(Audit, CommitsManyDurableCallersAtOnce) {
  const auto log = AuditLog::open(path_, clock_).value();
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) EXPECT_TRUE(log->append_durably(event("x").entry()));
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(read().subjects.size(), 160U);
  EXPECT_EQ(read().damaged, 0U);
}

TEST_F(Audit, FiltersByTimeAndAccount) {
  const auto segments = AuditSegments::open(path_, kToday).value();
  AuditEvent late = event("late", "2");
  late.at = kNow + std::chrono::hours(1);
  ASSERT_TRUE(segments->append(bodies({event("early"), late}), kToday));
  EXPECT_THAT(read({.since = kNow + milliseconds(1), .account = {}}).subjects,
              testing::ElementsAre("late"));
  EXPECT_THAT(read({.since = kNow, .account = {}}).subjects, testing::SizeIs(2));
  EXPECT_THAT(read({.since = {}, .account = *AccountId::parse("1")}).subjects,
              testing::ElementsAre("early"));
}

TEST_F(Audit, FiltersByActionAndByWhomItIsAbout) {
  AuditEvent made = event("tok_1");
  made.action = "token.create";
  made.actor = "usr_1";
  AuditEvent revoked = event("tok_1");
  revoked.action = "token.revoke";
  AuditEvent other = event("x");
  other.action = "tokens.other";
  {
    const auto segments = AuditSegments::open(path_, kToday).value();
    ASSERT_TRUE(segments->append(bodies({made, revoked, other}), kToday));
  }
  EXPECT_EQ(read({.action = "token"}).subjects.size(), 2U) << "a kind is no prefix of a word";
  EXPECT_EQ(read({.action = "token.revoke"}).subjects.size(), 1U);
  EXPECT_EQ(read({.about = {"usr_1"}}).subjects.size(), 1U);
  EXPECT_EQ(read({.about = {"usr_1", "tok_1"}}).subjects.size(), 2U);
  EXPECT_EQ(read({.until = kNow}).subjects.size(), 3U);
  EXPECT_EQ(read({.until = kNow - milliseconds(1)}).subjects.size(), 0U);
}

TEST_F(Audit, FindsTheNewestWithoutLookingAtOlderSegments) {
  for (int day = 0; day < 3; ++day)
    write({std::to_string(day) + "a", std::to_string(day) + "b"}, kToday + std::chrono::days(day));
  EXPECT_EQ(read({.newest = 1}).subjects, std::vector<std::string>{"2b"});
  EXPECT_EQ(read({.newest = 3}).subjects, (std::vector<std::string>{"1b", "2a", "2b"}));
  EXPECT_EQ(read({.newest = 100}).subjects.size(), 6U);
  EXPECT_EQ(read({.newest = 100}).damaged, 0U);
  const auto names = list_segments(path_).value();
  fs::remove(path_ / names[1]);
  EXPECT_EQ(read({.newest = 100}).damaged, 1U) << "a segment between two others is missing";
  ASSERT_TRUE(replace_file(path_ / names[0], "no audit log"));
  EXPECT_EQ(read({.newest = 2}).damaged, 0U) << "nobody looked so far back";
}

TEST_F(Audit, SkipsAndCountsATornTail) {
  write({"1", "2"});
  const std::string whole = content();
  const std::size_t last_line = whole.rfind('\n', whole.size() - 2) + 1;
  for (std::size_t length = last_line + 1; length < whole.size(); ++length) {
    rewrite(whole.substr(0, length));
    const Found found = read();
    EXPECT_THAT(found.subjects, testing::ElementsAre("1"));
    EXPECT_EQ(found.damaged, 1U);
  }
}

TEST_F(Audit, CutsATornTailOffWhenItIsOpenedAndGoesOn) {
  write({"1", "2"});
  const std::string whole = content();
  for (const std::string& rest :
       {whole.substr(0, whole.size() - 5), whole + "garbage", whole + std::string(10'000, '\0')}) {
    rewrite(rest);
    write({"3"});
    const Found found = read();
    EXPECT_EQ(found.damaged, 0U);
    EXPECT_EQ(found.subjects.back(), "3");
    EXPECT_EQ(found.subjects.front(), "1");
  }
}

TEST_F(Audit, CountsAlteredRemovedAndExchangedRecords) {
  write({"1", "2", "3", "4"});
  const std::string whole = content();
  std::string altered = whole;
  altered.replace(altered.find("\t2\t"), 3, "\tX\t");
  rewrite(altered);
  EXPECT_THAT(read().subjects, testing::ElementsAre("1", "3", "4"));
  EXPECT_EQ(read().damaged, 1U);

  const std::size_t second = whole.find('\n', whole.find("\t1\t")) + 1;
  const std::size_t third = whole.find('\n', second) + 1;
  rewrite(whole.substr(0, second) + whole.substr(third));
  EXPECT_THAT(read().subjects, testing::ElementsAre("1", "4"));
  EXPECT_EQ(read().damaged, 1U);

  const std::size_t fourth = whole.find('\n', third) + 1;
  rewrite(whole.substr(0, second) + whole.substr(third, fourth - third) +
          whole.substr(second, third - second) + whole.substr(fourth));
  EXPECT_GT(read().damaged, 1U);
}

TEST_F(Audit, GoesOnAfterAnAlteredLastRecord) {
  write({"1", "2"});
  std::string altered = content();
  altered.replace(altered.find("\t2\t"), 3, "\tX\t");
  rewrite(altered);
  write({"3"});
  EXPECT_THAT(read().subjects, testing::ElementsAre("1", "3"));
  EXPECT_EQ(read().damaged, 1U);
}

TEST_F(Audit, BeginsASegmentADayAndWhereOneIsFull) {
  write({"1", "2"});
  write({"3"}, kToday + std::chrono::days(1));
  write({"4", "5", "6"}, kToday + std::chrono::days(1), 100);
  EXPECT_THAT(
      list_segments(path_).value(),
      testing::ElementsAre("2023-11-14-0001.log", "2023-11-15-0001.log", "2023-11-15-0002.log",
                           "2023-11-15-0003.log", "2023-11-15-0004.log"));
  EXPECT_THAT(read().subjects, testing::ElementsAre("1", "2", "3", "4", "5", "6"));
  EXPECT_EQ(read().damaged, 0U);
}

TEST_F(Audit, StaysInOrderWhenTheClockGoesBack) {
  write({"1"}, kToday);
  write({"2"}, kToday - std::chrono::days(3), 100);
  EXPECT_THAT(list_segments(path_).value(),
              testing::ElementsAre("2023-11-14-0001.log", "2023-11-14-0002.log"));
  EXPECT_THAT(read().subjects, testing::ElementsAre("1", "2"));
}

TEST_F(Audit, MissesARemovedSegmentButNotTheOldest) {
  for (int day = 0; day < 4; ++day) write({std::to_string(day)}, kToday + std::chrono::days(day));
  const auto names = list_segments(path_).value();
  fs::remove(path_ / names[0]);
  EXPECT_EQ(read().damaged, 0U);
  fs::remove(path_ / names[2]);
  EXPECT_EQ(read().damaged, 1U);
  EXPECT_THAT(read().subjects, testing::ElementsAre("1", "3"));
}

TEST_F(Audit, TakesTurnsWithOtherProcesses) {
  const auto one = AuditSegments::open(path_, kToday, 1000).value();
  const auto two = AuditSegments::open(path_, kToday, 1000).value();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE((i % 3 == 0 ? one : two)->append(bodies({event(std::to_string(i))}), kToday));
  }
  const Found found = read();
  EXPECT_EQ(found.subjects.size(), 20U);
  EXPECT_EQ(found.subjects[19], "19");
  EXPECT_EQ(found.damaged, 0U);
  EXPECT_GT(list_segments(path_)->size(), 1U);
}

TEST_F(Audit, KeepsWhatWasDurableWhenKilled) {
  int announced[2];
  ASSERT_EQ(pipe(announced), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto log = AuditLog::open(path_, clock_).value();
    for (int i = 0;; ++i) {
      if (!log->append_durably(event(std::to_string(i)).entry())) _exit(1);
      if (::write(announced[1], &i, sizeof i) != sizeof i) _exit(2);
    }
  }
  close(announced[1]);
  int last = 0;
  for (int seen = 0; seen < 20; ++seen)
    ASSERT_EQ(::read(announced[0], &last, sizeof last), static_cast<ssize_t>(sizeof last));
  kill(child, SIGKILL);
  while (::read(announced[0], &last, sizeof last) == static_cast<ssize_t>(sizeof last)) {
  }
  close(announced[0]);
  waitpid(child, nullptr, 0);
  write({"after"});
  const Found found = read();
  EXPECT_EQ(found.damaged, 0U);
  ASSERT_GT(found.subjects.size(), static_cast<std::size_t>(last) + 1);
  EXPECT_EQ(found.subjects[static_cast<std::size_t>(last)], std::to_string(last));
  EXPECT_EQ(found.subjects.back(), "after");
}

TEST_F(Audit, TellsDurableCallersOfAFullDiskAndWritesItLater) {
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const auto log = AuditLog::open(path_, clock_).value();
    if (!log->append_durably(event("1").entry())) _exit(1);
    const rlimit limit{64, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &limit);
    const auto refused = log->append_durably(event("2").entry());
    if (refused || refused.error().code != ErrorCode::io) _exit(2);
    const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &none);
    if (!log->append_durably(event("3").entry())) _exit(3);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_THAT(read().subjects, testing::ElementsAre("1", "2", "3"));
  EXPECT_EQ(read().damaged, 0U);
}

// The system refuses the second of two lines: the first, though whole, must not stay and come
// twice.
TEST_F(Audit, KeepsNoPartOfABatchThatFailed) {
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const auto segments = AuditSegments::open(path_, kToday).value();
    const std::string batch = bodies({event("1"), event("2")});
    const std::size_t line = encode_record(event("1").entry(), kNoLink).size();
    const rlimit limit{encode_segment_header(kNoLink).size() + line + line / 2, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &limit);
    if (segments->append(batch, kToday)) _exit(1);
    const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &none);
    _exit(segments->append(batch, kToday) ? 0 : 2);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_THAT(read().subjects, testing::ElementsAre("1", "2"));
}

TEST_F(Audit, SaysWhereThereIsNoLog) {
  EXPECT_EQ(read_audit(path_, {}, [](const AuditEvent&) {}).error().code, ErrorCode::not_found);
}

TEST_F(Audit, WritesRefusalsOnceAMinute) {
  std::vector<AuditEvent> events;
  {
    const auto log = AuditLog::open(path_, clock_).value();
    for (int i = 0; i < 1000; ++i) log->refused("unknown", "203.0.113.7", kNow);
    log->refused("expired", "203.0.113.7", kNow);
    log->refused("unknown", "203.0.113.7", kNow + std::chrono::minutes(1));
  }
  ASSERT_TRUE(read_audit(path_, {}, [&](const AuditEvent& e) { events.push_back(e); }));
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].outcome, "expired");
  EXPECT_EQ(events[0].count, 1U);
  EXPECT_EQ(events[1].outcome, "unknown");
  EXPECT_EQ(events[1].count, 1000U);
  EXPECT_EQ(events[1].client, "203.0.113.7");
  EXPECT_EQ(events[2].count, 1U);
}

TEST_F(Audit, WritesRefusalsWhenTheirMinuteIsOver) {
  ManualSteadyClock steady;
  const auto log = AuditLog::open(path_, clock_, steady).value();
  log->refused("unknown", "203.0.113.7", kNow);
  ASSERT_TRUE(log->append_durably(event("1").entry()));
  EXPECT_THAT(read().subjects, testing::ElementsAre("1"));
  steady.advance(std::chrono::minutes(1));
  ASSERT_TRUE(log->append_durably(event("2").entry()));
  EXPECT_THAT(read().subjects, testing::UnorderedElementsAre("1", "2", ""));
}

TEST(Refusals, StayWithinTheirTable) {
  RefusalTable table;
  for (std::size_t i = 0; i < 3 * RefusalTable::kMaxBlocks; ++i)
    EXPECT_TRUE(table.count("unknown", "block" + std::to_string(i), kNow).empty());
  const auto events = table.take();
  EXPECT_LE(events.size(), RefusalTable::kMaxBlocks + 1);
  std::uint64_t total = 0;
  for (const AuditEvent& e : events) total += e.count;
  EXPECT_EQ(total, 3 * RefusalTable::kMaxBlocks);
  EXPECT_TRUE(table.empty());
}

}  // namespace
}  // namespace valetkey::control
