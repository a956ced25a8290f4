// SPDX-License-Identifier: Apache-2.0
// The audit logs of all nodes in one PostgreSQL. Each node writes its own log to its disk first, as ever, and copies it
// from there, in order, each record once: however long the database is away, nothing waits in memory and nothing is
// left out.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "control/audit.h"
#include "postgres/database.h"

namespace valetkey::control {

class AuditCopier {
 public:
  // `node`: whose log it is. The server outlives it by the pointer.
  AuditCopier(std::filesystem::path folder, std::string node,
              std::shared_ptr<postgres::Server> server);
  ~AuditCopier();
  void start();  // copies once a second
  void stop();   // copies what there is once more

  // Up to a mebibyte of what is not copied yet, in one transaction with how far that is. True: there may be more.
  Result<bool> copy_some();

 private:
  void run();
  void copy_all();
  const std::filesystem::path folder_;
  const std::string node_;
  const std::shared_ptr<postgres::Server> server_;
  std::unique_ptr<postgres::Database> connection_;
  bool failing_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

// What the nodes have copied until now, oldest first, a page at a time. Calls `each` as read_audit() does.
Result<void> read_shared_audit(postgres::Server& server, const AuditFilter& filter,
                               const std::function<void(const AuditEvent&)>& each);
// How many records of all nodes were torn or altered, and so not copied. After a copy_some().
Result<std::uint64_t> read_shared_damage(postgres::Server& server);

}  // namespace valetkey::control
