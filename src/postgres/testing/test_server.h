// SPDX-License-Identifier: Apache-2.0
// The PostgreSQL of a test: VALETKEY_POSTGRES is its connection string, with a passfile. tests/engines/postgres.py
// starts one; without one, tests that need it are skipped.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>

#include "postgres/database.h"

namespace valetkey::postgres {

inline const char* test_url() { return std::getenv("VALETKEY_POSTGRES"); }

#define VALETKEY_NEEDS_POSTGRES()                                                      \
  if (postgres::test_url() == nullptr)                                                 \
  GTEST_SKIP() << "no PostgreSQL: start one with tests/engines/postgres.py up FOLDER " \
                  "and name it in VALETKEY_POSTGRES"

// A schema of its own, which goes with it.
class TestSchema {
 public:
  TestSchema() {
    static std::atomic<int> made{0};
    settings_.url = test_url() == nullptr ? "" : test_url();
    settings_.schema = "test_" + std::to_string(::getpid()) + "_" + std::to_string(++made);
  }
  ~TestSchema() {
    if (auto database = Server(settings_).connect())
      static_cast<void>(
          (*database)->execute("DROP SCHEMA IF EXISTS " + settings_.schema + " CASCADE"));
  }
  TestSchema(const TestSchema&) = delete;
  TestSchema& operator=(const TestSchema&) = delete;
  const Settings& settings() const { return settings_; }
  Settings& settings() { return settings_; }

 private:
  Settings settings_;
};

}  // namespace valetkey::postgres
