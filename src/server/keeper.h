// SPDX-License-Identifier: Apache-2.0
// The thread that looks once a second at what changes outside the server: the keyring's file, the
// disk, the stores. Its findings are the Health that /readyz and /metrics read. Thread-safe.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/keyring.h"
#include "config/config.h"
#include "control/change_feed.h"
#include "http/tls.h"
#include "server/export_loop.h"
#include "server/health.h"
#include "storage/object_store.h"

namespace valetkey::server {

class Keeper {
 public:
  struct Watched {
    KeySource& keys;
    const control::ChangeFeed& feed;
    control::ControlStore& control;
    storage::ObjectStore& objects;
    std::shared_ptr<http::TlsContext> tls;  // shared with the listeners; null: plain HTTP
    std::filesystem::path data_dir;
    const ExportLoop* exporting;  // null: no events are taken here
  };
  Keeper(Watched watched, const config::Config& config, const Clock& clock);
  ~Keeper();
  void start();  // makes the first look before it returns
  void stop();
  void look();          // now
  void set_stopping();  // /readyz says 503 from here on
  std::shared_ptr<const Health> health() const;

 private:
  Health observe();
  void sweep();
  void tell_changes(const Health& former, const Health& now) const;
  void run();

  Watched watched_;
  std::uint64_t watermark_percent_;
  std::uint64_t min_free_bytes_;
  const Clock& clock_;
  Timestamp swept_{};
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::shared_ptr<const Health> health_;  // replaced whole; readers hold theirs
  bool stopping_ = false;                 // the thread ends
  bool leaving_ = false;                  // the server shuts down
  std::thread thread_;
};

}  // namespace valetkey::server
