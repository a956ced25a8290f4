// SPDX-License-Identifier: Apache-2.0
#include "kafka/internal/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "kafka/internal/message.h"

namespace valetkey::kafka {
namespace {

using events::LogPiece;
using events::Offset;

// Of a lane, at a time: what each has fetched ahead lies in memory.
constexpr std::size_t kStarted = 2;
// A consumer whose queue is full looks again after a second (librdkafka 2.0), so that this is what it reads a second at
// least.
constexpr const char* kAheadKib = "32768";
constexpr std::chrono::seconds kLongest{10};
constexpr int kLookMs = 1000;

}  // namespace

Result<std::unique_ptr<Lane>> Lane::open(const LogOptions& options) {
  auto out = std::make_unique<Lane>();
  const Settings settings{
      {"enable.auto.commit", "false"},    {"enable.auto.offset.store", "false"},
      {"auto.offset.reset", "error"},     {"check.crcs", "true"},
      {"fetch.wait.max.ms", "100"},       {"fetch.error.backoff.ms", "100"},
      {"queued.min.messages", "1000000"}, {"queued.max.messages.kbytes", kAheadKib}};
  VALETKEY_TRY(out->client_, Client::make(RD_KAFKA_CONSUMER, options.connection, settings));
  out->topic_ = out->client_->topic(options.topic);
  return out;
}

bool Lane::take(unsigned partition) {
  const std::lock_guard lock(mutex_);
  return taken_.insert(partition).second;
}

void Lane::leave(Reader& reader) {
  const std::lock_guard lock(mutex_);
  stop_locked(reader);
  taken_.erase(reader.partition_);
}

void Lane::stop(Reader& reader) {
  const std::lock_guard lock(mutex_);
  stop_locked(reader);
}

void Lane::stop_locked(Reader& reader) {
  if (!std::exchange(reader.started_, false)) return;
  started_.remove(&reader);
  rd_kafka_consume_stop(topic_.get(), static_cast<int>(reader.partition_));
}

Result<void> Lane::use(Reader& reader) {
  const std::lock_guard lock(mutex_);
  if (reader.started_) {
    started_.remove(&reader);
  } else {
    make_room();
    if (rd_kafka_consume_start(topic_.get(), static_cast<int>(reader.partition_),
                               static_cast<std::int64_t>(reader.at_)) != 0)
      return client_->failed("give events", rd_kafka_last_error());
    reader.started_ = true;
  }
  started_.push_back(&reader);
  reader.used_ = true;
  return {};
}

void Lane::rest(Reader& reader) {
  const std::lock_guard lock(mutex_);
  reader.used_ = false;
}

void Lane::make_room() {
  if (started_.size() < kStarted) return;
  const auto idle = std::ranges::find_if(started_, [](const Reader* each) { return !each->used_; });
  if (idle != started_.end()) stop_locked(**idle);
}

Result<LogPiece> Reader::next(std::string& records, Offset until) {
  while (at_ < until && at_ < shared_.bounds.end(partition_)) {
    if (at_ < shared_.bounds.begin(partition_)) return released();
    VALETKEY_TRY(auto message, take());
    const auto first = static_cast<Offset>(message->offset);
    if (first >= until) {
      held_ = std::move(message);
      break;
    }
    at_ = first + 1;
    const auto events = unpack({static_cast<const char*>(message->payload), message->len});
    if (events) {
      records += events->records;
      return LogPiece{first, at_, events->count};
    }
    ++shared_.damaged;
    log::error("kafka", "a message holds no events and is passed over",
               {{"topic", shared_.options.topic},
                {"partition", partition_},
                {"offset", first},
                {"why", events.error().detail}});
  }
  return LogPiece{at_, at_, 0};
}

Result<Reader::Message> Reader::take() {
  if (held_ && static_cast<Offset>(held_->offset) >= at_) return std::move(held_);
  VALETKEY_CHECK(lane_.use(*this));
  auto message = fetch();
  lane_.rest(*this);
  if (!message) lane_.stop(*this);
  return message;
}

Result<Reader::Message> Reader::fetch() {
  const auto until = std::chrono::steady_clock::now() + kLongest;
  while (std::chrono::steady_clock::now() < until) {
    Message message(rd_kafka_consume(lane_.topic(), static_cast<int>(partition_), kLookMs));
    if (!message) continue;
    if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
        message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
      return released();
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR &&
        message->err != RD_KAFKA_RESP_ERR__TRANSPORT &&
        message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
      return lane_.client().failed("give events", message->err);
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && static_cast<Offset>(message->offset) >= at_)
      return message;
  }
  return lane_.client().failed(
      fmt::format("give events of partition {} of {}", partition_, shared_.options.topic),
      RD_KAFKA_RESP_ERR__TIMED_OUT);
}

std::unexpected<Error> Reader::released() const {
  return fail(
      ErrorCode::not_found,
      fmt::format("partition {} of the topic {} holds no events before {} any more, and "
                  "those from {} on were asked for",
                  partition_, shared_.options.topic, shared_.bounds.begin(partition_), at_));
}

Result<std::unique_ptr<events::LogReader>> Readers::open(unsigned partition, Offset from) {
  const std::lock_guard lock(mutex_);
  for (const auto& lane : lanes_)
    if (lane->take(partition)) return std::make_unique<Reader>(*lane, shared_, partition, from);
  VALETKEY_TRY(auto lane, Lane::open(shared_.options));
  lane->take(partition);
  lanes_.push_back(std::move(lane));
  return std::make_unique<Reader>(*lanes_.back(), shared_, partition, from);
}

}  // namespace valetkey::kafka
