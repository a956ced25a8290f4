// SPDX-License-Identifier: Apache-2.0
// Readers of partitions, over few consumers. A consumer fetches ahead for each partition that was started on it, so that
// only a few are started at a time: a reader that was not used for longest is stopped, and starts again at its place.
#pragma once

#include <list>
#include <optional>
#include <set>

#include "kafka/internal/client.h"
#include "kafka/internal/offsets.h"

namespace valetkey::kafka {

class Reader;

// One consumer, which reads each partition for one reader at most. Thread-safe.
class Lane {
 public:
  static Result<std::unique_ptr<Lane>> open(const LogOptions& options);
  bool take(unsigned partition);  // false: another reader has it
  void leave(Reader& reader);
  // Begins to fetch for it, if that is not so already, and keeps it from being stopped until rest().
  Result<void> use(Reader& reader);
  void rest(Reader& reader);
  void stop(Reader& reader);
  rd_kafka_topic_t* topic() const { return topic_.get(); }
  const Client& client() const { return *client_; }

 private:
  void stop_locked(Reader& reader);
  void make_room();
  std::unique_ptr<Client> client_;
  TopicHandle topic_;
  std::mutex mutex_;
  std::set<unsigned> taken_;
  std::list<Reader*> started_;  // the one that was used last comes last
};

// What readers share.
struct Reading {
  const LogOptions& options;
  Bounds& bounds;
  std::atomic<std::uint64_t>& damaged;
};

class Reader final : public events::LogReader {
 public:
  Reader(Lane& lane, Reading shared, unsigned partition, events::Offset from)
      : lane_(lane), shared_(shared), partition_(partition), at_(from) {}
  ~Reader() override { lane_.leave(*this); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  Result<events::LogPiece> next(std::string& records, events::Offset until) override;

 private:
  friend class Lane;
  using Message = Owned<rd_kafka_message_t, rd_kafka_message_destroy>;
  Result<Message> take();
  Result<Message> fetch();
  std::unexpected<Error> released() const;

  Lane& lane_;
  const Reading shared_;
  const unsigned partition_;
  events::Offset at_;
  Message held_;  // fetched and not yet given
  // The lane's, under its lock.
  bool started_ = false;
  bool used_ = false;
};

// Makes readers, and as many lanes as they need. Thread-safe; it outlives them.
class Readers {
 public:
  explicit Readers(Reading shared) : shared_(shared) {}
  Result<std::unique_ptr<events::LogReader>> open(unsigned partition, events::Offset from);

 private:
  const Reading shared_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace valetkey::kafka
