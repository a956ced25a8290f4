// SPDX-License-Identifier: Apache-2.0
#include "control/postgres_store.h"

#include "control/internal/sql_schema.h"
#include "control/internal/sql_store.h"

namespace valetkey::control {

Result<std::unique_ptr<ControlStore>> open_postgres_store(
    std::shared_ptr<postgres::Server> server) {
  constexpr std::size_t kConnections = 16;  // of a node
  VALETKEY_CHECK(migrate(*server));
  return make_sql_store({.connect = [server] { return server->connect(); },
                         .connections = kConnections,
                         .lock = "SELECT counter FROM changes WHERE id = 1 FOR UPDATE",
                         .timeline = [server] { return server->timeline(); }});
}

}  // namespace valetkey::control
