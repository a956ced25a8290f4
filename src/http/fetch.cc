// SPDX-License-Identifier: Apache-2.0
#include "http/fetch.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <mutex>
#include <optional>
#include <vector>

namespace valetkey::http {
namespace {

// A client and the loop that it belongs to. One call at a time.
class Line {
 public:
  explicit Line(const ClientOptions& options) : client_(loop_, options) {}

  // Nothing: no whole answer in time, and the line is of no use any more.
  std::optional<Result<ClientResponse>> ask(ClientRequest request, const FetchLimits& limits) {
    std::optional<Result<ClientResponse>> answer;
    const auto keep = [&answer](const std::exception_ptr& thrown, Result<ClientResponse> response) {
      answer = thrown ? fail(ErrorCode::internal, "a request ended with an exception")
                      : std::move(response);
    };
    loop_.restart();
    asio::co_spawn(loop_, client_.send(std::move(request), limits.body_bytes), keep);
    const auto until = std::chrono::steady_clock::now() + limits.whole;
    while (!answer && loop_.run_one_until(until) > 0) continue;
    return answer;
  }

 private:
  asio::io_context loop_{1};
  Client client_;
};

class PooledFetcher final : public Fetcher {
 public:
  PooledFetcher(FetchLimits limits, std::string ca_file) : limits_(limits) {
    options_.ca_file = std::move(ca_file);
    options_.connect_timeout = limits.connect;
    options_.io_timeout = limits.silence;
    options_.max_idle = 1;
  }

  Result<ClientResponse> fetch(ClientRequest request) override {
    const std::string server = request.url.scheme + "://" + request.url.authority();
    std::unique_ptr<Line> line = take();
    auto answer = line->ask(std::move(request), limits_);
    if (!answer) return fail(ErrorCode::unavailable, server + ": no whole answer in time");
    give_back(std::move(line));
    return *std::move(answer);
  }

 private:
  std::unique_ptr<Line> take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<Line>(options_);
    auto line = std::move(idle_.back());
    idle_.pop_back();
    return line;
  }
  void give_back(std::unique_ptr<Line> line) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kMostIdle) idle_.push_back(std::move(line));
  }

  static constexpr std::size_t kMostIdle = 32;
  const FetchLimits limits_;
  ClientOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Line>> idle_;
};

}  // namespace

std::unique_ptr<Fetcher> make_fetcher(FetchLimits limits, std::string ca_file) {
  return std::make_unique<PooledFetcher>(limits, std::move(ca_file));
}

}  // namespace valetkey::http
