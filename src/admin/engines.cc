// SPDX-License-Identifier: Apache-2.0
#include "admin/engines.h"

#include "bucket/open.h"
#include "storage/disk_store.h"

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

Result<std::unique_ptr<storage::ObjectStore>> open_store(const config::Config& config,
                                                         const config::Environment& env,
                                                         const std::filesystem::path& data_dir,
                                                         const KeySource& keys,
                                                         const Clock& clock) {
  if (config.objects.kind == "disk")
    return storage::open_disk_store({.folder = data_dir, .bucket = config.s3.bucket}, keys, clock);
  const config::Config::Objects& from = config.objects;
  return bucket::open_bucket({.endpoint = from.endpoint,
                              .region = config.s3.region,
                              .bucket = config.s3.bucket,
                              .internal_bucket = from.internal_bucket,
                              .profile = from.profile,
                              .encryption = from.encryption,
                              .kms_key_id = from.kms_key_id,
                              .ca_file = from.ca_file},
                             data_dir, env, clock);
}

bool vends(const config::Config& config) { return config.issuer.kind == "sts"; }

Result<void> check_engines(const config::Config& config) {
  if (!vends(config)) return {};
  if (config.intake.enabled && config.objects.kind == "disk")
    return fail(ErrorCode::invalid,
                "[issuer] kind = \"sts\" gives credentials for a bucket that somebody else fills: "
                "set [intake] enabled = false, or [objects] kind = \"s3\" to fill it from "
                "here");
  if (config.credentials.min_duration < std::chrono::minutes(15))
    return fail(ErrorCode::invalid,
                "[credentials] min_duration must be 15m at least: STS gives no shorter sessions");
  return issuer::check_settings(settings_of(config));
}

Result<std::unique_ptr<Engines>> Engines::open(const config::Config& config,
                                               const config::Environment& env,
                                               const KeySource& keys, control::ControlStore& store,
                                               control::ChangeFeed& feed) {
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
