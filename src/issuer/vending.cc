// SPDX-License-Identifier: Apache-2.0
#include "issuer/vending.h"

#include "aws/region.h"
#include "issuer/place.h"

namespace valetkey::issuer {
namespace {

std::unexpected<Error> bad(std::string_view why) {
  return fail(ErrorCode::invalid, "[issuer] " + std::string(why));
}

Templates templates_of(const VendingSettings& settings) {
  return {settings.bucket, settings.prefix, settings.role_arn};
}

std::string s3_endpoint_of(const VendingSettings& settings) {
  return settings.s3_endpoint.empty() ? aws::s3_endpoint(settings.region) : settings.s3_endpoint;
}

}  // namespace

Result<void> check_settings(const VendingSettings& settings) {
  const auto engine = parse_engine(settings.engine);
  if (!engine) return bad("engine must be aws, ceph or minio");
  if (settings.role_arn.empty())
    return bad(
        "role_arn is empty: name the role whose sessions tokens buy, such as "
        "arn:aws:iam::123456789012:role/valetkey-reader");
  VALETKEY_CHECK(check_templates(templates_of(settings), *engine == Engine::ceph));
  if (*engine != Engine::aws && settings.endpoint.empty())
    return bad("endpoint is empty: name the URL at which " + settings.engine + " answers STS");
  if (*engine != Engine::aws && settings.s3_endpoint.empty())
    return fail(ErrorCode::invalid,
                "[s3] public_endpoint is empty: name the URL at which clients reach the S3 of " +
                    settings.engine);
  if (*engine == Engine::ceph && !settings.trusted_user_arn.contains(":user/"))
    return bad(
        "trusted_user_arn must be the ARN of the user whose keys the server has, such as "
        "arn:aws:iam:::user/issuer: the roles trust it alone");
  if (settings.external_id.size() > 1224 || settings.external_id.size() == 1)
    return bad("external_id has 2 to 1,224 characters");
  return {};
}

Vending::Vending(const VendingSettings& settings, aws::Environment env)
    : settings_(settings),
      env_(std::move(env)),
      network_(http::make_fetcher({}, settings.ca_file)),
      metadata_(http::make_fetcher({.connect = milliseconds(1'000),
                                    .silence = milliseconds(2'000),
                                    .whole = milliseconds(4'000)})),
      keys_(source_of(settings.profile)),
      roles_keys_(
          source_of(settings.roles_profile.empty() ? settings.profile : settings.roles_profile)) {}

Result<std::unique_ptr<Vending>> Vending::open(const VendingSettings& settings,
                                               aws::Environment env, control::ControlStore& store,
                                               control::ChangeFeed& feed) {
  VALETKEY_CHECK(check_settings(settings));
  std::unique_ptr<Vending> vending(new Vending(settings, std::move(env)));
  VALETKEY_CHECK(vending->build(store, feed));
  return vending;
}

aws::KeptKeys::Source Vending::source_of(std::string profile) {
  return [this, profile = std::move(profile)](Timestamp now) {
    return aws::find_credentials({env_, *network_, *metadata_, settings_.region}, profile, now);
  };
}

Result<void> Vending::build(control::ControlStore& store, control::ChangeFeed& feed) {
  VALETKEY_TRY(engine_, parse_engine(settings_.engine));
  const std::string sts =
      settings_.endpoint.empty() ? aws::sts_endpoint(settings_.region, env_) : settings_.endpoint;
  VALETKEY_TRY(sts_, aws::Sts::at(*network_, sts, settings_.region));
  VALETKEY_TRY(s3_, aws::S3::at(*network_, s3_endpoint_of(settings_), settings_.region));
  std::string iam = settings_.iam_endpoint;
  if (iam.empty()) iam = engine_ == Engine::ceph ? sts : "https://iam.amazonaws.com";
  // AWS's IAM is one for all regions, and signed for this one.
  const std::string iam_region = engine_ == Engine::aws ? "us-east-1" : settings_.region;
  VALETKEY_TRY(const aws::Iam roles, aws::Iam::at(*network_, iam, iam_region));
  roles_ = engine_ == Engine::ceph
               ? make_ceph_roles({roles, roles_keys_}, settings_.trusted_user_arn, kLongestRole)
           : engine_ == Engine::aws ? make_aws_roles({roles, roles_keys_}, store, kLongestRole)
                                    : make_no_roles();
  StsOptions options{.engine = engine_,
                     .templates = templates_of(settings_),
                     .endpoint = s3_endpoint_of(settings_),
                     .region = settings_.region,
                     .partition = std::string(aws::partition_of(settings_.region).name),
                     .external_id = settings_.external_id,
                     .kms_key_arn = settings_.kms_key_arn,
                     .calls_per_s = settings_.calls_per_s};
  issuer_ =
      std::make_unique<StsIssuer>(std::move(options), StsParts{*sts_, keys_, store, feed, *roles_});
  return {};
}

}  // namespace valetkey::issuer
