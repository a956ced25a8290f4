// SPDX-License-Identifier: Apache-2.0
// Events to the brokers: idempotent, and acknowledged by all replicas in sync. A thread of its own calls back.
// Thread-safe.
#pragma once

#include <optional>
#include <thread>

#include "kafka/internal/client.h"

namespace valetkey::kafka {

class Producer {
 public:
  using Done = events::EventLog::Done;
  // Called for each message that is durable: where its partition ends at least. Nothing: the broker had it from an earlier
  // attempt, and does not say where.
  using Acknowledged = std::function<void(unsigned partition, std::optional<events::Offset> end)>;

  static Result<std::unique_ptr<Producer>> open(const LogOptions& options,
                                                std::size_t message_bytes,
                                                Acknowledged acknowledged);
  // Waits a few seconds for what is under way, then gives it up.
  ~Producer();

  // Never blocks. `done` as EventLog says.
  void send(unsigned partition, std::string_view records, std::size_t count, Done done);
  bool is_broken() const { return client_->is_broken(); }
  const Client& client() const { return *client_; }

 private:
  struct Sending;  // of one append, until its last message is acknowledged or given up
  Producer() = default;
  static void delivered(rd_kafka_t* client, const rd_kafka_message_t* message, void* self);
  rd_kafka_resp_err_t produce(unsigned partition, std::string_view value, Sending& sending);

  std::size_t message_bytes_ = 0;
  Acknowledged acknowledged_;
  std::unique_ptr<Client> client_;
  TopicHandle topic_;
  std::jthread polling_;
};

}  // namespace valetkey::kafka
