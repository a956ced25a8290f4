// SPDX-License-Identifier: Apache-2.0
#include "http/reach.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>

#include "http/internal/tls_context.h"

namespace valetkey::http {
namespace {

using asio::ip::tcp;
using boost::system::error_code;
constexpr auto kTuple = asio::as_tuple(asio::deferred);

std::string server_of(const Url& url) { return url.scheme + "://" + url.authority(); }

// The system's look-up cannot be called off, so the wait for it ends by itself.
struct Lookup {
  explicit Lookup(asio::io_context& loop) : resolver(loop), patience(loop) {}
  asio::ip::basic_resolver<tcp, Executor> resolver;
  SteadyTimer patience;
  bool done = false;
  error_code error;
  Endpoints endpoints;
};

std::unexpected<Error> unresolved(const Url& url, const Lookup& lookup) {
  const bool never = lookup.done && (lookup.error == asio::error::host_not_found ||
                                     lookup.error == asio::error::no_data);
  return fail(
      never ? ErrorCode::io : ErrorCode::unavailable,
      fmt::format(
          "{} does not resolve ({}): check how it is written, and this machine's DNS or VPN",
          url.host, lookup.done ? lookup.error.message() : "no answer in time"));
}

// Not so where the network between may come back.
bool is_final(const error_code& error) {
  return error == asio::error::connection_refused || error == asio::error::access_denied ||
         error == asio::error::address_family_not_supported ||
         error == boost::system::errc::operation_not_permitted ||
         error == boost::system::errc::address_not_available;
}

const char* advice_for(long verdict) {
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "its operator must renew it, unless this machine's clock is wrong";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "is this machine's clock right?";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "use the name that it was made for";
    default:
      return "if it is of your own authority, name that one's certificate with `valetkey "
             "configure --ca-file`, VALETKEY_CA_FILE or SSL_CERT_FILE";
  }
}

}  // namespace

Task<Result<Endpoints>> resolve(asio::io_context& loop, Url url, milliseconds patience) {
  error_code not_literal;
  const auto literal = asio::ip::make_address(url.host, not_literal);
  if (!not_literal) co_return Endpoints{tcp::endpoint(literal, url.port)};
  // shared: the answer may come after the wait
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
  if (!lookup->done) co_await lookup->patience.async_wait(kTuple);
  if (!lookup->done || lookup->error || lookup->endpoints.empty())
    co_return unresolved(url, *lookup);
  co_return std::move(lookup->endpoints);
}

Task<Result<std::unique_ptr<Stream>>> connect(asio::io_context& loop, Sweeper& sweeper, Url url,
                                              Endpoints endpoints, SteadyTime deadline) {
  bool final = true;
  std::string why;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    auto stream = std::make_unique<Stream>(Socket(loop));
    sweeper.watch(*stream);
    // One address that does not answer leaves time for the others.
    const SteadyTime now = std::chrono::steady_clock::now();
    stream->expire_at(now + (deadline - now) / static_cast<long>(endpoints.size() - i));
    const error_code error = co_await stream->connect(endpoints[i]);
    if (!error) co_return stream;
    final = final && is_final(error);
    const std::string address = endpoints[i].address().to_string();
    why += why.empty() ? "" : ", ";
    if (address != url.host) why += address + ": ";
    why += error == asio::error::timed_out ? "no answer in time" : error.message();
  }
  const bool v6 = url.host.contains(':');
  co_return fail(final ? ErrorCode::io : ErrorCode::unavailable,
                 fmt::format("nothing takes connections at {}{}{}:{} ({}): is the server running "
                             "there, and does a firewall stand between?",
                             v6 ? "[" : "", url.host, v6 ? "]" : "", url.port, why));
}

Error tls_verdict(const Url& url, const TlsSession& session) {
  const long verdict = SSL_get_verify_result(session.ssl());
  const std::string server = server_of(url) + ": ";
  if (verdict != X509_V_OK)
    return {ErrorCode::denied,
            fmt::format("{}its certificate is not accepted: {}; {}", server,
                        X509_verify_cert_error_string(verdict), advice_for(verdict))};
  const int reason = ERR_GET_REASON(ERR_peek_error());
  constexpr std::array kPlain{SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST,
                              SSL_R_PACKET_LENGTH_TOO_LONG};
  if (std::ranges::find(kPlain, reason) != kPlain.end()) {
    ERR_clear_error();
    return {ErrorCode::io,
            server + "this port does not speak TLS: use http://, or the port that does"};
  }
  return {ErrorCode::unavailable,
          server + "TLS handshake failed: " + tls_reason("the server ended it")};
}

Error tls_instead(const Url& url) {
  return {ErrorCode::io,
          server_of(url) + ": this port speaks TLS: use https://, or the port that does not"};
}

std::optional<Error> not_http(const Url& url, std::string_view first) {
  constexpr std::string_view kAnswer = "HTTP/1.";
  if (first.substr(0, kAnswer.size()) == kAnswer.substr(0, std::min(first.size(), kAnswer.size())))
    return std::nullopt;
  // An alert's record.
  if (first.starts_with("\x15\x03")) return tls_instead(url);
  return Error{ErrorCode::io,
               server_of(url) + ": what answers there is no HTTP server: is the port right?"};
}

}  // namespace valetkey::http
