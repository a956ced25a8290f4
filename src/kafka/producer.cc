// SPDX-License-Identifier: Apache-2.0
#include "kafka/internal/producer.h"

#include <fmt/format.h>

#include <algorithm>

#include "kafka/internal/message.h"

namespace valetkey::kafka {
namespace {

// Within the ten seconds that the intake lets a sender wait; librdkafka looks once a second what is too old.
constexpr int kLongestMs = 8000;
constexpr int kPollMs = 100;
constexpr int kFinishMs = 5000;
// What librdkafka counts besides the value.
constexpr std::size_t kMessageOverhead = 1024;

std::unexpected<Error> not_kept(rd_kafka_resp_err_t error) {
  return fail(ErrorCode::unavailable,
              error == RD_KAFKA_RESP_ERR__QUEUE_FULL
                  ? "more events wait for Kafka's acknowledgement than [events] max_queued_bytes"
                  : fmt::format("Kafka did not acknowledge events: {}", rd_kafka_err2str(error)));
}

}  // namespace

struct Producer::Sending {
  Sending(Producer& owner, Done told) : producer(owner), done(std::move(told)) {}
  Producer& producer;
  Done done;
  std::mutex mutex;
  std::size_t left = 1;  // messages, and the one who still adds some
  std::optional<Error> failure;

  // The last one calls back, and ends it.
  static void finish_one(Sending* it, Result<void> result) {
    bool last = false;
    {
      const std::lock_guard lock(it->mutex);
      if (!result && !it->failure) it->failure = std::move(result).error();
      last = --it->left == 0;
    }
    if (!last) return;
    const std::unique_ptr<Sending> ending(it);
    it->done(it->failure ? Result<void>(std::unexpected(*it->failure)) : Result<void>());
  }
};

Result<std::unique_ptr<Producer>> Producer::open(const LogOptions& options,
                                                 std::size_t message_bytes,
                                                 Acknowledged acknowledged) {
  std::unique_ptr<Producer> out(new Producer);
  out->message_bytes_ = message_bytes - kMessageOverhead;
  out->acknowledged_ = std::move(acknowledged);
  const auto kib = std::max<std::uint64_t>(options.max_queued_bytes >> 10, 1);
  const Settings settings{{"acks", "all"},
                          {"enable.idempotence", "true"},
                          {"compression.codec", "lz4"},
                          {"linger.ms", std::to_string(options.longest_wait.count())},
                          {"message.timeout.ms", std::to_string(kLongestMs)},
                          {"request.timeout.ms", std::to_string(kLongestMs / 2)},
                          {"message.max.bytes", std::to_string(message_bytes)},
                          {"queue.buffering.max.kbytes", std::to_string(kib)},
                          {"queue.buffering.max.messages", "10000000"}};
  VALETKEY_TRY(out->client_,
               Client::make(RD_KAFKA_PRODUCER, options.connection, settings, &Producer::delivered));
  out->topic_ = out->client_->topic(options.topic);
  out->polling_ = std::jthread([client = out->client_->get()](const std::stop_token& stop) {
    while (!stop.stop_requested()) rd_kafka_poll(client, kPollMs);
  });
  return out;
}

Producer::~Producer() {
  if (!client_) return;
  rd_kafka_flush(client_->get(), kFinishMs);
  rd_kafka_purge(client_->get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush(client_->get(), kFinishMs);
  polling_.request_stop();
  if (polling_.joinable()) polling_.join();
}

void Producer::send(unsigned partition, std::string_view records, std::size_t count, Done done) {
  auto messages = pack(records, count, message_bytes_);
  if (!messages) return done(std::unexpected(std::move(messages).error()));
  auto* sending = new Sending(*this, std::move(done));
  Result<void> sent;
  for (const auto& value : *messages) {
    {
      const std::lock_guard lock(sending->mutex);
      ++sending->left;
    }
    const auto error = produce(partition, value, *sending);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    Sending::finish_one(sending, not_kept(error));
    break;
  }
  Sending::finish_one(sending, {});
}

rd_kafka_resp_err_t Producer::produce(unsigned partition, std::string_view value,
                                      Sending& sending) {
  const int refused =
      rd_kafka_produce(topic_.get(), static_cast<int>(partition), RD_KAFKA_MSG_F_COPY,
                       const_cast<char*>(value.data()), value.size(), nullptr, 0, &sending);
  return refused == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error();
}

void Producer::delivered(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  auto* const sending = static_cast<Sending*>(message->_private);
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
    return Sending::finish_one(sending, not_kept(message->err));
  std::optional<events::Offset> end;
  if (message->offset >= 0) end = static_cast<events::Offset>(message->offset) + 1;
  sending->producer.acknowledged_(static_cast<unsigned>(message->partition), end);
  Sending::finish_one(sending, {});
}

}  // namespace valetkey::kafka
