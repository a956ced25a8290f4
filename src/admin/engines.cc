// SPDX-License-Identifier: Apache-2.0
#include "admin/engines.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "admin/internal/data_folder.h"
#include "base/secret_file.h"
#include "bucket/open.h"
#include "events/file_log.h"
#include "events/joined_log.h"
#include "kafka/kafka_log.h"

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

// Else everything that comes would lie below what counts as exported.
Result<void> check_places(exporter::Ledger& ledger, const std::vector<events::Offset>& ends,
                          const std::string& topic) {
  for (unsigned partition = 0; partition < ends.size(); ++partition) {
    VALETKEY_TRY(const auto consumed, ledger.consumed(events::kFilePartitions + partition));
    if (ends[partition] < consumed)
      return fail(
          ErrorCode::invalid,
          fmt::format("partition {} of the topic {} ends at {} and was exported up to {}: it "
                      "is not the topic that this data folder's events lay in, so set "
                      "[events] brokers and topic to that one",
                      partition, topic, ends[partition], consumed));
  }
  return {};
}

}  // namespace

Engines::Engines(config::Config config, config::Environment env, std::filesystem::path data_dir,
                 const Clock& clock)
    : config_(std::move(config)),
      env_(std::move(env)),
      data_dir_(std::move(data_dir)),
      clock_(clock),
      databases_(config_, data_dir_) {}

bool Engines::keeps_parts() const { return config_.objects.kind == "disk"; }

bool Engines::vends() const { return config_.issuer.kind == "sts"; }

Result<void> Engines::check() const {
  VALETKEY_CHECK(check_topic(config_.events));
  VALETKEY_CHECK(check_databases(config_));
  if (!vends()) return {};
  if (config_.intake.enabled && keeps_parts())
    return fail(ErrorCode::invalid,
                "[issuer] kind = \"sts\" gives credentials for a bucket that somebody else fills: "
                "set [intake] enabled = false, or [objects] kind = \"s3\" to fill it from "
                "here");
  if (config_.credentials.min_duration < std::chrono::minutes(15))
    return fail(ErrorCode::invalid,
                "[credentials] min_duration must be 15m at least: STS gives no shorter sessions");
  return issuer::check_settings(settings_of(config_));
}

Result<std::unique_ptr<storage::ObjectStore>> Engines::open_store(const KeySource& keys) const {
  if (keeps_parts()) return open_folder(keys);
  const config::Config::Objects& from = config_.objects;
  return bucket::open_bucket({.endpoint = from.endpoint,
                              .region = config_.s3.region,
                              .bucket = config_.s3.bucket,
                              .internal_bucket = from.internal_bucket,
                              .profile = from.profile,
                              .encryption = from.encryption,
                              .kms_key_id = from.kms_key_id,
                              .ca_file = from.ca_file},
                             data_dir_, env_, clock_);
}

Result<std::unique_ptr<storage::DiskStore>> Engines::open_disk(const KeySource& keys,
                                                               std::string_view instead) const {
  if (!keeps_parts())
    return fail(ErrorCode::denied,
                fmt::format("the parts lie in the bucket {}, not in the data folder: {}",
                            config_.s3.bucket, instead));
  return open_folder(keys);
}

Result<void> Engines::make_folder(const KeySource& keys) const {
  VALETKEY_CHECK(open_folder(keys));
  return {};
}

Result<std::unique_ptr<storage::DiskStore>> Engines::open_folder(const KeySource& keys) const {
  return storage::open_disk_store({.folder = data_dir_, .bucket = config_.s3.bucket}, keys, clock_);
}

Result<std::unique_ptr<events::EventLog>> Engines::open_log(exporter::Ledger& ledger,
                                                            const KeySource& keys,
                                                            Brokers brokers) const {
  events::FileLogOptions options;
  options.folder = events_folder(data_dir_);
  // Exported events go segment by segment: small batches want small segments.
  options.segment_bytes =
      std::min<std::size_t>(options.segment_bytes, config_.exporting.batch_bytes / 2);
  options.max_waiting_bytes = config_.intake.max_waiting_bytes;
  options.longest_wait = config_.intake.longest_wait;
  options.first_offset = [&ledger](unsigned partition) { return ledger.floor(partition); };
  VALETKEY_TRY(auto log, events::open_file_log(std::move(options), keys, clock_));
  const auto accept = [&ledger, name = config_.events.topic](const auto& ends) {
    return check_places(ledger, ends, name);
  };
  VALETKEY_TRY(auto topic, open_topic(brokers, accept));
  if (topic) log = events::join_logs(std::move(log), std::move(topic));
  // A crash may have come between.
  for (unsigned partition = 0; partition < log->partitions(); ++partition) {
    VALETKEY_TRY(const auto consumed, ledger.consumed(partition));
    VALETKEY_CHECK(log->release(partition, consumed));
  }
  return log;
}

Result<std::unique_ptr<events::EventLog>> Engines::open_topic(Brokers brokers) const {
  return open_topic(brokers, {});
}

Result<std::unique_ptr<events::EventLog>> Engines::open_topic(Brokers brokers,
                                                              AcceptEnds accept) const {
  const config::Config::Events& from = config_.events;
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
      std::max(config_.intake.max_body_bytes, config_.intake.max_unzipped_bytes) + kAroundText;
  options.max_queued_bytes = from.max_queued_bytes;
  options.longest_wait = config_.intake.longest_wait;
  options.release_after = from.keep;
  options.may_wait = brokers == Brokers::may_be_away;
  options.accept = std::move(accept);
  return kafka::open_log(std::move(options), clock_);
}

Result<std::unique_ptr<Minting>> Engines::open_minting(const KeySource& keys,
                                                       control::ControlStore& store,
                                                       control::ChangeFeed& feed) const {
  VALETKEY_CHECK(check());
  if (!vends()) return std::make_unique<Minting>(std::make_unique<access::SealedIssuer>(keys));
  VALETKEY_TRY(auto vending, issuer::Vending::open(settings_of(config_), env_, store, feed));
  return std::make_unique<Minting>(std::move(vending));
}

Result<std::string> bucket_of(const std::filesystem::path& data_dir) {
  return storage::read_bucket(data_dir / "objects.db");
}

}  // namespace valetkey::admin
