// SPDX-License-Identifier: Apache-2.0
#include "issuer/sts_issuer.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "access/end_of_sessions.h"
#include "access/testing/issuer_conformance.h"
#include "aws/session_policy.h"
#include "base/testing/manual_clock.h"
#include "issuer/testing/bench.h"

namespace valetkey::issuer {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::Bench;

template <Engine engine>
class UnderTest final : public access::IssuerUnderTest {
 public:
  access::CredentialIssuer& issuer() override { return bench_.issuer(); }
  void set_now(Timestamp now) override { bench_.engine().now = now; }

 private:
  Bench bench_{engine};
};
template <Engine engine>
std::unique_ptr<access::IssuerUnderTest> make() {
  return std::make_unique<UnderTest<engine>>();
}
using access::IssuerConformance;
INSTANTIATE_TEST_SUITE_P(Sts, IssuerConformance,
                         ::testing::Values(&make<Engine::aws>, &make<Engine::ceph>,
                                           &make<Engine::minio>));

TEST(StsIssuer, BoundsASessionToThePrefixOfItsAccount) {
  Bench bench;
  const auto got = bench.ask(Bench::grant(), hours(1), bench.now());
  ASSERT_TRUE(got) << got.error().detail;
  EXPECT_EQ(*got->place,
            (access::Place{"lake", "v1/account_id=123/", "https://s3.example.org", "us-east-1"}));
  EXPECT_TRUE(bench.engine().policy.contains(R"("arn:aws:s3:::lake/v1/account_id=123/*")"));
  EXPECT_EQ(bench.engine().role, "arn:aws:iam::123456789012:role/reader");
  EXPECT_TRUE(bench.engine().body.contains("RoleSessionName=123-tok_GHIJKLMNOPabcdef"));
  EXPECT_TRUE(bench.engine().body.contains("Tags.member.1.Key=account&Tags.member.1.Value=123"));
  EXPECT_EQ(bench.issuer().counts().packed_policy_percent, 6u);
}

TEST(StsIssuer, BoundsASessionToTheLimitsOfItsToken) {
  Bench bench;
  control::TokenGrant limited = Bench::grant();
  limited.narrowing =
      control::Narrowing::make({.prefixes = {"type=decisions/", "type=events/date=2026-11-29/"},
                                .sources = {"10.0.0.0/8", "2001:db8::/32"}})
          .value();
  const auto got = bench.ask(limited, hours(1), bench.now());
  ASSERT_TRUE(got) << got.error().detail;
  EXPECT_EQ(got->place->prefix, "v1/account_id=123/") << "where the account's data lies";
  const std::string& policy = bench.engine().policy;
  EXPECT_TRUE(policy.contains(R"("StringLike":{"s3:prefix":["v1/account_id=123/type=decisions/*",)"
                              R"("v1/account_id=123/type=events/date=2026-11-29/*"]})"))
      << policy;
  EXPECT_TRUE(policy.contains(
      R"("Resource":["arn:aws:s3:::lake/v1/account_id=123/type=decisions/*",)"
      R"("arn:aws:s3:::lake/v1/account_id=123/type=events/date=2026-11-29/*"],)"
      R"("Condition":{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","2001:db8::/32"]}})"))
      << policy;
  EXPECT_FALSE(policy.contains(R"("v1/account_id=123/*")"));
  EXPECT_LE(policy.size(), aws::kMaxSessionPolicy);
}

TEST(StsIssuer, GivesNoSessionThatItCouldNotLimit) {
  const auto decisions = control::Narrowing::make({.types = {"decisions"}}).value();
  const auto office = control::Narrowing::make({.sources = {"10.0.0.0/8"}}).value();
  for (const control::Narrowing& limits : {decisions, office}) {
    Bench ceph(Engine::ceph);
    EXPECT_EQ(ceph.issuer().check_narrowing(Bench::account(), limits).error().code,
              ErrorCode::invalid);
    control::TokenGrant limited = Bench::grant();
    limited.narrowing = limits;
    EXPECT_EQ(ceph.ask(limited, hours(1), ceph.now()).error().code, ErrorCode::invalid);
    EXPECT_EQ(ceph.engine().calls, 0);
  }
  Bench minio(Engine::minio);
  EXPECT_EQ(minio.issuer().check_narrowing(Bench::account(), office).error().code,
            ErrorCode::invalid);
  EXPECT_TRUE(minio.issuer().check_narrowing(Bench::account(), decisions));
  // Whole sentences for what fits into no policy.
  Bench aws;
  control::WantedNarrowing many;
  for (char c = 'a'; c < 'u'; ++c) many.prefixes.push_back(std::string(12, c) + "/");
  const auto twenty = control::Narrowing::make(many).value();
  control::AccountPolicy policy;
  policy.prefix = std::string(100, 'p') + "/";
  ASSERT_TRUE(aws.store().set_policy(Bench::account(), policy, aws.now()));
  const auto large = aws.issuer().check_narrowing(Bench::account(), twenty);
  ASSERT_FALSE(large);
  EXPECT_TRUE(large.error().detail.contains("2048")) << large.error().detail;
  const auto pattern = control::Narrowing::make({.prefixes = {"type=*/"}}).value();
  EXPECT_FALSE(aws.issuer().check_narrowing(Bench::account(), pattern));
  EXPECT_TRUE(aws.issuer().check_narrowing(Bench::account(), decisions));
}

// A server that has not yet looked buys a session behind a cut-off: it must not leave the house.
TEST(StsIssuer, GivesOutNothingThatItBoughtBehindARevocation) {
  Bench bench;
  const auto suspend = [&bench] {
    ASSERT_TRUE(bench.store().set_account_state(Bench::account(), control::AccountState::suspended,
                                                bench.now()));
    ASSERT_TRUE(bench.issuer().cut_off({.account = Bench::account()}, bench.now()));
  };
  bench.engine().meanwhile = suspend;
  const auto got = bench.ask(Bench::grant(), hours(1), bench.now());
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::busy);
  bench.engine().meanwhile = nullptr;
  EXPECT_FALSE(bench.issuer().issue_at_once(Bench::grant(), hours(1), bench.now()))
      << "and was not kept";
}

TEST(StsIssuer, TakesTheBucketAndPrefixOfTheAccountWhereItHasOwn) {
  Bench bench;
  ASSERT_TRUE(bench.ask(Bench::grant(), hours(1), bench.now()));
  control::AccountPolicy policy;
  policy.bucket = "other-lake";
  policy.prefix = "tenants/acme/";
  ASSERT_TRUE(bench.store().set_policy(Bench::account(), policy, bench.now()));
  bench.feed().poll();
  const auto got = bench.ask(Bench::grant(), hours(1), bench.now());
  EXPECT_EQ(got->place->bucket, "other-lake");
  EXPECT_EQ(got->place->prefix, "tenants/acme/");
  EXPECT_EQ(got->access_key_id, "ASIA2") << "the session of before opens another place";
}

TEST(StsIssuer, AnswersFromItsCacheWhileHalfOfTheLifeIsLeft) {
  Bench bench;
  const Timestamp start = bench.now();
  const auto first = bench.ask(Bench::grant(), hours(1), start).value();
  const auto second = bench.ask(Bench::grant(), hours(1), start + minutes(30)).value();
  EXPECT_EQ(second.access_key_id, first.access_key_id);
  EXPECT_EQ(second.expires, first.expires);
  const auto third = bench.ask(Bench::grant(), hours(1), start + minutes(31)).value();
  EXPECT_NE(third.access_key_id, first.access_key_id);
  EXPECT_EQ(bench.engine().calls, 2);
  EXPECT_EQ(bench.issuer().counts().hits, 1u);
}

TEST(StsIssuer, KeepsApartWhatWasAskedForDifferently) {
  Bench bench;
  const auto hour = bench.ask(Bench::grant(), hours(1), bench.now()).value();
  const auto quarter = bench.ask(Bench::grant(), minutes(15), bench.now()).value();
  const auto other = bench.ask(Bench::grant("tok_0000000000000002"), hours(1), bench.now()).value();
  EXPECT_EQ(quarter.expires, bench.now() + minutes(15)) << "never beyond what was asked for";
  EXPECT_NE(hour.access_key_id, other.access_key_id);
  EXPECT_EQ(bench.engine().calls, 3);
}

TEST(StsIssuer, GivesNothingFromItsCacheBeyondTheTokensEnd) {
  Bench bench;
  ASSERT_TRUE(bench.ask(Bench::grant(), hours(1), bench.now()));
  control::TokenGrant brief = Bench::grant();
  brief.expires = bench.now() + minutes(16);
  const auto got = bench.ask(brief, hours(1), bench.now()).value();
  EXPECT_EQ(got.expires, *brief.expires);
}

TEST(StsIssuer, ForgetsSessionsThatWereRevoked) {
  Bench bench;
  ASSERT_TRUE(bench.ask(Bench::grant(), hours(1), bench.now()));
  ASSERT_TRUE(bench.store().revoke_sessions(Bench::account(), bench.now() + seconds(1)));
  bench.feed().poll();
  const auto got = bench.ask(Bench::grant(), hours(1), bench.now() + minutes(1)).value();
  EXPECT_EQ(got.access_key_id, "ASIA2");
}

TEST(StsIssuer, KeepsItsCacheThroughChangesOfOthers) {
  Bench bench;
  ASSERT_TRUE(bench.ask(Bench::grant(), hours(1), bench.now()));
  ASSERT_TRUE(bench.store().create_account(AccountId::parse("9").value(), "", bench.now()));
  bench.feed().poll();
  EXPECT_FALSE(bench.issuer().issue_at_once(Bench::grant(), hours(1), bench.now()));
  ASSERT_TRUE(bench.ask(Bench::grant(), hours(1), bench.now()));
  EXPECT_TRUE(bench.issuer().issue_at_once(Bench::grant(), hours(1), bench.now()));
  EXPECT_EQ(bench.engine().calls, 1);
}

TEST(StsIssuer, SharesACallAmongThoseWhoAskAlike) {
  Bench bench;
  bench.engine().takes = milliseconds(100);
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::set<std::string> ids;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      const auto got = bench.issuer().issue(Bench::grant(), hours(1), bench.now());
      const std::lock_guard lock(mutex);
      ids.insert(got ? got->access_key_id : got.error().detail);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ids, std::set<std::string>{"ASIA1"});
  EXPECT_EQ(bench.engine().calls, 1);
}

TEST(StsIssuer, TurnsThrottlingIntoBusyAndAsksLess) {
  Bench bench;
  bench.engine().fault = "Throttling";
  EXPECT_EQ(bench.ask(Bench::grant(), hours(1), bench.now()).error().code, ErrorCode::busy);
  EXPECT_EQ(bench.ask(Bench::grant(), hours(1), bench.now()).error().code, ErrorCode::busy);
  EXPECT_EQ(bench.engine().calls, 1) << "not again at once";
  EXPECT_EQ(bench.issuer().counts().throttled, 1u);
  bench.engine().fault.clear();
  bench.steady().advance(milliseconds(249));
  EXPECT_EQ(bench.ask(Bench::grant(), hours(1), bench.now()).error().code, ErrorCode::busy);
  bench.steady().advance(milliseconds(1));
  EXPECT_TRUE(bench.ask(Bench::grant(), hours(1), bench.now()));
}

TEST(StsIssuer, KeepsItsBudgetOfCalls) {
  Bench bench(Engine::aws, 5);
  const auto ask_of = [&](int token) {
    const std::string id = "tok_00000000000000" + std::to_string(10 + token);
    return bench.ask(Bench::grant(id), hours(1), bench.now());
  };
  for (int i = 0; i < 20; ++i) {
    const auto got = ask_of(i);
    if (i >= 5) EXPECT_EQ(got.error().code, ErrorCode::busy) << i;
  }
  EXPECT_EQ(bench.engine().calls, 5);
  bench.steady().advance(milliseconds(200));
  EXPECT_TRUE(ask_of(20)) << "a fifth of a second is one call";
  EXPECT_FALSE(ask_of(21));
}

TEST(StsIssuer, RecognisesRoleChaining) {
  Bench bench;
  bench.engine().fault = "ValidationError";
  bench.engine().message =
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
      "chaining.";
  bench.engine().fault_times = 1;
  const auto got = bench.ask(Bench::grant(), hours(6), bench.now());
  ASSERT_TRUE(got) << got.error().detail;
  EXPECT_EQ(got->expires, bench.now() + hours(1));
  EXPECT_EQ(bench.engine().calls, 2);
  ASSERT_TRUE(bench.ask(Bench::grant("tok_0000000000000002"), hours(6), bench.now()));
  EXPECT_EQ(bench.engine().calls, 3) << "it is known from then on";
}

TEST(StsIssuer, AnswersAtOnceWhileTheServiceIsAway) {
  Bench bench;
  bench.engine().away = true;
  const auto first = bench.ask(Bench::grant(), hours(1), bench.now());
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, ErrorCode::unavailable);
  EXPECT_EQ(first.error().detail, "the credential service of the bucket does not answer");
  bench.engine().away = false;
  EXPECT_FALSE(bench.ask(Bench::grant(), hours(1), bench.now()));
  EXPECT_EQ(bench.engine().calls, 1);
  bench.steady().advance(seconds(1));
  EXPECT_TRUE(bench.ask(Bench::grant(), hours(1), bench.now()));
}

TEST(StsIssuer, SaysWhatIsWrongWithoutTheOperatorsWords) {
  struct Case {
    const char* code;
    const char* sentence;
  };
  for (const Case& c :
       {Case{"ExpiredToken", "the server's own"}, Case{"AccessDenied", "may not assume"},
        Case{"PackedPolicyTooLarge", "shorten"}, Case{"RequestTimeTooSkewed", "clock"},
        Case{"RegionDisabledException", "is not set up"}}) {
    Bench bench;
    bench.engine().fault = c.code;
    bench.engine().message = "arn:aws:iam::1:user/secret-name";
    const auto got = bench.ask(Bench::grant(), hours(1), bench.now());
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::unavailable) << c.code;
    if (std::string_view(c.code) != "ExpiredToken")
      EXPECT_TRUE(got.error().detail.contains(c.sentence)) << got.error().detail;
    EXPECT_FALSE(got.error().detail.contains("secret-name"));
  }
}

TEST(StsIssuer, RefusesSessionsOfAnotherTime) {
  for (const milliseconds skew : {milliseconds(hours(2)), milliseconds(hours(-2))}) {
    Bench bench;
    bench.engine().skew = skew;
    const auto got = bench.ask(Bench::grant(), hours(1), bench.now());
    ASSERT_FALSE(got);
    EXPECT_TRUE(got.error().detail.contains("clock")) << got.error().detail;
  }
}

TEST(StsIssuer, MakesARoleOnCephThatIsNotThere) {
  Bench bench(Engine::ceph);
  bench.engine().fault = "NoSuchEntity";
  bench.engine().status = 404;
  bench.engine().fault_times = 1;
  const auto got = bench.ask(Bench::grant(), hours(1), bench.now());
  ASSERT_TRUE(got) << got.error().detail;
  EXPECT_EQ(bench.engine().role, "arn:aws:iam:::role/valetkey-123");
  EXPECT_TRUE(bench.engine().role_policy.contains("v1/account_id=123/*"));
  EXPECT_FALSE(bench.engine().body.contains("Tags.member"));
}

TEST(StsIssuer, CutsOffByADenialOnAws) {
  Bench bench;
  const auto cut = bench.issuer().cut_off({.account = Bench::account()}, bench.now()).value();
  EXPECT_TRUE(cut.at_once);
  EXPECT_EQ(bench.engine().role_policy,
            R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*",)"
            R"("Condition":{"StringEquals":{"aws:PrincipalTag/account":"123"},)"
            R"("DateLessThan":{"aws:TokenIssueTime":"2026-11-29T10:00:01Z"}}}]})");
  const auto token = TokenId::parse("tok_GHIJKLMNOPabcdef").value();
  ASSERT_TRUE(bench.issuer().cut_off({Bench::account(), {token}}, bench.now() + hours(13)));
  EXPECT_FALSE(bench.engine().role_policy.contains(R"("aws:PrincipalTag/account":"123"})"))
      << "what has ended by itself is not denied for ever";
  EXPECT_TRUE(
      bench.engine().role_policy.contains(R"("aws:PrincipalTag/token":"tok_GHIJKLMNOPabcdef")"));
}

// A thief who made more of a stolen token than a policy can name loses all the same.
TEST(StsIssuer, CutsTheAccountOffWhereOnePolicyCannotNameAllTokens) {
  Bench bench;
  access::Cut cut{.account = Bench::account()};
  for (int i = 0; i < 1000; ++i) cut.tokens.push_back(make_token_id());
  const auto done = bench.issuer().cut_off(cut, bench.now());
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_TRUE(done->at_once && done->whole_account);
  EXPECT_TRUE(bench.engine().role_policy.contains(R"("aws:PrincipalTag/account":"123")"));
  EXPECT_FALSE(bench.engine().role_policy.contains("PrincipalTag/token"));
}

// A role's policy is full, and another account makes room: what was kept of its sessions is dead.
TEST(StsIssuer, GivesNoSessionOfAnAccountThatMadeRoomForACutOff) {
  Bench bench;
  const auto other = AccountId::parse("77").value();
  ASSERT_TRUE(bench.store().create_account(other, "Small", bench.now()));
  bench.feed().poll();
  const auto before = bench.ask(Bench::grant(), hours(1), bench.now());
  ASSERT_TRUE(before);
  access::Cut most{.account = Bench::account()};
  for (int i = 0; i < 390; ++i) most.tokens.push_back(make_token_id());
  ASSERT_TRUE(bench.issuer().cut_off(most, bench.now())->others.empty());
  ASSERT_TRUE(bench.issuer().issue(Bench::grant(), hours(1), bench.now()));
  access::Cut some{.account = other};
  for (int i = 0; i < 40; ++i) some.tokens.push_back(make_token_id());
  const auto done = bench.issuer().cut_off(some, bench.now());
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_FALSE(done->whole_account);
  EXPECT_EQ(done->others, std::vector{Bench::account()});
  const auto after = bench.ask(Bench::grant(), hours(1), bench.now());
  ASSERT_TRUE(after);
  EXPECT_NE(after->access_key_id, before->access_key_id);
}

// Over the whole way: the other servers hear of it, and the account's own records say so.
TEST(StsIssuer, RevokesAndAuditsTheAccountsThatMadeRoom) {
  Bench bench;
  const TemporaryFolder folder;
  const ManualClock clock(bench.now());
  const auto audit = control::AuditLog::open(folder.path(), clock).value();
  access::Cut most{.account = Bench::account()};
  for (int i = 0; i < 390; ++i) most.tokens.push_back(make_token_id());
  // By the real clock, which the second one goes by: a cut-off is kept for as long as sessions live.
  ASSERT_TRUE(bench.issuer().cut_off(most, SystemClock().now()));
  const auto other = AccountId::parse("77").value();
  ASSERT_TRUE(bench.store().create_account(other, "Small", bench.now()));
  const auto user = bench.store()
                        .create_user("eve@example.com", other, control::Role::member, bench.now())
                        .value();
  std::optional<TokenId> root;
  for (int i = 0; i < 40; ++i) {
    const control::NewToken wanted{.account = other,
                                   .user = user.id,
                                   .name = "t",
                                   .scopes = {.export_ = true},
                                   .expires = std::nullopt,
                                   .parent = root,
                                   .limits = {}};
    const auto made =
        bench.store().create_token(wanted, as_text(sha256(std::to_string(i))), bench.now());
    ASSERT_TRUE(made) << made.error().detail;
    if (!root) root = made->id;
  }
  const access::Cutting with{bench.issuer(), bench.store(), hours(1)};
  const auto ended = access::try_to_cut_off(with, {other, root}, bench.now());
  EXPECT_TRUE(ended.at_once) << ended.text;
  EXPECT_FALSE(ended.text.contains("123")) << "no tenant hears of another one";
  EXPECT_EQ(ended.others, std::vector{Bench::account()});
  bench.feed().poll();
  const auto revoked = bench.feed().revocations();
  ASSERT_TRUE(revoked);
  EXPECT_TRUE(revoked->refuse(Bench::account(), Bench::grant().user, Bench::grant().token,
                              bench.now() - seconds(1)));
  ASSERT_TRUE(access::audit_others(*audit, ended, bench.now()));
  std::vector<control::AuditEvent> events;
  (void)control::read_audit(folder.path(), {},
                            [&](const control::AuditEvent& each) { events.push_back(each); });
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].action, "sessions.cut-off");
  EXPECT_EQ(events[0].account, Bench::account());
  EXPECT_EQ(events[0].actor, "");
}

TEST(StsIssuer, SaysThatMinioCannotCutOff) {
  Bench bench(Engine::minio);
  EXPECT_FALSE(bench.issuer().cut_off({.account = Bench::account()}, bench.now())->at_once);
}

}  // namespace
}  // namespace valetkey::issuer
