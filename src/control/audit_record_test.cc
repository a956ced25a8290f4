// SPDX-License-Identifier: Apache-2.0
#include "control/internal/audit_record.h"

#include <gtest/gtest.h>

#include "base/crypto.h"

namespace valetkey::control {
namespace {

AuditEvent event_with(std::string subject) {
  AuditEvent event;
  event.at = from_epoch_ms(1'700'000'000'123);
  event.action = "token.create";
  event.outcome = "ok";
  event.account = *AccountId::parse("123");
  event.actor = "cli:1000";
  event.subject = std::move(subject);
  event.client = "203.0.113.7";
  event.request_id = "7b1c";
  return event;
}

std::string without_end(std::string line) {
  line.pop_back();
  return line;
}

TEST(AuditRecord, KeepsItsWrittenForm) {
  EXPECT_EQ(encode_record(event_with("tok_1").entry(), kNoLink),
            "804ed7f3a8c22ba867141015fe99a9d1\t2023-11-14T22:13:20.123Z\ttoken."
            "create\tok\t123\tcli:1000\ttok_1\t"
            "203.0.113.7\t7b1c\t1\n");
  EXPECT_EQ(encode_record(event_with("a\tb%\n\xff").entry(), "0123456789abcdef0123456789abcdef"),
            "83c74abd3ebbc36004fd51a711b18efb\t2023-11-14T22:13:20.123Z\ttoken."
            "create\tok\t123\tcli:1000\t"
            "a%09b%25%0A%FF\t203.0.113.7\t7b1c\t1\n");
  EXPECT_EQ(encode_segment_header(kNoLink), "valetkey-audit 1 00000000000000000000000000000000\n");
}

TEST(AuditRecord, ComesBackWhateverItsBytes) {
  for (int i = 0; i < 300; ++i) {
    AuditEvent event = event_with(random_bytes(static_cast<std::size_t>(i)));
    event.actor = random_bytes(3);
    event.count = static_cast<std::uint64_t>(i) << 50;
    if (i % 2 == 0) event.account.reset();
    if (i % 3 == 0) event.detail = random_bytes(static_cast<std::size_t>(i % 40));
    const std::string link = sha256_hex(event.subject).substr(0, kLinkLength);
    const auto read = decode_record(without_end(encode_record(event.entry(), link)), link);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->at, event.at);
    EXPECT_EQ(read->detail, event.detail);
    EXPECT_EQ(read->account, event.account);
    EXPECT_EQ(read->actor, event.actor);
    EXPECT_EQ(read->subject, event.subject);
    EXPECT_EQ(read->count, event.count);
  }
}

TEST(AuditRecord, CutsLongFields) {
  AuditEvent event = event_with(std::string(100'000, '\n'));
  event.actor = event.client = event.request_id = event.action = event.outcome = event.subject;
  const std::string line = encode_record(event.entry(), kNoLink);
  EXPECT_LT(line.size(), kMaxLineBytes);
  EXPECT_EQ(decode_record(without_end(line), kNoLink)->subject, std::string(512, '\n'));
}

TEST(AuditRecord, RefusesABitFlippedAnywhere) {
  const std::string line = without_end(encode_record(event_with("tok_1").entry(), kNoLink));
  ASSERT_TRUE(decode_record(line, kNoLink));
  for (std::size_t bit = 0; bit < line.size() * 8; ++bit) {
    std::string altered = line;
    altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(decode_record(altered, kNoLink)) << bit;
  }
  EXPECT_FALSE(decode_record(line, "0123456789abcdef0123456789abcdef"));
  EXPECT_FALSE(decode_record("", kNoLink));
  EXPECT_FALSE(decode_record(kNoLink, kNoLink));
}

TEST(AuditRecord, ChainsToTheChecksumOfTheLineBefore) {
  const std::string line = encode_record(event_with("tok_1").entry(), kNoLink);
  EXPECT_EQ(link_of(line), line.substr(0, kLinkLength));
  EXPECT_EQ(link_of("garbage"), kNoLink);
  EXPECT_EQ(link_of("0123456789ABCDEF0123456789ABCDEF"), kNoLink);
  EXPECT_EQ(decode_segment_header(without_end(encode_segment_header(link_of(line)))).value(),
            link_of(line));
  EXPECT_FALSE(decode_segment_header("valetkey-audit 2 00000000000000000000000000000000"));
  EXPECT_FALSE(decode_segment_header("valetkey-audit 1 0"));
}

}  // namespace
}  // namespace valetkey::control
