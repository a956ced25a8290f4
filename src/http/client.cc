// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "base/text.h"
#include "http/co_try.h"
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
      !request.payload().empty() || request.method == "POST" || request.method == "PUT";
  if (has_body && !given("content-length"))
    head += "Content-Length: " + std::to_string(request.payload().size()) + "\r\n";
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

// A request that was sent, and its answer as far as it has come.
struct Exchange {
  Exchange(std::unique_ptr<Stream> on, bool bodiless) : stream(std::move(on)), reader(bodiless) {}
  std::unique_ptr<Stream> stream;
  ResponseReader reader;
  ResponseReader::State state = ResponseReader::State::more;
  bool answered = false;  // bytes of an answer came
  std::size_t room = kReadBytes;
  std::unique_ptr<char[]> buffer = std::make_unique_for_overwrite<char[]>(room);
  bool filled = false;  // by the last read
  std::span<char> space() { return {buffer.get(), room}; }
};

class Client::Impl {
 public:
  Impl(asio::io_context& loop, ClientOptions options)
      : loop_(loop), options_(std::move(options)), sweeper_(loop) {}

  Task<Result<ClientResponse>> send(ClientRequest request, Receiver receiver) {
    VALETKEY_CO_TRY(const auto exchange, co_await begin(request));
    VALETKEY_CO_CHECK(co_await take_all(*exchange, request.url, receiver));
    finish(*exchange, request.url);
    co_return std::move(exchange->reader.response());
  }

  Task<Result<std::unique_ptr<Incoming>>> open(ClientRequest request);

 private:
  class Body;

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

  // Sends the request and waits for the head of its answer.
  Task<Result<std::unique_ptr<Exchange>>> begin(const ClientRequest& request) {
    VALETKEY_CO_TRY(const std::string head, make_head(request, options_.user_agent));
    const bool bodiless = request.method == "HEAD";
    if (auto idle = take_idle(request.url)) {
      auto exchange = std::make_unique<Exchange>(std::move(idle), bodiless);
      const auto fine = co_await start(*exchange, head, request);
      if (fine) co_return std::move(exchange);
      // A server may close an idle connection just as the request leaves.
      if (exchange->answered || !may_repeat(request.method))
        co_return std::unexpected(fine.error());
    }
    auto opened = co_await open(request.url, options_.connect_timeout);
    if (!opened) co_return std::unexpected(softened(opened.error(), request.url));
    auto exchange = std::make_unique<Exchange>(*std::move(opened), bodiless);
    const auto fine = co_await start(*exchange, head, request);
    if (fine) co_return std::move(exchange);
    if (!exchange->answered && fine.error().code == ErrorCode::unavailable &&
        co_await is_tls_instead(request.url))
      co_return std::unexpected(tls_instead(request.url));
    co_return std::unexpected(fine.error());
  }

  Task<Result<void>> start(Exchange& exchange, const std::string& head,
                           const ClientRequest& request) {
    const Io sent = co_await exchange.stream->write({head, request.payload()}, options_.io_timeout);
    // A server that refuses a large body answers before it has read all of it.
    if (sent == Io::timed_out)
      co_return unavailable(request.url, "the request could not be sent in time");
    while (exchange.state == ResponseReader::State::more && !exchange.reader.head_complete()) {
      VALETKEY_CO_CHECK(co_await step(exchange, request.url, exchange.space()));
    }
    co_return Result<void>{};
  }

  // The next bytes of the answer, which land in `space`.
  Task<Result<void>> step(Exchange& exchange, const Url& url, std::span<char> space) {
    exchange.stream->expire_after(options_.io_timeout);
    co_return take(exchange, url, space, co_await exchange.stream->read(space));
  }
  Result<void> take(Exchange& exchange, const Url& url, std::span<char> space,
                    const Stream::Received& got) {
    if (got.io == Io::ok) {
      const std::string_view bytes(space.data(), got.bytes);
      if (const auto other = exchange.answered ? std::nullopt : not_http(url, bytes))
        return std::unexpected(softened(*other, url));
      exchange.answered = true;
      exchange.state = exchange.reader.feed(bytes);
    } else if (got.io == Io::closed) {
      exchange.state = exchange.reader.end();
    } else {
      return unavailable(url, words_for(got.io));
    }
    exchange.filled = got.bytes == space.size();
    if (exchange.state == ResponseReader::State::failed)
      return unavailable(url, std::string("a broken answer: ") + exchange.reader.fault());
    return {};
  }

  // The body, of which something may have come with the head.
  Task<Result<void>> take_all(Exchange& exchange, const Url& url, const Receiver& receiver) {
    VALETKEY_CO_CHECK(check_length(exchange.reader, receiver));
    while (true) {
      VALETKEY_CO_CHECK(take_piece(exchange.reader, url, receiver));
      if (exchange.state != ResponseReader::State::more) co_return Result<void>{};
      if (exchange.filled && exchange.room < kBulkReadBytes) {
        exchange.room = kBulkReadBytes;
        exchange.buffer = std::make_unique_for_overwrite<char[]>(exchange.room);
      }
      VALETKEY_CO_CHECK(co_await step(exchange, url, exchange.space()));
    }
  }

  // The answer is whole: its connection may serve another request.
  void finish(Exchange& exchange, const Url& url) {
    answered_.insert(server_of(url));
    if (!exchange.reader.reusable()) exchange.stream->close();
    keep(url, std::move(exchange.stream));
  }

  static Result<void> check_length(ResponseReader& reader, const Receiver& receiver) {
    const bool asked = receiver.announced && reader.announced() > 0;
    if (!asked || reader.response().status / 100 != 2) return {};
    return receiver.announced(reader.announced());
  }

  static Result<void> take_piece(ResponseReader& reader, const Url& url, const Receiver& receiver) {
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
    stream->gather(1);
    stream->trim();
    idle_[server_of(url)].push_back(std::move(stream));
    ++idle_count_;
  }

  Task<Result<std::unique_ptr<Stream>>> open(Url url, milliseconds limit) {
    const SteadyTime deadline = std::chrono::steady_clock::now() + limit;
    VALETKEY_CO_TRY(auto endpoints, co_await resolve(loop_, url, limit));
    auto stream = co_await connect(loop_, sweeper_, url, std::move(endpoints), deadline);
    if (stream && url.scheme == "https") {
      VALETKEY_CO_CHECK(co_await secure(**stream, url, deadline));
    }
    co_return stream;
  }

  Task<Result<void>> secure(Stream& stream, const Url& url, SteadyTime deadline) {
    if (!tls_) {
      VALETKEY_CO_TRY(tls_, make_client_context(options_.ca_file));
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

// The body of one answer. What came of it with the head lies in the buffer of the exchange.
class Client::Impl::Body final : public Incoming {
 public:
  Body(Client::Impl& client, Url url, std::unique_ptr<Exchange> exchange)
      : client_(client),
        url_(std::move(url)),
        exchange_(std::move(exchange)),
        early_(exchange_->reader.piece()) {
    finish_if_whole();
  }
  const ClientResponse& response() const override { return exchange_->reader.response(); }
  std::uint64_t announced() const override { return exchange_->reader.announced(); }

  Task<Result<std::size_t>> read(std::span<char> out) override {
    if (!early_.empty()) {
      const std::size_t count = early_.copy(out.data(), out.size());
      early_.remove_prefix(count);
      co_return count;
    }
    exchange_->buffer.reset();
    while (!out.empty() && exchange_->state == ResponseReader::State::more) {
      if (announced() > 0)
        exchange_->stream->gather(std::min<std::uint64_t>(out.size(), announced() - given_));
      taken_ = co_await client_.step(*exchange_, url_, out);
      if (const std::size_t count = deliver(out)) co_return count;
    }
    VALETKEY_CO_CHECK(taken_);
    co_return std::size_t{0};
  }

  std::size_t read_now(std::span<char> out) override {
    if (!early_.empty() || exchange_->state != ResponseReader::State::more) return 0;
    if (announced() > 0) out = out.first(std::min<std::uint64_t>(out.size(), announced() - given_));
    const std::size_t come = exchange_->stream->read_now(out);
    if (come == 0) return 0;
    taken_ = client_.take(*exchange_, url_, out, {Io::ok, come});
    return deliver(out);
  }

 private:
  // What the last step has brought of the body.
  std::size_t deliver(std::span<char> out) {
    if (!taken_) {
      exchange_->state = ResponseReader::State::failed;
      return 0;
    }
    finish_if_whole();
    const std::string_view piece = exchange_->reader.piece();
    // What came in chunks was put together elsewhere, and is never longer.
    if (piece.data() != out.data()) std::ranges::copy(piece, out.begin());
    given_ += piece.size();
    return piece.size();
  }
  void finish_if_whole() {
    if (exchange_->state == ResponseReader::State::done) client_.finish(*exchange_, url_);
  }

  Client::Impl& client_;
  const Url url_;
  const std::unique_ptr<Exchange> exchange_;
  std::string_view early_;
  std::uint64_t given_ = exchange_->reader.piece().size();  // of the body, early_ included
  Result<void> taken_;                                      // the last step
};

Task<Result<std::unique_ptr<Incoming>>> Client::Impl::open(ClientRequest request) {
  VALETKEY_CO_TRY(auto exchange, co_await begin(request));
  if (exchange->reader.response().status / 100 != 2) {
    const Receiver whole;
    VALETKEY_CO_CHECK(co_await take_all(*exchange, request.url, whole));
  }
  co_return std::make_unique<Body>(*this, std::move(request.url), std::move(exchange));
}

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

Task<Result<std::unique_ptr<Incoming>>> Client::open(ClientRequest request) {
  return impl_->open(std::move(request));
}

}  // namespace valetkey::http
