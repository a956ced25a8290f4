// SPDX-License-Identifier: Apache-2.0
// For tests: a control store in a file, and the file itself.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string_view>

#include "base/testing/temporary_folder.h"
#include "control/sqlite_store.h"
#include "sqlite/database.h"

namespace valetkey::control {

class SqliteFile : public testing::Test {
 protected:
  static AccountId account_id(std::string_view text) { return *AccountId::parse(text); }
  std::unique_ptr<ControlStore> open() { return open_sqlite_store(file_).value(); }
  std::unique_ptr<sqlite::Database> connect() {
    return sqlite::Database::open(file_, sqlite::Database::Mode::read_write).value();
  }
  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "control.db";
  Timestamp now_ = from_epoch_ms(1'700'000'000'000);
};

}  // namespace valetkey::control
