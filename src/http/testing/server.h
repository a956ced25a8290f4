// SPDX-License-Identifier: Apache-2.0
// For tests: a listener on loopback with a small service behind it, and a client that sends raw
// bytes.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "base/file.h"
#include "http/body_memory.h"
#include "http/client.h"
#include "http/server.h"

namespace valetkey::http {

// Produces `text` in pieces, doing before each what the script says next.
class ScriptedSource final : public BodySource {
 public:
  ScriptedSource(std::string text, std::vector<Status> script)
      : text_(std::move(text)), script_(std::move(script)) {}
  std::uint64_t size() const override { return text_.size(); }
  Pull pull(std::span<char> out, bool may_block) override;

 private:
  std::string text_;
  std::vector<Status> script_;
  std::size_t step_ = 0, given_ = 0;
};

class TestService final : public Handler {
 public:
  std::size_t max_body_bytes(const Request&) const override { return max_body; }
  Task<Response> handle(const Request& request) override;
  Response refuse(int status, const Request&) const override {
    return Response(status).body("refused " + std::to_string(status), "text/plain");
  }

  std::size_t max_body = 100'000;
  asio::thread_pool* blocking = nullptr;
  std::atomic<int> running = 0;  // handlers in /slow
};

class TestObserver final : public Observer {
 public:
  struct Seen {
    std::string method, path;
    int status;
    std::uint64_t bytes_sent;
    bool aborted;
    std::string client;
    Note note;
  };
  void connections(std::string_view, int change) override { open += change; }
  void finished(const Finished& f) override;
  // The n-th (from 0) finished request; waits at most 2 s for it.
  Seen wait_for(std::size_t n);

  std::atomic<int> open = 0;

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<Seen> seen_;
};

struct TestServer {
  explicit TestServer(Limits limits = {}, std::shared_ptr<TlsContext> tls = nullptr,
                      std::vector<std::string> proxies = {}, BodyLimits bodies = {});
  std::uint16_t port() const { return listener->port(); }

  Runtime runtime{2, 2};
  TestService service;
  TestObserver observer;
  SystemClock clock;
  std::shared_ptr<BodyMemory> bodies;  // with the listener
  std::unique_ptr<Listener> listener;
};

// A blocking socket that gives up after 3 s.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port);
  RawClient& send(std::string_view bytes);
  RawClient& shut();       // ends our side
  std::string read_all();  // until the server ends its side; "[reset]" at the end if so
  std::string read_some(std::size_t bytes);  // exactly so many, or what came before the end
  // One answer with its Content-Length body.
  std::string read_answer(bool bodiless = false);
  int fd() const { return socket_.get(); }

 private:
  FileDescriptor socket_;
  std::string ahead_;
};

// A request without its body.
inline std::string get(std::string_view path, std::string_view lines = "",
                       std::string_view method = "GET") {
  return std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n" +
         std::string(lines) + "\r\n";
}
inline std::string ask(std::uint16_t port, std::string_view bytes) {
  return RawClient(port).send(bytes).shut().read_all();
}
inline int status_of(std::string_view answer) {
  return !answer.starts_with("HTTP/") || answer.size() < 12
             ? 0
             : std::stoi(std::string(answer.substr(9, 3)));
}
inline std::string body_of(std::string_view answer) {
  const auto end = answer.find("\r\n\r\n");
  return end == std::string_view::npos ? "" : std::string(answer.substr(end + 4));
}

// Answers the n-th connection with the n-th text, whatever was asked, and closes it. An empty text
// resets.
class CannedServer {
 public:
  explicit CannedServer(std::vector<std::string> answers);
  ~CannedServer();
  std::string url(std::string_view target = "/") const;
  std::vector<std::string> heads();  // as received, after the last connection

 private:
  void serve(std::vector<std::string> answers);

  FileDescriptor socket_;
  std::uint16_t port_ = 0;
  std::vector<std::string> heads_;
  std::thread thread_;
};

// A Client and its loop, for synchronous use.
class TestClient {
 public:
  explicit TestClient(ClientOptions options = {}) : client_(loop_, std::move(options)) {}
  Result<ClientResponse> send(ClientRequest request, std::size_t max_body_bytes = 16 << 20);
  Result<ClientResponse> send(ClientRequest request,
                              std::function<Result<void>(std::string_view)> sink);
  Result<ClientResponse> get(std::string_view url);

 private:
  Result<ClientResponse> run(Task<Result<ClientResponse>> task);

  asio::io_context loop_{1};
  Client client_;
};

// Tests at most every millisecond, for 2 s.
bool eventually(const std::function<bool()>& condition);

}  // namespace valetkey::http
