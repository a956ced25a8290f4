// SPDX-License-Identifier: Apache-2.0
// What a signature costs: the whole chain from the secret, and a request whose signing key is
// cached.
#include <benchmark/benchmark.h>

#include "sigv4/testing/signed_request.h"

namespace valetkey::sigv4 {
namespace {

testing::Owned signed_get() {
  testing::Owned owned;
  owned.path = "/optimizely-events-data/v1/account_id%3D596780373/type%3Devents/a.parquet";
  return owned.sign();
}

void SigningKeyAndSignature(benchmark::State& state) {
  const CredentialScope scope{"20261124", "us-east-1", "s3"};
  const Secret secret("d-jBQUwHfHDcYXWXjpzTf3VC8LGp4Hav1k_sy5V0");
  for (auto _ : state)
    benchmark::DoNotOptimize(
        signature(signing_key(secret, scope),
                  string_to_sign("20261124T080000Z", scope, "canonical request")));
}
BENCHMARK(SigningKeyAndSignature);

void ReadClaim(benchmark::State& state) {
  const testing::Owned owned = signed_get();
  const http::Request request = owned.view();
  for (auto _ : state) benchmark::DoNotOptimize(read_claim(request, testing::kNow));
}
BENCHMARK(ReadClaim);

void VerifyWithCachedKey(benchmark::State& state) {
  const testing::Owned owned = signed_get();
  const http::Request request = owned.view();
  const Claim claim = read_claim(request, testing::kNow).value();
  const Secret key = signing_key(testing::credentials().secret_access_key, claim.scope);
  for (auto _ : state) benchmark::DoNotOptimize(verify(request, claim, key));
}
BENCHMARK(VerifyWithCachedKey);

// The floor of the one above: its two digests alone.
void DigestsOfVerify(benchmark::State& state) {
  const std::string canonical(420, 'c'), to_sign(142, 's'), key(32, 'k');
  for (auto _ : state) {
    benchmark::DoNotOptimize(sha256(canonical));
    benchmark::DoNotOptimize(hmac_sha256(key, to_sign));
  }
}
BENCHMARK(DigestsOfVerify);

}  // namespace
}  // namespace valetkey::sigv4
