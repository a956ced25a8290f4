// SPDX-License-Identifier: Apache-2.0
#include "admin/engines.h"

namespace valetkey::admin {
namespace {

issuer::VendingSettings settings_of(const config::Config& config) {
  const config::Config::Issuer& from = config.issuer;
  issuer::VendingSettings out;
  out.engine = from.engine;
  out.endpoint = from.endpoint;
  out.iam_endpoint = from.iam_endpoint;
  out.s3_endpoint = config.s3.public_endpoint;
  out.region = config.s3.region;
  out.bucket = from.bucket.empty() ? config.s3.bucket : from.bucket;
  out.prefix = from.prefix;
  out.role_arn = from.role_arn;
  out.trusted_user_arn = from.trusted_user_arn;
  out.external_id = from.external_id;
  out.kms_key_arn = from.kms_key_arn;
  out.profile = from.profile;
  out.roles_profile = from.roles_profile;
  out.ca_file = from.ca_file;
  out.calls_per_s = from.calls_per_s;
  return out;
}

}  // namespace

bool vends(const config::Config& config) { return config.issuer.kind == "sts"; }

Result<void> check_engines(const config::Config& config) {
  if (!vends(config)) return {};
  if (config.intake.enabled)
    return fail(ErrorCode::invalid,
                "[issuer] kind = \"sts\" gives credentials for a bucket that somebody else fills: "
                "set [intake] enabled = false");
  if (config.credentials.min_duration < std::chrono::minutes(15))
    return fail(ErrorCode::invalid,
                "[credentials] min_duration must be 15m at least: STS gives no shorter sessions");
  return issuer::check_settings(settings_of(config));
}

Result<std::unique_ptr<Engines>> Engines::open(const config::Config& config,
                                               const config::Environment& env,
                                               const KeySource& keys, control::ControlStore& store,
                                               const control::ChangeFeed& feed) {
  VALETKEY_CHECK(check_engines(config));
  std::unique_ptr<Engines> engines(new Engines);
  if (vends(config)) {
    VALETKEY_TRY(engines->vending_, issuer::Vending::open(settings_of(config), env, store, feed));
  } else {
    engines->sealed_ = std::make_unique<access::SealedIssuer>(keys);
  }
  return engines;
}

}  // namespace valetkey::admin
