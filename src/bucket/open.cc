// SPDX-License-Identifier: Apache-2.0
#include "bucket/open.h"

#include "aws/region.h"
#include "aws/session_policy.h"
#include "bucket/internal/s3_store.h"
#include "storage/staging.h"

namespace valetkey::bucket {
namespace {

// A range of the reader, or a listing of 1,000 long keys, and time for a part of 8 MiB.
constexpr http::FetchLimits kLimits{.connect = milliseconds(5'000),
                                    .silence = milliseconds(20'000),
                                    .whole = milliseconds(60'000),
                                    .body_bytes = 9 << 20};

// What the store stands on, made before it and gone after it.
struct Ground {
  Ground(const Settings& settings, aws::Environment environment, const Clock& clock)
      : env(std::move(environment)),
        network(http::make_fetcher(kLimits, settings.ca_file)),
        metadata(http::make_fetcher({.connect = milliseconds(1'000),
                                     .silence = milliseconds(2'000),
                                     .whole = milliseconds(4'000)})),
        keys([this, profile = settings.profile, region = settings.region](Timestamp now) {
          return aws::find_credentials({env, *network, *metadata, region}, profile, now);
        }),
        s3(*aws::S3::at(*network, endpoint_of(settings), settings.region)),
        calls(s3, keys, clock) {}

  static std::string endpoint_of(const Settings& settings) {
    return settings.endpoint.empty() ? aws::s3_endpoint(settings.region) : settings.endpoint;
  }

  const aws::Environment env;
  const std::unique_ptr<http::Fetcher> network, metadata;
  aws::KeptKeys keys;
  const aws::S3 s3;
  const Calls calls;
};

class OpenedStore final : private Ground, public S3Store {
 public:
  OpenedStore(const Settings& settings, aws::Environment environment, const Clock& clock,
              std::unique_ptr<storage::Staging> staging)
      : Ground(settings, std::move(environment), clock),
        S3Store({.bucket = settings.bucket,
                 .internal_bucket = settings.internal_bucket,
                 .encryption = settings.encryption,
                 .kms_key_id = settings.kms_key_id},
                Ground::calls),
        staging_(std::move(staging)) {}
  std::filesystem::path scratch() const override { return staging_->folder(); }

 private:
  const std::unique_ptr<storage::Staging> staging_;
};

}  // namespace

Result<std::unique_ptr<storage::ObjectStore>> open_bucket(const Settings& settings,
                                                          const std::filesystem::path& data_dir,
                                                          aws::Environment env,
                                                          const Clock& clock) {
  VALETKEY_CHECK(aws::check_bucket(settings.bucket));
  if (!settings.internal_bucket.empty())
    VALETKEY_CHECK(aws::check_bucket(settings.internal_bucket));
  if (settings.internal_bucket.empty() || settings.internal_bucket == settings.bucket)
    return fail(ErrorCode::invalid,
                "[objects] internal_bucket must name a second bucket: what the exporter keeps for "
                "itself must not lie beside what customers read");
  const auto url = http::Url::parse(Ground::endpoint_of(settings));
  if (!url || url->target != "/")
    return fail(ErrorCode::invalid,
                "[objects] endpoint must be a URL without a path, such as https://s3.example.org");
  // No object has a file here, so nothing is to be settled.
  const auto nothing = [](const storage::ObjectId&, std::string_view) { return Result<void>(); };
  VALETKEY_TRY(auto staging, storage::Staging::open(data_dir, nothing));
  return std::make_unique<OpenedStore>(settings, std::move(env), clock, std::move(staging));
}

}  // namespace valetkey::bucket
