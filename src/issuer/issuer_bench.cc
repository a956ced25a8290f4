// SPDX-License-Identifier: Apache-2.0
// How often STS is asked by clients that renew as SDKs do: an hour of a hundred tokens with ten clients
// each. The time is simulated, so what counts is the counter, not the duration.
#include <benchmark/benchmark.h>

#include <queue>
#include <random>

#include "issuer/testing/bench.h"

namespace valetkey::issuer {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

struct Client {
  Timestamp asks;
  int token;
  bool operator>(const Client& other) const { return asks > other.asks; }
};

// They begin within ten minutes, and renew five minutes before the end, less up to a fifth of that.
double calls_per_1000_exchanges() {
  testing::Bench bench;
  std::mt19937 random(1);
  const auto up_to = [&random](milliseconds most) {
    return milliseconds(std::uniform_int_distribution<std::int64_t>(0, most.count())(random));
  };
  const Timestamp start = bench.now();
  std::priority_queue<Client, std::vector<Client>, std::greater<>> clients;
  for (int token = 0; token < 100; ++token)
    for (int i = 0; i < 10; ++i) clients.push({start + up_to(minutes(10)), token});
  std::uint64_t exchanges = 0;
  while (clients.top().asks < start + hours(2)) {
    Client next = clients.top();
    clients.pop();
    const std::string id = "tok_0000000000000" + std::to_string(100 + next.token);
    const auto got = bench.ask(testing::Bench::grant(id), hours(1), next.asks).value();
    ++exchanges;
    next.asks = got.expires - minutes(5) - up_to(minutes(1));
    clients.push(next);
  }
  return 1000.0 * static_cast<double>(bench.engine().calls) / static_cast<double>(exchanges);
}

void AnHourOfClients(benchmark::State& state) {
  double calls = 0;
  for (auto _ : state) calls = calls_per_1000_exchanges();
  state.counters["calls_per_1000_exchanges"] = calls;
}
BENCHMARK(AnHourOfClients)->Iterations(1);

}  // namespace
}  // namespace valetkey::issuer
