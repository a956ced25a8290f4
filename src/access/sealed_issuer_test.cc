// SPDX-License-Identifier: Apache-2.0
#include "access/testing/faulty_issuer.h"
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
  FaultyIssuer faulty_{sealed_.issuer()};
};
std::unique_ptr<IssuerUnderTest> make_faulty() { return std::make_unique<FaultyUnderTest>(); }
INSTANTIATE_TEST_SUITE_P(Faulty, IssuerConformance, testing::Values(&make_faulty));

TEST(FaultyIssuer, FailsTheCallThatWasAskedForAlone) {
  SealedUnderTest sealed;
  FaultyIssuer faulty(sealed.issuer());
  faulty.fail_call(2, ErrorCode::busy);
  const Timestamp now{};
  const AccountId account = AccountId::parse("123").value();
  EXPECT_TRUE(faulty.open_account(account, now));
  EXPECT_EQ(faulty.open_account(account, now).error().code, ErrorCode::busy);
  EXPECT_TRUE(faulty.open_account(account, now));
}

}  // namespace
}  // namespace valetkey::access
