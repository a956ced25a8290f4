// SPDX-License-Identifier: Apache-2.0
// The control store over a relational database, whichever it is.
#pragma once

#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include "control/control_store.h"
#include "sql/pool.h"

namespace valetkey::control {

struct SqlStoreOptions {
  sql::Pool<sql::Database>::Connect connect;  // to a database that has the tables
  std::size_t connections = std::numeric_limits<std::size_t>::max();
  std::chrono::milliseconds lock_wait{10'000};  // of a writer, for others
  std::string
      lock{};  // the first statement of every change: no other goes on before this one is done
  // Of a database whose place another one may take, which may know less: grows when one has. Empty: there is none.
  std::function<std::int64_t()> timeline{};
};
std::unique_ptr<ControlStore> make_sql_store(SqlStoreOptions options);

}  // namespace valetkey::control
