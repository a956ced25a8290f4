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

  Client& client() { return client_; }

  // Nothing: not done in time, and the line is of no use any more.
  template <class Value>
  std::optional<Result<Value>> run(Task<Result<Value>> task, milliseconds limit) {
    std::optional<Result<Value>> answer;
    const auto keep = [&answer](const std::exception_ptr& thrown, Result<Value> result) {
      answer = thrown ? fail(ErrorCode::internal, "a request ended with an exception")
                      : std::move(result);
    };
    loop_.restart();
    asio::co_spawn(loop_, std::move(task), keep);
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!answer && loop_.run_one_until(until) > 0) continue;
    return answer;
  }

 private:
  asio::io_context loop_{1};
  Client client_;
};

class Lines {
 public:
  explicit Lines(const ClientOptions& options) : options_(options) {}
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

 private:
  static constexpr std::size_t kMostIdle = 32;
  const ClientOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Line>> idle_;
};

std::unexpected<Error> too_late(const std::string& server) {
  return fail(ErrorCode::unavailable, server + ": no whole answer in time");
}

class LineDownload final : public Download {
 public:
  LineDownload(Lines& lines, std::unique_ptr<Line> line, std::unique_ptr<Incoming> incoming,
               std::string server, milliseconds limit)
      : lines_(lines),
        line_(std::move(line)),
        incoming_(std::move(incoming)),
        response_(incoming_->response()),
        announced_(incoming_->announced()),
        server_(std::move(server)),
        limit_(limit) {}
  ~LineDownload() override {
    incoming_.reset();
    if (line_) lines_.give_back(std::move(line_));
  }
  LineDownload(const LineDownload&) = delete;
  LineDownload& operator=(const LineDownload&) = delete;

  const ClientResponse& response() const override { return response_; }
  std::uint64_t announced() const override { return announced_; }
  Result<std::size_t> read(std::span<char> out) override {
    if (!line_) return too_late(server_);
    auto got = line_->run(incoming_->read(out), limit_);
    if (got) return *std::move(got);
    incoming_.reset();
    line_.reset();  // and with it what still waits for bytes
    return too_late(server_);
  }
  std::size_t read_now(std::span<char> out) override {
    return line_ ? incoming_->read_now(out) : 0;
  }

 private:
  Lines& lines_;
  std::unique_ptr<Line> line_;
  std::unique_ptr<Incoming> incoming_;
  const ClientResponse response_;
  const std::uint64_t announced_;
  const std::string server_;
  const milliseconds limit_;
};

class PooledFetcher final : public Fetcher {
 public:
  PooledFetcher(FetchLimits limits, std::string ca_file)
      : limits_(limits),
        lines_({.ca_file = std::move(ca_file),
                .connect_timeout = limits.connect,
                .io_timeout = limits.silence,
                .max_idle = 1}) {}

  Result<ClientResponse> fetch(ClientRequest request) override {
    const std::string server = request.url.scheme + "://" + request.url.authority();
    std::unique_ptr<Line> line = lines_.take();
    auto answer =
        line->run(line->client().send(std::move(request), limits_.body_bytes), limits_.whole);
    if (!answer) return too_late(server);
    lines_.give_back(std::move(line));
    return *std::move(answer);
  }

  Result<std::unique_ptr<Download>> open(ClientRequest request) override {
    std::string server = request.url.scheme + "://" + request.url.authority();
    std::unique_ptr<Line> line = lines_.take();
    auto incoming = line->run(line->client().open(std::move(request)), limits_.whole);
    if (!incoming) return too_late(server);
    if (!*incoming) {
      lines_.give_back(std::move(line));
      return std::unexpected(incoming->error());
    }
    return std::make_unique<LineDownload>(lines_, std::move(line), **std::move(incoming),
                                          std::move(server), limits_.whole);
  }

 private:
  const FetchLimits limits_;
  Lines lines_;
};

}  // namespace

std::unique_ptr<Fetcher> make_fetcher(FetchLimits limits, std::string ca_file) {
  return std::make_unique<PooledFetcher>(limits, std::move(ca_file));
}

}  // namespace valetkey::http
