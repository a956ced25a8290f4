// SPDX-License-Identifier: Apache-2.0
#include "cli/reach.h"

#include <fmt/format.h>

#include <memory>

namespace valetkey::cli {
namespace {

using asio::ip::tcp;
using boost::system::error_code;
constexpr auto kTuple = asio::as_tuple(asio::deferred);

// shared with handlers that may run after the wait has ended
struct Lookup {
  explicit Lookup(asio::io_context& loop) : resolver(loop), patience(loop) {}
  asio::ip::basic_resolver<tcp, http::Executor> resolver;
  client::Timer patience;
  bool done = false;
  error_code error;
  Endpoints endpoints;
};

struct Attempt {
  explicit Attempt(asio::io_context& loop) : socket(loop), patience(loop) {}
  asio::basic_stream_socket<tcp, http::Executor> socket;
  client::Timer patience;
  bool late = false;
};

}  // namespace

Task<Result<Endpoints>> resolve(asio::io_context& loop, http::Url url, milliseconds patience) {
  const auto lookup = std::make_shared<Lookup>(loop);
  lookup->patience.expires_after(patience);
  lookup->resolver.async_resolve(url.host, std::to_string(url.port),
                                 [lookup](const error_code& error, const auto& results) {
                                   lookup->done = true;
                                   lookup->error = error;
                                   for (const auto& entry : results)
                                     lookup->endpoints.push_back(entry.endpoint());
                                   lookup->patience.cancel();
                                 });
  // The system's look-up cannot be called off, only the wait for it.
  if (!lookup->done) co_await lookup->patience.async_wait(kTuple);
  if (lookup->done && !lookup->error && !lookup->endpoints.empty())
    co_return std::move(lookup->endpoints);
  co_return fail(
      ErrorCode::unavailable,
      fmt::format(
          "{} does not resolve ({}): check how it is written, and this machine's DNS or VPN",
          url.host, lookup->done ? lookup->error.message() : "no answer in time"));
}

Task<Result<tcp::endpoint>> connect(asio::io_context& loop, Endpoints endpoints,
                                    milliseconds patience) {
  std::string why = "it has no address";
  for (const tcp::endpoint& endpoint : endpoints) {
    const auto attempt = std::make_shared<Attempt>(loop);
    attempt->patience.expires_after(patience / endpoints.size());
    attempt->patience.async_wait([attempt](const error_code& cancelled) {
      if (cancelled) return;
      attempt->late = true;
      error_code ignored;
      attempt->socket.close(ignored);
    });
    const auto [error] = co_await attempt->socket.async_connect(endpoint, kTuple);
    attempt->patience.cancel();
    if (!error) co_return endpoint;
    why = attempt->late ? "no answer in time" : error.message();
  }
  co_return fail(
      ErrorCode::unavailable,
      fmt::format("nothing takes connections at {}:{} ({}): is the server running there, "
                  "and does a firewall stand between?",
                  endpoints.empty() ? "?" : endpoints.back().address().to_string(),
                  endpoints.empty() ? 0 : endpoints.back().port(), why));
}

Task<Result<std::optional<milliseconds>>> ask_time(http::Client& http, http::Url url) {
  http::ClientRequest request;
  request.url = std::move(url);
  const auto answer = co_await http.send(std::move(request), 1 << 20);
  if (!answer) co_return std::unexpected(answer.error());
  const std::string* date = answer->header("date");
  const auto theirs = date ? parse_http_date(*date) : fail(ErrorCode::not_found, "no Date");
  if (!theirs) co_return std::nullopt;
  co_return SystemClock().now() - *theirs;
}

}  // namespace valetkey::cli
