// SPDX-License-Identifier: Apache-2.0
// The suites of the control store, on each form. PostgreSQL's where one runs: VALETKEY_POSTGRES.
#include "control/testing/conformance.h"

#include "base/testing/temporary_folder.h"
#include "control/postgres_store.h"
#include "control/sqlite_store.h"
#include "control/testing/console_conformance.h"
#include "control/testing/faulty_control_store.h"
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

// Passes every call on, so it must conform like what it wraps.
OpenedStore open_faulty() {
  auto inner = std::make_shared<OpenedStore>(open_in_folder());
  auto store = std::make_unique<FaultyControlStore>(*inner->store);
  return {std::move(inner), std::move(store)};
}
INSTANTIATE_TEST_SUITE_P(Faulty, ControlStoreConformance,
                         testing::Values(StoreOpener(open_faulty)));
INSTANTIATE_TEST_SUITE_P(Faulty, ConsoleConformance, testing::Values(StoreOpener(open_faulty)));

TEST(FaultyControlStore, FailsTheCallThatItIsToldToOrAllFromItOn) {
  const OpenedStore inner = open_in_folder();
  FaultyControlStore store(*inner.store);
  const AccountId account = AccountId::parse("12").value();
  store.fail_call(2, {ErrorCode::full, "made to fail"});
  EXPECT_TRUE(store.change_counter());
  EXPECT_EQ(store.create_account(account, "Acme", Timestamp{}).error().code, ErrorCode::full);
  EXPECT_EQ(inner.store->account(account).error().code, ErrorCode::not_found) << "it was not made";
  EXPECT_TRUE(store.create_account(account, "Acme", Timestamp{}));
  store.fail_call(1, {ErrorCode::io, "made to fail"}, true);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(store.account(account).error().code, ErrorCode::io);
  store.heal();
  EXPECT_TRUE(store.account(account));
}

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
