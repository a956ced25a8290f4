// SPDX-License-Identifier: Apache-2.0
// The suites of the control store, on each form. PostgreSQL's where one runs: VALETKEY_POSTGRES.
#include "control/testing/conformance.h"

#include "base/testing/temporary_folder.h"
#include "control/postgres_store.h"
#include "control/sqlite_store.h"
#include "control/testing/console_conformance.h"
#include "control/testing/revocation_conformance.h"
#include "control/testing/token_conformance.h"
#include "control/testing/usage_conformance.h"
#include "postgres/testing/test_server.h"

namespace valetkey::control {
namespace {

OpenedStore open_in_folder() {
  auto folder = std::make_shared<TemporaryFolder>();
  auto store = open_sqlite_store(folder->path() / "control.db").value();
  return {std::move(folder), std::move(store)};
}
INSTANTIATE_TEST_SUITE_P(Sqlite, ControlStoreConformance,
                         testing::Values(StoreOpener(open_in_folder)));
INSTANTIATE_TEST_SUITE_P(Sqlite, ConsoleConformance, testing::Values(StoreOpener(open_in_folder)));

OpenedStore open_in_schema() {
  auto schema = std::make_shared<postgres::TestSchema>();
  auto store = open_postgres_store(std::make_shared<postgres::Server>(schema->settings())).value();
  return {std::move(schema), std::move(store)};
}
std::vector<StoreOpener> where_one_runs() {
  if (postgres::test_url() == nullptr) return {};
  return {StoreOpener(open_in_schema)};
}
INSTANTIATE_TEST_SUITE_P(Postgres, ControlStoreConformance, testing::ValuesIn(where_one_runs()));
INSTANTIATE_TEST_SUITE_P(Postgres, ConsoleConformance, testing::ValuesIn(where_one_runs()));

}  // namespace
}  // namespace valetkey::control
