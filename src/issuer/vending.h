// SPDX-License-Identifier: Apache-2.0
// All that an STS issuer stands on, built from its settings: connections, the server's own
// credentials, clients of STS, IAM and S3, roles. Members go in the opposite order of their making.
#pragma once

#include <memory>
#include <string>

#include "aws/iam.h"
#include "aws/kept_keys.h"
#include "aws/s3.h"
#include "aws/sts.h"
#include "issuer/sts_issuer.h"

namespace valetkey::issuer {

// As [issuer] of the configuration has it.
struct VendingSettings {
  std::string engine = "aws";
  std::string endpoint{};      // of STS; empty: AWS's of the region, or as the environment says
  std::string iam_endpoint{};  // empty: AWS's, or, of Ceph, that of STS
  std::string s3_endpoint{};   // as clients reach it; empty: AWS's of the region
  std::string region = "us-east-1";
  std::string bucket{}, prefix{}, role_arn{};  // with {account}
  std::string trusted_user_arn{};              // whom the roles on Ceph trust
  std::string external_id{}, kms_key_arn{};
  std::string profile{}, roles_profile{};  // of AWS's files; empty: the usual order, the same
  std::string ca_file{};
  double calls_per_s = 300;
};

// Checks that need several settings. `invalid`, with the sentence.
Result<void> check_settings(const VendingSettings& settings);

// Of the roles that are made: what a session may be asked to live.
inline constexpr seconds kLongestRole{12 * 3600};

class Vending {
 public:
  // `store` and `feed` outlive it. Sends no request yet.
  static Result<std::unique_ptr<Vending>> open(const VendingSettings& settings,
                                               aws::Environment env, control::ControlStore& store,
                                               control::ChangeFeed& feed);

  StsIssuer& issuer() { return *issuer_; }
  const VendingSettings& settings() const { return settings_; }
  Engine engine() const { return engine_; }
  aws::KeptKeys& keys() { return keys_; }
  const aws::Sts& sts() const { return *sts_; }
  const aws::S3& s3() const { return *s3_; }
  http::Fetcher& network() { return *network_; }

 private:
  Vending(const VendingSettings& settings, aws::Environment env);
  aws::KeptKeys::Source source_of(std::string profile);
  Result<void> build(control::ControlStore& store, control::ChangeFeed& feed);

  const VendingSettings settings_;
  const aws::Environment env_;
  Engine engine_ = Engine::aws;
  std::unique_ptr<http::Fetcher> network_, metadata_;
  aws::KeptKeys keys_, roles_keys_;
  std::optional<aws::Sts> sts_;
  std::optional<aws::S3> s3_;
  std::unique_ptr<Roles> roles_;
  std::unique_ptr<StsIssuer> issuer_;
};

}  // namespace valetkey::issuer
