// SPDX-License-Identifier: Apache-2.0
// The issuer whose credentials are those of AWS STS, or of an engine that speaks as it does: a token
// buys a session of a role, bounded by a policy to the account's prefix. Thread-safe.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "access/credentials.h"
#include "aws/kept_keys.h"
#include "aws/sts.h"
#include "base/steady_clock.h"
#include "control/change_feed.h"
#include "control/control_store.h"
#include "issuer/bought_sessions.h"
#include "issuer/flights.h"
#include "issuer/place.h"
#include "issuer/roles.h"
#include "limits/pace.h"

namespace valetkey::issuer {

enum class Engine : std::uint8_t { aws, ceph, minio };
std::string_view name_of(Engine engine);
Result<Engine> parse_engine(std::string_view text);

struct StsOptions {
  Engine engine = Engine::aws;
  Templates templates;
  std::string endpoint;  // of S3, told to clients; empty: AWS's own
  std::string region = "us-east-1";
  std::string partition = "aws";
  std::string external_id{};
  std::string kms_key_arn{};
  double calls_per_s = 300;
};

// What happened since the start, for metrics.
struct StsCounts {
  std::atomic<std::uint64_t> calls = 0, failed = 0;  // to the engine
  std::atomic<std::uint64_t> hits = 0, shared = 0;   // answered without one
  std::atomic<std::uint64_t> throttled = 0, over_budget = 0;
  std::atomic<unsigned> packed_policy_percent = 0;  // the largest
};

// All of them outlive the issuer.
struct StsParts {
  const aws::Sts& sts;
  aws::KeptKeys& keys;
  control::ControlStore& store;
  control::ChangeFeed& feed;
  Roles& roles;
  const SteadyClock& steady = SteadyClock::system();
};

class StsIssuer final : public access::CredentialIssuer {
 public:
  StsIssuer(StsOptions options, StsParts parts);

  unsigned calls_at_once() const override { return 32; }
  milliseconds min_life() const override { return std::chrono::minutes(15); }
  bool follows_revocation() const override { return false; }
  Holds holds() const override;
  Result<std::shared_ptr<const access::Place>> place(const AccountId& account) override;
  std::optional<Result<access::Credentials>> issue_at_once(const control::TokenGrant& grant,
                                                           milliseconds duration,
                                                           Timestamp now) override;
  Result<access::Credentials> issue(const control::TokenGrant& grant, milliseconds duration,
                                    Timestamp now) override;
  Result<void> open_account(const AccountId& account, Timestamp now) override;
  Result<access::CutOff> cut_off(const access::Cut& cut, Timestamp now) override;
  Result<void> check_narrowing(const AccountId& account,
                               const control::Narrowing& narrowing) override;

  const StsCounts& counts() const { return counts_; }

 private:
  // All that a call needs to know of one account.
  struct Bound {
    std::shared_ptr<const access::Place> place;  // shared by its credentials
    std::string policy, role_arn;
  };
  using Bought = Result<issuer::Bought>;

  Result<Bound> bound_of(const AccountId& account, const control::Narrowing& narrowing);
  Bought buy(const control::TokenGrant& grant, const Bound& bound, Timestamp expires,
             Timestamp now);
  aws::StsResult<aws::StsSession> assume(const control::TokenGrant& grant, const Bound& bound,
                                         seconds life, Timestamp now);
  aws::StsResult<aws::StsSession> assume_once(const control::TokenGrant& grant, const Bound& bound,
                                              seconds life, Timestamp now);
  Result<void> still_counts(const control::TokenGrant& grant, Timestamp now) const;
  Result<void> admit();
  Error refused(const aws::StsError& why);

  const StsOptions options_;
  const StsParts parts_;
  StsCounts counts_;
  BoughtSessions cache_;
  Flights<Bought> flights_;
  limits::Pace pace_;
  // Until then the engine is not asked again, and why.
  std::atomic<SteadyClock::Instant> closed_until_{};
  std::mutex closed_mutex_;
  Error closed_why_;
  std::atomic<bool> chained_ = false;  // our own role was assumed by a role: an hour at most
};

}  // namespace valetkey::issuer
