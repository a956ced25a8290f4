// SPDX-License-Identifier: Apache-2.0
// A look at the revocations after a change, with none and with a hundred thousand of them: both
// should cost the same. Beside it what a first look costs, which reads them all.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <map>

#include "base/testing/temporary_folder.h"
#include "control/change_feed.h"
#include "control/sqlite_store.h"
#include "sqlite/database.h"

namespace valetkey::control {
namespace {

// A store with so many revoked tokens that goes with the program.
class Filled {
 public:
  explicit Filled(std::int64_t revoked) {
    store_ = std::move(*open_sqlite_store(folder_.path() / "control.db"));
    const auto database = std::move(
        *sqlite::Database::open(folder_.path() / "control.db", sqlite::Database::Mode::read_write));
    const std::string now = std::to_string(epoch_ms(clock_.now()));
    const auto filled = database->execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
        std::to_string(revoked) +
        ") INSERT INTO revocations SELECT 'tok_' || hex(randomblob(8)), 9223372036854775807, " +
        now + ", 1 FROM n WHERE " + std::to_string(revoked) + " > 0");
    if (!filled || !store_->create_account(account_, "", clock_.now())) std::abort();
  }
  static Filled& of(std::int64_t revoked) {
    static std::map<std::int64_t, Filled> all;
    return all.try_emplace(revoked, revoked).first->second;
  }
  ControlStore& store() { return *store_; }
  const Clock& clock() const { return clock_; }
  void change() {
    suspended_ = !suspended_;
    const auto state = suspended_ ? AccountState::suspended : AccountState::active;
    if (!store_->set_account_state(account_, state, clock_.now())) std::abort();
  }

 private:
  TemporaryFolder folder_{std::filesystem::temp_directory_path()};
  std::unique_ptr<ControlStore> store_;
  SystemClock clock_;
  const AccountId account_ = *AccountId::parse("1");
  bool suspended_ = false;
};

void look_after_a_change(benchmark::State& state) {
  Filled& filled = Filled::of(state.range(0));
  ChangeFeed feed(filled.store(), filled.clock(), std::chrono::hours(12), std::chrono::hours(1));
  if (!feed.start()) std::abort();
  while (state.KeepRunning()) {
    state.PauseTiming();
    filled.change();
    state.ResumeTiming();
    feed.poll();
  }
}
BENCHMARK(look_after_a_change)->Arg(0)->Arg(100'000)->Unit(benchmark::kMicrosecond);

void first_look(benchmark::State& state) {
  Filled& filled = Filled::of(state.range(0));
  while (state.KeepRunning()) {
    ChangeFeed feed(filled.store(), filled.clock(), std::chrono::hours(12), std::chrono::hours(1));
    feed.poll();
  }
}
BENCHMARK(first_look)->Arg(0)->Arg(100'000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace valetkey::control
