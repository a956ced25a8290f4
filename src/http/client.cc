// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "http/internal/response_reader.h"
#include "http/internal/tls_context.h"
#include "http/reach.h"
#include "http/stream.h"

namespace valetkey::http {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kBulkReadBytes = 256 * 1024;  // once an answer has filled the smaller one
constexpr std::size_t kMaxErrorBody = 1 << 20;
constexpr milliseconds kLookForTls{2'000};

std::string server_of(const Url& url) { return url.scheme + "://" + url.authority(); }

std::unexpected<Error> unavailable(const Url& url, std::string_view what) {
  return fail(ErrorCode::unavailable, server_of(url) + ": " + std::string(what));
}

const char* words_for(Io io) {
  switch (io) {
    case Io::closed:
      return "the connection ended";
    case Io::timed_out:
      return "no answer in time";
    default:
      return "the connection broke";
  }
}

bool splits_lines(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

bool may_repeat(std::string_view method) { return method == "GET" || method == "HEAD"; }

Result<std::string> make_head(const ClientRequest& request, const std::string& user_agent) {
  const Url& url = request.url;
  const auto given = [&request](std::string_view name) {
    return std::ranges::any_of(
        request.headers, [name](const auto& h) { return equal_ignoring_case(h.first, name); });
  };
  std::string head = request.method + " " + url.target + " HTTP/1.1\r\n";
  if (request.method.empty() || splits_lines(request.method + url.target + url.host + user_agent) ||
      (request.method + url.target).contains(' '))
    return fail(ErrorCode::invalid, "a request's method or target holds bytes that would split it");
  if (!given("host")) head += "Host: " + url.authority() + "\r\n";
  if (!given("user-agent")) head += "User-Agent: " + user_agent + "\r\n";
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || splits_lines(name) || splits_lines(value))
      return fail(ErrorCode::invalid, "a request header holds a line break");
    head.append(name).append(": ").append(value).append("\r\n");
  }
  const bool has_body =
      !request.body.empty() || request.method == "POST" || request.method == "PUT";
  if (has_body && !given("content-length"))
    head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return head + "\r\n";
}

}  // namespace

Result<void> check_ca_file(const std::string& ca_file) {
  VALETKEY_CHECK(make_client_context(ca_file));
  return {};
}

const std::string* ClientResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (equal_ignoring_case(key, name)) return &value;
  return nullptr;
}

// Where a body goes, and how much of it.
struct Receiver {
  std::function<Result<void>(std::string_view)> sink;         // for 2xx; null: into the response
  std::size_t max_bytes = kMaxErrorBody;                      // of what goes into the response
  std::function<Result<void>(std::uint64_t)> announced = {};  // of a 2xx; null: nobody asks
};

class Client::Impl {
 public:
  Impl(asio::io_context& loop, ClientOptions options)
      : loop_(loop), options_(std::move(options)), sweeper_(loop) {}

  Task<Result<ClientResponse>> send(ClientRequest request, Receiver receiver) {
    Result<std::string> head = make_head(request, options_.user_agent);
    if (!head) co_return std::unexpected(head.error());
    auto stream = take_idle(request.url);
    const bool reused = stream != nullptr;
    bool answered = false;
    if (reused) {
      auto response = co_await exchange(*stream, *head, request, receiver, answered);
      // A server may close an idle connection just as the request leaves.
      if (response || answered || !may_repeat(request.method)) {
        if (response) keep(request.url, std::move(stream));
        co_return response;
      }
    }
    auto opened = co_await open(request.url, options_.connect_timeout);
    if (!opened) co_return std::unexpected(softened(opened.error(), request.url));
    auto response = co_await exchange(**opened, *head, request, receiver, answered);
    if (response) keep(request.url, std::move(*opened));
    if (!response && !answered && response.error().code == ErrorCode::unavailable &&
        co_await is_tls_instead(request.url))
      co_return std::unexpected(tls_instead(request.url));
    co_return response;
  }

 private:
  // Servers that speak TLS mostly hang up on a plain request, without a word.
  Task<bool> is_tls_instead(Url url) {
    if (url.scheme != "http" || answered_.contains(server_of(url))) co_return false;
    url.scheme = "https";
    const auto opened = co_await open(url, std::min(options_.connect_timeout, kLookForTls));
    co_return opened || opened.error().code == ErrorCode::denied;
  }

  // A server that was there may be starting again.
  Error softened(Error error, const Url& url) const {
    if (error.code == ErrorCode::io && answered_.contains(server_of(url)))
      error.code = ErrorCode::unavailable;
    return error;
  }

  // `answered`: bytes of an answer came.
  Task<Result<ClientResponse>> exchange(Stream& stream, const std::string& head,
                                        const ClientRequest& request, const Receiver& receiver,
                                        bool& answered) {
    const Io sent = co_await stream.write({head, request.body}, options_.io_timeout);
    // A server that refuses a large body answers before it has read all of it.
    if (sent == Io::timed_out)
      co_return unavailable(request.url, "the request could not be sent in time");
    ResponseReader reader(request.method == "HEAD");
    std::size_t room = kReadBytes;
    auto buffer = std::make_unique_for_overwrite<char[]>(room);
    auto state = ResponseReader::State::more;
    bool began = false;
    while (state == ResponseReader::State::more) {
      stream.expire_after(options_.io_timeout);
      const auto got = co_await stream.read({buffer.get(), room});
      if (got.io == Io::ok) {
        const std::string_view first(buffer.get(), got.bytes);
        if (const auto other = answered ? std::nullopt : not_http(request.url, first))
          co_return std::unexpected(softened(*other, request.url));
        answered = true;
        state = reader.feed({buffer.get(), got.bytes});
      } else if (got.io == Io::closed) {
        state = reader.end();
      } else {
        co_return unavailable(request.url, words_for(got.io));
      }
      if (!began && reader.head_complete()) {
        began = true;
        if (auto fine = check_length(reader, receiver); !fine)
          co_return std::unexpected(fine.error());
      }
      Result<void> taken = take_piece(reader, request.url, receiver);
      if (!taken) co_return std::unexpected(taken.error());
      if (got.bytes == room && room < kBulkReadBytes) {
        room = kBulkReadBytes;
        buffer = std::make_unique_for_overwrite<char[]>(room);
      }
    }
    if (state == ResponseReader::State::failed)
      co_return unavailable(request.url, std::string("a broken answer: ") + reader.fault());
    answered_.insert(server_of(request.url));
    if (!reader.reusable()) stream.close();
    co_return std::move(reader.response());
  }

  static Result<void> check_length(ResponseReader& reader, const Receiver& receiver) {
    const bool asked = receiver.announced && reader.announced() > 0;
    if (!asked || reader.response().status / 100 != 2) return {};
    return receiver.announced(reader.announced());
  }

  static Result<void> take_piece(ResponseReader& reader, const Url& url, const Receiver& receiver) {
    if (!reader.head_complete()) return {};
    ClientResponse& response = reader.response();
    if (receiver.sink && response.status / 100 == 2)
      return reader.piece().empty() ? Result<void>{} : receiver.sink(reader.piece());
    if (reader.announced() > receiver.max_bytes ||
        reader.piece().size() > receiver.max_bytes - response.body.size())
      return fail(ErrorCode::too_large, server_of(url) + ": the answer is larger than " +
                                            std::to_string(receiver.max_bytes) + " bytes");
    // At once what comes, where its length is told: growing by doubling copies it twice.
    if (response.body.empty() && reader.announced() > 0) response.body.reserve(reader.announced());
    response.body.append(reader.piece());
    return {};
  }

  std::unique_ptr<Stream> take_idle(const Url& url) {
    auto& streams = idle_[server_of(url)];
    while (!streams.empty()) {
      auto stream = std::move(streams.back());
      streams.pop_back();
      --idle_count_;
      if (stream->quiet()) return stream;  // else the server has given it up meanwhile
    }
    return nullptr;
  }
  void keep(const Url& url, std::unique_ptr<Stream> stream) {
    if (!stream->socket().is_open() || idle_count_ >= options_.max_idle) return;
    stream->never_expire();
    stream->trim();
    idle_[server_of(url)].push_back(std::move(stream));
    ++idle_count_;
  }

  Task<Result<std::unique_ptr<Stream>>> open(Url url, milliseconds limit) {
    const SteadyTime deadline = std::chrono::steady_clock::now() + limit;
    auto endpoints = co_await resolve(loop_, url, limit);
    if (!endpoints) co_return std::unexpected(endpoints.error());
    auto stream = co_await connect(loop_, sweeper_, url, std::move(*endpoints), deadline);
    if (stream && url.scheme == "https") {
      auto secured = co_await secure(**stream, url, deadline);
      if (!secured) co_return std::unexpected(secured.error());
    }
    co_return stream;
  }

  Task<Result<void>> secure(Stream& stream, const Url& url, SteadyTime deadline) {
    if (!tls_) {
      auto made = make_client_context(options_.ca_file);
      if (!made) co_return std::unexpected(made.error());
      tls_ = std::move(*made);
    }
    stream.start_tls(connect_session(*tls_, url.host));
    stream.expire_at(deadline);
    const Io io = co_await stream.handshake();
    if (io == Io::ok) co_return Result<void>{};
    if (io == Io::timed_out) co_return unavailable(url, "no TLS handshake in time");
    co_return std::unexpected(tls_verdict(url, *stream.tls()));
  }

  asio::io_context& loop_;
  const ClientOptions options_;
  Sweeper sweeper_;
  std::unique_ptr<SSL_CTX, FreeSsl> tls_;
  std::map<std::string, std::vector<std::unique_ptr<Stream>>> idle_;
  std::size_t idle_count_ = 0;
  std::unordered_set<std::string> answered_;  // servers
};

Client::Client(asio::io_context& loop, ClientOptions options)
    : impl_(std::make_unique<Impl>(loop, std::move(options))) {}
Client::~Client() = default;

Task<Result<ClientResponse>> Client::send(ClientRequest request, std::size_t max_body_bytes) {
  return impl_->send(std::move(request), {nullptr, max_body_bytes});
}

Task<Result<ClientResponse>> Client::send(ClientRequest request,
                                          std::function<Result<void>(std::string_view)> sink,
                                          std::function<Result<void>(std::uint64_t)> announced) {
  return impl_->send(std::move(request), {std::move(sink), kMaxErrorBody, std::move(announced)});
}

}  // namespace valetkey::http
