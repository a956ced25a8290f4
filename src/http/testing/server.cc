// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <boost/asio/co_spawn.hpp>
#include <cstring>
#include <thread>

#include "http/testing/server.h"

namespace valetkey::http {

BodySource::Pull ScriptedSource::pull(std::span<char> out, bool may_block) {
  if (step_ < script_.size()) {
    const Status status = script_[step_];
    if (status == Status::failed) return {};
    if (status == Status::wait) {
      ++step_;
      return {status, 0, milliseconds(20)};
    }
    if (status == Status::would_block && !may_block) return {status, 0, {}};
    ++step_;
  }
  const std::size_t n = std::min<std::size_t>({out.size(), text_.size() - given_, 50'000});
  std::memcpy(out.data(), text_.data() + given_, n);
  given_ += n;
  return {Status::ok, n, {}};
}

Task<Response> TestService::handle(const Request& request) {
  using Status = BodySource::Status;
  const std::string big(200'000, 'b');
  const std::string_view path = request.path;
  const auto stream = [&big](std::vector<Status> script) {
    return Response().stream(std::make_unique<ScriptedSource>(big, std::move(script)));
  };
  if (path == "/echo") co_return Response().body(std::string(request.body), "text/plain");
  if (path == "/unread")
    co_return Response(request.body_complete ? 200 : 413).body("seen", "text/plain");
  if (path == "/throw") throw std::runtime_error("thrown on purpose");
  if (path == "/none") co_return Response(204);
  if (path == "/unchanged") co_return Response(304).length_only(77);
  if (path == "/client") co_return Response().body(request.client.str(), "text/plain");
  if (path == "/id") co_return Response().body(std::string(request.id), "text/plain");
  if (path == "/close") co_return Response().body("bye", "text/plain").close_connection();
  if (path == "/large") co_return Response().body(std::string(3'000'000, 'L'), "text/plain");
  if (path == "/stream") co_return stream({Status::would_block, Status::wait, Status::would_block});
  if (path == "/failing") co_return stream({Status::ok, Status::ok, Status::failed});
  if (path == "/slow") {
    ++running;
    const int slept = co_await run_blocking(*blocking, [] {
      std::this_thread::sleep_for(milliseconds(200));
      return 200;
    });
    --running;
    co_return Response(slept).body("slept", "text/plain");
  }
  co_return Response().body("hello " + std::string(path), "text/plain");
}

void TestObserver::finished(const Finished& f) {
  const std::lock_guard lock(mutex_);
  seen_.push_back({std::string(f.method_name), std::string(f.path), f.status, f.bytes_sent,
                   f.aborted, f.client.str(), f.note});
  came_.notify_all();
}

TestObserver::Seen TestObserver::wait_for(std::size_t n) {
  std::unique_lock lock(mutex_);
  if (!came_.wait_for(lock, seconds(2), [&] { return seen_.size() > n; })) return {};
  return seen_[n];
}

TestServer::TestServer(Limits limits, std::shared_ptr<TlsContext> tls,
                       std::vector<std::string> proxies, BodyLimits body_limits)
    : bodies(std::make_shared<BodyMemory>(body_limits)) {
  service.blocking = &runtime.blocking();
  auto opened = Listener::open(runtime, {"test", "127.0.0.1:0", limits, std::move(proxies), bodies},
                               service, observer, clock, std::move(tls));
  if (!opened) throw std::runtime_error(opened.error().detail);
  listener = std::move(*opened);
  runtime.start();
}

RawClient::RawClient(std::uint16_t port)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience{3, 0};
  ::setsockopt(fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
}

RawClient& RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) break;  // the answer will tell
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return *this;
}

RawClient& RawClient::shut() {
  ::shutdown(fd(), SHUT_WR);
  return *this;
}

std::string RawClient::read_all() {
  std::string all = std::exchange(ahead_, {});
  char piece[65536];
  for (;;) {
    const ssize_t n = ::recv(fd(), piece, sizeof piece, 0);
    if (n == 0) return all;
    if (n < 0) return all + (errno == ECONNRESET ? "[reset]" : "[silent]");
    all.append(piece, static_cast<std::size_t>(n));
  }
}

std::string RawClient::read_some(std::size_t bytes) {
  char piece[65536];
  while (ahead_.size() < bytes) {
    const ssize_t n = ::recv(fd(), piece, sizeof piece, 0);
    if (n <= 0) break;
    ahead_.append(piece, static_cast<std::size_t>(n));
  }
  std::string result = ahead_.substr(0, bytes);
  ahead_.erase(0, result.size());
  return result;
}

std::string RawClient::read_answer(bool bodiless) {
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    const std::string next = read_some(1);
    if (next.empty()) return head + "[ended]";
    head += next;
  }
  const auto at = head.find("Content-Length: ");
  if (bodiless || at == std::string::npos) return head;
  return head + read_some(std::stoul(head.substr(at + 16)));
}

CannedServer::CannedServer(std::vector<std::string> answers)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience{3, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size);
  ::listen(socket_.get(), 8);
  ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this, answers = std::move(answers)] { serve(answers); });
}

CannedServer::~CannedServer() {
  if (thread_.joinable()) thread_.join();
}

void CannedServer::serve(std::vector<std::string> answers) {
  for (const std::string& answer : answers) {
    const FileDescriptor peer(::accept(socket_.get(), nullptr, nullptr));
    std::string head;
    char piece[4096];
    while (!head.contains("\r\n\r\n")) {
      const ssize_t n = ::recv(peer.get(), piece, sizeof piece, 0);
      if (n <= 0) break;
      head.append(piece, static_cast<std::size_t>(n));
    }
    heads_.push_back(head);
    ::send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    const linger reset{1, 0};
    if (answer.empty()) ::setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
}

std::string CannedServer::url(std::string_view target) const {
  return "http://127.0.0.1:" + std::to_string(port_) + std::string(target);
}

std::vector<std::string> CannedServer::heads() {
  thread_.join();
  return heads_;
}

Result<ClientResponse> TestClient::run(Task<Result<ClientResponse>> task) {
  Result<ClientResponse> result = fail(ErrorCode::internal, "did not end");
  loop_.restart();
  asio::co_spawn(loop_, std::move(task),
                 [&](const std::exception_ptr& thrown, Result<ClientResponse> response) {
                   if (!thrown) result = std::move(response);
                   loop_.stop();
                 });
  loop_.run_for(seconds(5));
  return result;
}

Result<ClientResponse> TestClient::send(ClientRequest request, std::size_t max_body_bytes) {
  return run(client_.send(std::move(request), max_body_bytes));
}

Result<ClientResponse> TestClient::send(ClientRequest request,
                                        std::function<Result<void>(std::string_view)> sink) {
  return run(client_.send(std::move(request), std::move(sink)));
}

Result<ClientResponse> TestClient::get(std::string_view url) {
  VALETKEY_TRY(Url parsed, Url::parse(url));
  return send({.method = "GET", .url = std::move(parsed), .headers = {}, .body = {}});
}

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return condition();
}

}  // namespace valetkey::http
