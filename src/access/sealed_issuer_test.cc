// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <vector>

#include "access/testing/faulty_issuer.h"
#include "access/testing/foreign_issuer.h"
#include "access/testing/issuer_conformance.h"
#include "base/testing/golden_keyring.h"

namespace valetkey::access {
namespace {

class SealedUnderTest final : public IssuerUnderTest {
 public:
  CredentialIssuer& issuer() override { return issuer_; }

 private:
  FixedKeySource keys_{golden_keyring()};
  SealedIssuer issuer_{keys_};
};

std::unique_ptr<IssuerUnderTest> make_sealed() { return std::make_unique<SealedUnderTest>(); }
INSTANTIATE_TEST_SUITE_P(Sealed, IssuerConformance, testing::Values(&make_sealed));

// The faulty form, as long as no fault is asked for.
class FaultyUnderTest final : public IssuerUnderTest {
 public:
  CredentialIssuer& issuer() override { return faulty_; }

 private:
  SealedUnderTest sealed_;
  FaultyCalls calls_;
  FaultyIssuer faulty_{sealed_.issuer(), calls_};
};
std::unique_ptr<IssuerUnderTest> make_faulty() { return std::make_unique<FaultyUnderTest>(); }
INSTANTIATE_TEST_SUITE_P(Faulty, IssuerConformance, testing::Values(&make_faulty));

// As tests play the issuers of other engines.
class ForeignUnderTest final : public IssuerUnderTest {
 public:
  CredentialIssuer& issuer() override { return issuer_; }

 private:
  FixedKeySource keys_{golden_keyring()};
  ForeignIssuer issuer_{keys_};
};
std::unique_ptr<IssuerUnderTest> make_foreign() { return std::make_unique<ForeignUnderTest>(); }
INSTANTIATE_TEST_SUITE_P(Foreign, IssuerConformance, testing::Values(&make_foreign));

TEST(FaultyIssuer, FailsEachCallThatCanFailAndPassesTheRestOn) {
  SealedUnderTest sealed;
  FaultyCalls calls;
  FaultyIssuer faulty(sealed.issuer(), calls);
  const Timestamp now{};
  const AccountId account = AccountId::parse("123").value();
  const control::TokenGrant grant{make_token_id(),       make_user_id(),    account,
                                  control::Role::member, {.export_ = true}, {}};
  const std::vector<std::function<ErrorCode()>> kCalls = {
      [&] { return faulty.issue(grant, seconds(900), now).error().code; },
      [&] { return faulty.issue_at_once(grant, seconds(900), now)->error().code; },
      [&] { return faulty.place(account).error().code; },
      [&] { return faulty.open_account(account, now).error().code; },
      [&] { return faulty.cut_off({account}, now).error().code; },
      [&] { return faulty.check_narrowing(account, {}).error().code; },
  };
  for (const auto& call : kCalls) {
    calls.fail_call(2, {ErrorCode::busy, "made to fail"});
    EXPECT_TRUE(faulty.open_account(account, now));
    EXPECT_EQ(call(), ErrorCode::busy);
    EXPECT_TRUE(faulty.open_account(account, now));
  }
  EXPECT_TRUE(faulty.holds().prefixes);
  EXPECT_EQ(calls.calls(), 3U);
}

}  // namespace
}  // namespace valetkey::access
