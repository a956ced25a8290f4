// SPDX-License-Identifier: Apache-2.0
// librdkafka alone with the messages that the intake would send of as many requests: parsed before the clock starts,
// acknowledged by all replicas in sync, idempotent. As many in flight as the load generator has connections. Prints one
// line of JSON.
// usage: produce_bare BROKERS TOPIC PARTITION IN_FLIGHT SECONDS
#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "events/intake.h"
#include "sdk_events.h"

namespace {

constexpr std::size_t kBodies = 2000;
std::atomic<std::uint64_t> acknowledged = 0, failed = 0, in_flight = 0;

std::vector<std::string> messages() {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  valetkey::bench::SdkBody body(std::random_device{}(), 100, now.time_since_epoch().count());
  std::vector<std::string> out;
  for (std::size_t i = 0; i < kBodies; ++i) {
    const valetkey::events::IntakeContext context{
        .now = valetkey::Timestamp(now.time_since_epoch()),
        .client_address = "127.0.0.1",
        .user_agent = "bench",
        .referer = {}};
    const auto parsed = valetkey::events::parse_events(
        body.fill(i * valetkey::bench::SdkBody::kEvents), context, false);
    out.push_back("\1" + std::string("\12\0\0\0", 4) + parsed.value().records);
  }
  return out;
}

void delivered(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  ++(message->err == RD_KAFKA_RESP_ERR_NO_ERROR ? acknowledged : failed);
  --in_flight;
}

rd_kafka_t* make_producer(const char* brokers) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char why[256];
  const std::pair<const char*, const char*> settings[] = {
      {"bootstrap.servers", brokers}, {"acks", "all"},    {"enable.idempotence", "true"},
      {"compression.codec", "lz4"},   {"linger.ms", "0"}, {"message.max.bytes", "12587008"}};
  for (const auto& [name, value] : settings)
    if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) != RD_KAFKA_CONF_OK) std::abort();
  rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  return rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fputs("usage: produce_bare BROKERS TOPIC PARTITION IN_FLIGHT SECONDS\n", stderr);
    return 2;
  }
  const int partition = std::atoi(argv[3]);
  const std::uint64_t most = std::strtoul(argv[4], nullptr, 10);
  const auto values = messages();
  rd_kafka_t* const producer = make_producer(argv[1]);
  rd_kafka_topic_t* const topic = rd_kafka_topic_new(producer, argv[2], nullptr);
  std::jthread polling([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) rd_kafka_poll(producer, 50);
  });
  const auto begin = std::chrono::steady_clock::now();
  const std::chrono::duration<double> length(std::atof(argv[5]));
  std::size_t bytes = 0;
  for (std::size_t i = 0; std::chrono::steady_clock::now() - begin < length;) {
    if (in_flight >= most) {
      std::this_thread::yield();
      continue;
    }
    const std::string& value = values[i % values.size()];
    ++in_flight;
    if (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, const_cast<char*>(value.data()),
                         value.size(), nullptr, 0, nullptr) != 0) {
      --in_flight;
      continue;
    }
    bytes += value.size();
    ++i;
  }
  rd_kafka_flush(producer, 20'000);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  polling.request_stop();
  polling.join();
  fmt::print("{{\"requests\":{},\"failed\":{},\"seconds\":{:.3f},\"bytes\":{}}}\n",
             acknowledged.load(), failed.load(), took.count(), bytes);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(producer);
  return failed == 0 ? 0 : 1;
}
