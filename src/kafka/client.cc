// SPDX-License-Identifier: Apache-2.0
#include "kafka/internal/client.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstring>
#include <tuple>

#include "base/log.h"

namespace valetkey::kafka {
namespace {

ErrorCode code_of(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      return ErrorCode::denied;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
      return ErrorCode::not_found;
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
      return ErrorCode::already_exists;
    default:
      return ErrorCode::unavailable;
  }
}

Settings settings_of(const Connection& connection) {
  Settings out{{"bootstrap.servers", fmt::format("{}", fmt::join(connection.brokers, ","))},
               {"client.id", "valetkey"},
               {"socket.nagle.disable", "true"},
               {"socket.keepalive.enable", "true"},
               {"socket.connection.setup.timeout.ms", "5000"},
               {"reconnect.backoff.ms", "50"},
               {"reconnect.backoff.max.ms", "1000"},
               {"topic.metadata.refresh.interval.ms", "10000"},
               {"log.connection.close", "false"}};
  const bool signs_in = !connection.username.empty();
  if (connection.tls || signs_in)
    out.emplace_back("security.protocol",
                     connection.tls ? (signs_in ? "sasl_ssl" : "ssl") : "sasl_plaintext");
  if (!connection.ca_file.empty()) out.emplace_back("ssl.ca.location", connection.ca_file);
  if (signs_in) {
    out.emplace_back("sasl.mechanisms", connection.mechanism);
    out.emplace_back("sasl.username", connection.username);
    out.emplace_back("sasl.password", connection.password.reveal());
  }
  return out;
}

// librdkafka sent one nonce twice in SCRAM's last message until 2.6.1, and brokers look at it since 3.8.1.
constexpr int kSignsInWithScram = 0x020601ff;

std::string scram_remedy(const Connection& connection, std::string_view failure) {
  if (!connection.mechanism.starts_with("SCRAM") || rd_kafka_version() >= kSignsInWithScram ||
      !failure.contains("SASL authentication error"))
    return "";
  return fmt::format(
      "; if the password is right: brokers since Kafka 3.8.1 refuse SCRAM of the installed "
      "librdkafka {}, "
      "so set [events] mechanism = \"PLAIN\"",
      rd_kafka_version_str());
}

// librdkafka answers that nobody could be reached, and tells what happened in its log alone.
bool is_denied(std::string_view failure) {
  return failure.contains("SASL authentication error") ||
         failure.contains("certificate verify failed");
}

}  // namespace

Result<std::unique_ptr<Client>> Client::make(rd_kafka_type_t type, const Connection& connection,
                                             const Settings& settings, Delivered delivered) {
  std::unique_ptr<Client> out(new Client);
  out->connection_ = connection;
  Owned<rd_kafka_conf_t, rd_kafka_conf_destroy> conf(rd_kafka_conf_new());
  std::array<char, 512> why{};
  auto all = settings_of(connection);
  all.insert(all.end(), settings.begin(), settings.end());
  for (auto& [name, value] : all) {
    const auto set = rd_kafka_conf_set(conf.get(), name, value.c_str(), why.data(), why.size());
    if (std::strcmp(name, "sasl.password") == 0) wipe(value);
    if (set != RD_KAFKA_CONF_OK)
      return fail(ErrorCode::invalid, fmt::format("Kafka's client refuses {}", name));
  }
  rd_kafka_conf_set_opaque(conf.get(), out.get());
  rd_kafka_conf_set_log_cb(conf.get(), &Client::log);
  // Of a producer alone: somebody must poll for it.
  if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_error_cb(conf.get(), &Client::note_error);
  if (delivered != nullptr) rd_kafka_conf_set_dr_msg_cb(conf.get(), delivered);
  out->client_ = rd_kafka_new(type, conf.get(), why.data(), why.size());
  if (out->client_ == nullptr)
    return fail(ErrorCode::invalid, fmt::format("Kafka's client cannot start: {}", why.data()));
  std::ignore = conf.release();  // the client has it now
  return out;
}

Client::~Client() {
  if (client_ != nullptr) rd_kafka_destroy(client_);
}

TopicHandle Client::topic(const std::string& name) const {
  return TopicHandle(rd_kafka_topic_new(client_, name.c_str(), nullptr));
}

void Client::log(const rd_kafka_t* client, int level, const char* facility, const char* text) {
  auto* self = static_cast<Client*>(rd_kafka_opaque(client));
  if (level > 4)
    return log::write(log::Level::debug, "kafka", "the client says",
                      {{"of", facility}, {"what", text}});
  if (self != nullptr) {
    const std::lock_guard lock(self->mutex_);
    // "[thrd:…]: host:port/…: what happened"
    const std::string_view all(text);
    const auto thread = all.find("]: ");
    self->last_failure_ = all.substr(thread == std::string_view::npos ? 0 : thread + 3, 300);
  }
  log::write(log::Level::debug, "kafka", "the client complains",
             {{"of", facility}, {"what", text}});
}

void Client::note_error(rd_kafka_t* client, int error, const char* reason, void* self) {
  if (error != RD_KAFKA_RESP_ERR__FATAL) return;
  std::array<char, 512> why{};
  rd_kafka_fatal_error(client, why.data(), why.size());
  log::error("kafka", "the producer cannot go on and is made anew",
             {{"why", why[0] == '\0' ? reason : why.data()}});
  static_cast<Client*>(self)->broken_ = true;
}

Result<Event> Client::answer(std::string_view what, rd_kafka_queue_t* queue) const {
  Event event(rd_kafka_queue_poll(queue, 2 * kAnswerMs));
  if (!event) return failed(what, RD_KAFKA_RESP_ERR__TIMED_OUT);
  if (const auto error = rd_kafka_event_error(event.get())) return failed(what, error);
  return event;
}

std::unexpected<Error> Client::failed(std::string_view what, rd_kafka_resp_err_t error) const {
  auto code = code_of(error);
  std::string last;
  if (code == ErrorCode::unavailable || code == ErrorCode::denied) {
    const std::lock_guard lock(mutex_);
    if (!last_failure_.empty())
      last = fmt::format(" ({}){}", last_failure_, scram_remedy(connection_, last_failure_));
    if (is_denied(last_failure_)) code = ErrorCode::denied;
  }
  return fail(
      code, fmt::format("Kafka at {} did not {}: {}{}", fmt::join(connection_.brokers, ", "), what,
                        rd_kafka_err2str(error), last));
}

}  // namespace valetkey::kafka
