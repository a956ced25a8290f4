// SPDX-License-Identifier: Apache-2.0
#include "kafka/internal/topic.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <thread>

#include "base/log.h"

namespace valetkey::kafka {
namespace {

using Configuration = std::map<std::string, std::string>;

// What a message has around its events: keys and lengths of its set.
constexpr std::uint64_t kAround = 4096;
constexpr std::chrono::milliseconds kLookAgain{200};
constexpr std::chrono::seconds kLongestMaking{15};

constexpr const char* kSegmentMs = "3600000";

struct Shape {
  unsigned partitions = 0;
  unsigned replicas = 0;  // of the partition that has the fewest
};

std::uint64_t message_bytes(const LogOptions& options) {
  return std::max<std::uint64_t>(options.largest_event_bytes + kAround, 8 << 20);
}
unsigned in_sync(const LogOptions& options) { return options.replicas > 1 ? 2 : 1; }

// What the topic is made with; what an existing one must have.
Configuration wanted(const LogOptions& options) {
  return {{"cleanup.policy", "delete"},
          {"retention.ms", "-1"},
          {"retention.bytes", "-1"},
          {"min.insync.replicas", std::to_string(in_sync(options))},
          {"unclean.leader.election.enable", "false"},
          {"max.message.bytes", std::to_string(message_bytes(options))}};
}

Result<Shape> look(const Client& client, const std::string& name) {
  const auto topic = client.topic(name);
  const rd_kafka_metadata_t* found = nullptr;
  const auto what = fmt::format("say what the topic {} is", name);
  if (const auto error = rd_kafka_metadata(client.get(), 0, topic.get(), &found, kAnswerMs))
    return client.failed(what, error);
  const Owned<const rd_kafka_metadata_t, rd_kafka_metadata_destroy> metadata(found);
  if (metadata->topic_cnt != 1) return client.failed(what, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC);
  const auto& it = metadata->topics[0];
  if (it.err != RD_KAFKA_RESP_ERR_NO_ERROR) return client.failed(what, it.err);
  Shape out{.partitions = static_cast<unsigned>(it.partition_cnt), .replicas = ~0U};
  for (int i = 0; i < it.partition_cnt; ++i)
    out.replicas = std::min(out.replicas, static_cast<unsigned>(it.partitions[i].replica_cnt));
  return out;
}

Result<void> make(const Client& client, const LogOptions& options) {
  std::array<char, 512> why{};
  const Owned<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy> topic(
      rd_kafka_NewTopic_new(options.topic.c_str(), static_cast<int>(options.partitions),
                            static_cast<int>(options.replicas), why.data(), why.size()));
  if (!topic) return fail(ErrorCode::invalid, fmt::format("no topic can be made: {}", why.data()));
  for (const auto& [name, value] : wanted(options))
    rd_kafka_NewTopic_set_config(topic.get(), name.c_str(), value.c_str());
  // What is released leaves the disks when its segment has ended.
  rd_kafka_NewTopic_set_config(topic.get(), "segment.ms", kSegmentMs);
  const auto what = fmt::format("make the topic {}", options.topic);
  auto* one = topic.get();
  VALETKEY_TRY(const auto event, client.ask(what, [&](rd_kafka_queue_t* queue) {
    rd_kafka_CreateTopics(client.get(), &one, 1, nullptr, queue);
  }));
  std::size_t count = 0;
  const auto* result = rd_kafka_event_CreateTopics_result(event.get());
  const auto** each = rd_kafka_CreateTopics_result_topics(result, &count);
  const auto error = count == 1 ? rd_kafka_topic_result_error(each[0]) : RD_KAFKA_RESP_ERR__FAIL;
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR && error != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
    return client.failed(what, error);
  log::info("kafka", "made the topic",
            {{"topic", options.topic},
             {"partitions", options.partitions},
             {"replicas", options.replicas}});
  return {};
}

// A topic that was just made is not known to every broker at once.
Result<Shape> look_or_make(const Client& client, const LogOptions& options) {
  auto found = look(client, options.topic);
  if (found || found.error().code != ErrorCode::not_found) return found;
  VALETKEY_CHECK(make(client, options));
  for (auto left = kLongestMaking / kLookAgain; left > 0; --left) {
    found = look(client, options.topic);
    if (found && found->replicas > 0) break;
    std::this_thread::sleep_for(kLookAgain);
  }
  return found;
}

Result<Configuration> read_configuration(const Client& client, const std::string& name) {
  const Owned<rd_kafka_ConfigResource_t, rd_kafka_ConfigResource_destroy> topic(
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name.c_str()));
  auto* one = topic.get();
  const auto what = fmt::format("tell the configuration of the topic {}", name);
  VALETKEY_TRY(const auto event, client.ask(what, [&](rd_kafka_queue_t* queue) {
    rd_kafka_DescribeConfigs(client.get(), &one, 1, nullptr, queue);
  }));
  std::size_t count = 0;
  const auto* result = rd_kafka_event_DescribeConfigs_result(event.get());
  const auto** resources = rd_kafka_DescribeConfigs_result_resources(result, &count);
  if (count != 1) return client.failed(what, RD_KAFKA_RESP_ERR__FAIL);
  if (const auto error = rd_kafka_ConfigResource_error(resources[0]))
    return client.failed(what, error);
  Configuration out;
  const auto** entries = rd_kafka_ConfigResource_configs(resources[0], &count);
  for (std::size_t i = 0; i < count; ++i)
    if (const char* value = rd_kafka_ConfigEntry_value(entries[i]))
      out[rd_kafka_ConfigEntry_name(entries[i])] = value;
  return out;
}

// The broker that is asked may not know yet of a topic that was just made.
Result<Configuration> known_configuration(const Client& client, const std::string& name) {
  auto found = read_configuration(client, name);
  const std::string unknown = rd_kafka_err2str(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  for (auto left = kLongestMaking / kLookAgain; left > 0 && !found; --left) {
    if (!found.error().detail.ends_with(unknown)) break;
    std::this_thread::sleep_for(kLookAgain);
    found = read_configuration(client, name);
  }
  return found;
}

std::int64_t number(const std::string& text) {
  std::int64_t out = -2;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

bool is_as(const std::string& name, const std::string& is, const std::string& wanted) {
  if (name == "min.insync.replicas" || name == "max.message.bytes")
    return number(is) >= number(wanted);
  return is == wanted;
}

Result<void> check(const Configuration& found, const LogOptions& options) {
  std::vector<std::string> wrong, remedies;
  for (const auto& [name, value] : wanted(options)) {
    const auto it = found.find(name);
    const std::string is = it == found.end() ? "nothing" : it->second;
    if (is_as(name, is, value)) continue;
    wrong.push_back(fmt::format("{} is {}", name, is));
    remedies.push_back(fmt::format("{}={}", name, value));
  }
  if (wrong.empty()) return {};
  return fail(ErrorCode::invalid,
              fmt::format("the topic {} could lose events that are not exported yet ({}): "
                          "kafka-configs.sh --bootstrap-server {} --alter --entity-type topics "
                          "--entity-name {} --add-config {}",
                          options.topic, fmt::join(wrong, ", "), options.connection.brokers.front(),
                          options.topic, fmt::join(remedies, ",")));
}

Result<void> check(const Shape& found, const LogOptions& options) {
  if (found.partitions != options.partitions)
    return fail(ErrorCode::invalid,
                fmt::format("the topic {} has {} partitions and [events] partitions says {}: an "
                            "account's events lie in one partition, which hangs on that number, so "
                            "set it to what the topic had when its first event came",
                            options.topic, found.partitions, options.partitions));
  if (found.replicas < options.replicas)
    return fail(ErrorCode::invalid,
                fmt::format("the topic {} has partitions of {} replicas and [events] replicas says "
                            "{}: give it more with kafka-reassign-partitions.sh, or set "
                            "[events] replicas = {} if events may be lost with a broker",
                            options.topic, found.replicas, options.replicas, found.replicas));
  return {};
}

}  // namespace

Result<Topic> open_topic(const Client& client, const LogOptions& options) {
  VALETKEY_TRY(const auto shape, look_or_make(client, options));
  VALETKEY_CHECK(check(shape, options));
  VALETKEY_TRY(const auto found, known_configuration(client, options.topic));
  VALETKEY_CHECK(check(found, options));
  const auto in_sync = number(found.at("min.insync.replicas"));
  if (shape.replicas > 1 && in_sync >= shape.replicas)
    log::warn(
        "kafka", "events are refused as soon as one broker is lost",
        {{"topic", options.topic}, {"replicas", shape.replicas}, {"min.insync.replicas", in_sync}});
  return Topic{.message_bytes = static_cast<std::size_t>(number(found.at("max.message.bytes")))};
}

}  // namespace valetkey::kafka
