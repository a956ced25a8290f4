// SPDX-License-Identifier: Apache-2.0
#include "admin/engines.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "admin/databases.h"
#include "base/secret_file.h"
#include "bucket/open.h"
#include "kafka/kafka_log.h"
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

// What a record has around the text of its request.
constexpr std::uint64_t kAroundText = 2 << 20;

bool is_topic_name(std::string_view name) {
  return !name.empty() && name.size() <= 249 && name != "." && name != ".." &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

Result<void> check_topic(const config::Config::Events& events) {
  if (events.kind != "kafka") return {};
  if (events.brokers.empty())
    return fail(ErrorCode::invalid,
                "[events] kind = \"kafka\" needs brokers, as [\"kafka1.example.org:9092\"]");
  for (const std::string& broker : events.brokers)
    if (broker.empty() || broker.contains(','))
      return fail(ErrorCode::invalid,
                  fmt::format("[events] brokers: '{}' must be HOST:PORT", broker.substr(0, 100)));
  if (!is_topic_name(events.topic))
    return fail(ErrorCode::invalid,
                "[events] topic must be 1 to 249 characters of a-z, A-Z, 0-9, '.', '_' and '-'");
  if (events.username.empty() != events.password_file.empty())
    return fail(ErrorCode::invalid, "[events] needs both username and password_file, or neither");
  if (events.mechanism == "PLAIN" && !events.username.empty() && !events.tls)
    return fail(ErrorCode::invalid,
                "[events] mechanism = \"PLAIN\" sends the password itself, so it needs tls = true");
  return {};
}

}  // namespace

Result<std::unique_ptr<events::EventLog>> open_topic(const config::Config& config,
                                                     const Clock& clock, Brokers brokers,
                                                     AcceptEnds accept) {
  const config::Config::Events& from = config.events;
  if (from.kind != "kafka") return nullptr;
  VALETKEY_CHECK(check_topic(from));
  kafka::LogOptions options;
  options.connection = {.brokers = from.brokers,
                        .tls = from.tls,
                        .ca_file = from.ca_file,
                        .username = from.username,
                        .password = {},
                        .mechanism = from.mechanism};
  if (!from.password_file.empty()) {
    VALETKEY_TRY(options.connection.password, read_secret_file(from.password_file));
  }
  options.topic = from.topic;
  options.partitions = static_cast<unsigned>(from.partitions);
  options.replicas = static_cast<unsigned>(from.replicas);
  options.largest_event_bytes =
      std::max(config.intake.max_body_bytes, config.intake.max_unzipped_bytes) + kAroundText;
  options.max_queued_bytes = from.max_queued_bytes;
  options.longest_wait = config.intake.longest_wait;
  options.release_after = from.keep;
  options.may_wait = brokers == Brokers::may_be_away;
  options.accept = std::move(accept);
  return kafka::open_log(std::move(options), clock);
}

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
  VALETKEY_CHECK(check_topic(config.events));
  VALETKEY_CHECK(check_databases(config));
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
