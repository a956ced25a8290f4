// SPDX-License-Identifier: Apache-2.0
// librdkafka behind handles that end by themselves, and its errors in our words. What it logs goes into our log.
// Thread-safe, as librdkafka is.
#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "kafka/kafka_log.h"

namespace valetkey::kafka {

template <class T, void (*End)(T*)>
struct Ender {
  void operator()(T* it) const { End(it); }
};
template <class T, void (*End)(T*)>
using Owned = std::unique_ptr<T, Ender<T, End>>;

using TopicHandle = Owned<rd_kafka_topic_t, rd_kafka_topic_destroy>;
using Places = Owned<rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy>;
using Queue = Owned<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using Event = Owned<rd_kafka_event_t, rd_kafka_event_destroy>;

using Settings = std::vector<std::pair<const char*, std::string>>;
using Delivered = void (*)(rd_kafka_t*, const rd_kafka_message_t*, void*);

// For how long a question to the brokers may take.
inline constexpr int kAnswerMs = 5000;

class Client {
 public:
  // `delivered`: of a producer; it is called within rd_kafka_poll().
  static Result<std::unique_ptr<Client>> make(rd_kafka_type_t type, const Connection& connection,
                                              const Settings& settings,
                                              Delivered delivered = nullptr);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  rd_kafka_t* get() const { return client_; }
  // The client cannot go on, and must be made anew.
  bool is_broken() const { return broken_; }
  TopicHandle topic(const std::string& name) const;
  // Sends an admin request with `ask(queue)` and waits for its answer.
  template <class Ask>
  Result<Event> ask(std::string_view what, Ask&& ask) const {
    const Queue queue(rd_kafka_queue_new(client_));
    std::forward<Ask>(ask)(queue.get());
    return answer(what, queue.get());
  }
  // What librdkafka says, with the last thing that kept it from reaching a broker.
  std::unexpected<Error> failed(std::string_view what, rd_kafka_resp_err_t error) const;

 private:
  Client() = default;
  static void log(const rd_kafka_t* client, int level, const char* facility, const char* text);
  static void note_error(rd_kafka_t* client, int error, const char* reason, void* self);
  Result<Event> answer(std::string_view what, rd_kafka_queue_t* queue) const;

  rd_kafka_t* client_ = nullptr;
  Connection connection_;
  std::atomic<bool> broken_ = false;
  mutable std::mutex mutex_;
  std::string last_failure_;  // to connect or to sign in
};

}  // namespace valetkey::kafka
