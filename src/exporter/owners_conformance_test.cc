// SPDX-License-Identifier: Apache-2.0
// What all owners must do, on each form: in PostgreSQL, in memory, and the faulty one, which passes calls on.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>

#include "exporter/postgres_owners.h"
#include "exporter/testing/faulty_owners.h"
#include "exporter/testing/memory_owners.h"
#include "exporter/testing/owners_conformance.h"
#include "postgres/testing/test_server.h"

namespace valetkey::exporter {
namespace {

// A test cannot move the database's clock: what is to be older is written so.
class InPostgres final : public OwnersUnderTest {
 public:
  InPostgres() {
    for (auto& each : owners_) each = open_postgres_owners(server_).value();
  }
  Owners& owners(std::size_t node) override { return *owners_.at(node); }
  void age(const std::string& node, milliseconds time) override {
    const auto aged = server_->connect().value()->execute(
        fmt::format("UPDATE export_owner SET until = until - {0} WHERE node = '{1}';"
                    "UPDATE export_node SET seen = seen - {0} WHERE id = '{1}'",
                    time.count(), node));
    EXPECT_TRUE(aged) << aged.error().detail;
  }

 private:
  postgres::TestSchema schema_;
  std::shared_ptr<postgres::Server> server_ =
      std::make_shared<postgres::Server>(schema_.settings());
  std::array<std::unique_ptr<Owners>, kNodes> owners_;
};
class InMemory final : public OwnersUnderTest {
 public:
  Owners& owners(std::size_t) override { return owners_; }
  void age(const std::string& node, milliseconds time) override { owners_.age(node, time); }

 private:
  SystemClock clock_;
  MemoryOwners owners_{clock_};
};
class Faulty final : public OwnersUnderTest {
 public:
  Owners& owners(std::size_t) override { return faulty_; }
  void age(const std::string& node, milliseconds time) override { owners_.age(node, time); }

 private:
  SystemClock clock_;
  MemoryOwners owners_{clock_};
  FaultyCalls calls_;
  FaultyOwners faulty_{owners_, calls_};
};
template <class T>
std::unique_ptr<OwnersUnderTest> make() {
  return std::make_unique<T>();
}
std::unique_ptr<OwnersUnderTest> make_where_one_runs() {
  return postgres::test_url() == nullptr ? nullptr : make<InPostgres>();
}

INSTANTIATE_TEST_SUITE_P(Forms, OwnersConformance,
                         testing::Values(&make_where_one_runs, &make<InMemory>, &make<Faulty>),
                         [](const auto& form) {
                           if (form.param == &make_where_one_runs) return "Postgres";
                           return form.param == &make<InMemory> ? "Memory" : "Faulty";
                         });

}  // namespace
}  // namespace valetkey::exporter
