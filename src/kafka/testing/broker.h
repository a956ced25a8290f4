// SPDX-License-Identifier: Apache-2.0
// For tests: the brokers that the tier "engines" started, topics of their own on them, and messages that no Valetkey
// wrote.
#pragma once

#include <simdjson.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/encoding.h"
#include "kafka/internal/client.h"
#include "kafka/kafka_log.h"

namespace valetkey::kafka {

struct Brokers {
  Connection plain, secure;
  friend void PrintTo(const Brokers& it, std::ostream* out) { *out << it.plain.brokers.front(); }
};

// What VALETKEY_ENGINE says of the engine that runs; nothing: none does.
inline std::optional<Brokers> running_brokers() {
  const char* folder = std::getenv("VALETKEY_ENGINE");
  if (folder == nullptr) return std::nullopt;
  const auto file = std::filesystem::path(folder) / "engine.json";
  if (!std::filesystem::exists(file)) return std::nullopt;
  simdjson::dom::parser parser;
  const simdjson::dom::element where = parser.load(file.string());
  const auto list = [&](const char* name) {
    std::vector<std::string> out;
    for (const auto each : where[name].get_array()) out.emplace_back(each.get_string().value());
    return out;
  };
  const auto text = [&](const char* name) { return std::string(where[name].get_string().value()); };
  Brokers out;
  out.plain.brokers = list("brokers");
  out.secure = {.brokers = list("secure"),
                .tls = true,
                .ca_file = text("ca_file"),
                .username = text("username"),
                .password = Secret(text("password")),
                .mechanism = "PLAIN"};
  return out;
}

inline std::vector<Brokers> brokers_to_test_on() {
  const auto found = running_brokers();
  return found ? std::vector{*found} : std::vector<Brokers>{};
}

// A log with a topic of its own.
inline LogOptions fresh_topic(const Connection& connection) {
  LogOptions out{.connection = connection, .topic = "test-" + hex(random_bytes(8))};
  out.partitions = 3;
  out.replicas = 1;
  out.release_after = milliseconds(0);
  return out;
}

inline std::unique_ptr<events::EventLog> opened(const LogOptions& options, const Clock& clock) {
  auto log = open_log(options, clock);
  if (!log) throw std::runtime_error(log.error().detail);
  return std::move(*log);
}

inline void make_topic(const LogOptions& options, const Settings& configuration) {
  const auto client = Client::make(RD_KAFKA_PRODUCER, options.connection, {}).value();
  char why[256];
  const Owned<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy> topic(rd_kafka_NewTopic_new(
      options.topic.c_str(), static_cast<int>(options.partitions), 1, why, sizeof(why)));
  for (const auto& [name, value] : configuration)
    rd_kafka_NewTopic_set_config(topic.get(), name, value.c_str());
  auto* one = topic.get();
  EXPECT_TRUE(client->ask("make a topic", [&](rd_kafka_queue_t* queue) {
    rd_kafka_CreateTopics(client->get(), &one, 1, nullptr, queue);
  }));
}

inline void write_message(const LogOptions& options, unsigned partition, const std::string& value) {
  const auto client = Client::make(RD_KAFKA_PRODUCER, options.connection, {}).value();
  const auto topic = client->topic(options.topic);
  EXPECT_EQ(rd_kafka_produce(topic.get(), static_cast<int>(partition), RD_KAFKA_MSG_F_COPY,
                             const_cast<char*>(value.data()), value.size(), nullptr, 0, nullptr),
            0);
  EXPECT_EQ(rd_kafka_flush(client->get(), 10'000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

}  // namespace valetkey::kafka
