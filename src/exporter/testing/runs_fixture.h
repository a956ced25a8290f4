// SPDX-License-Identifier: Apache-2.0
// An exporter of which a test says when batches become parts.
#pragma once

#include <random>

#include "exporter/runs.h"
#include "exporter/testing/exporter_fixture.h"

namespace valetkey::exporter {

using std::chrono::hours;
using std::chrono::minutes;

class RunsTest : public ExporterTest {
 protected:
  void use(CutAt cut) {
    options_.cut = cut;
    reopen();
  }
  // What is due by now.
  void work() {
    while (true) {
      const auto more = exporter_->run_batch();
      ASSERT_TRUE(more) << more.error().detail;
      if (!*more) return;
    }
  }
  std::size_t run_objects() { return objects(std::string(kRunsPrefix)).size(); }
  std::uint64_t waiting(const std::string& account = "12") {
    return ledger_->waiting_in_runs().value()[account].events;
  }
  std::uint64_t parts_written() {
    std::uint64_t parts = 0;
    for (const auto& [account, each] : ledger_->counts().value()) parts += each.parts;
    return parts;
  }
  // Each event of one quarter of an hour after the other, some of them twice; returns what must be in the export.
  std::vector<std::string> send_a_day(unsigned quarters) {
    std::mt19937 random(5);
    std::vector<std::string> expected;
    for (unsigned quarter = 0; quarter < quarters; ++quarter) {
      std::vector<Sent> events;
      for (int i = 0; i < 5; ++i) {
        const auto uuid = fmt::format("u{:03}-{}", quarter, i);
        const auto name = fmt::format("n{}", i % 3);
        const std::string account = i == 4 ? "123" : "12";
        events.push_back({uuid, name, account});
        if (random() % 4 == 0) events.push_back({uuid, name, account});
        expected.push_back(uuid + " " + name);
      }
      send(events);
      clock_.advance(options_.longest_wait);
      work();
    }
    return expected;
  }
};

}  // namespace valetkey::exporter
