// SPDX-License-Identifier: Apache-2.0
// The way to a server, step by step. An error is one sentence for a person and tells what may pass
// from what stays as it is:
//   unavailable  no answer in time, a network or a name server that is away: ask again
//   io           nothing there, or something else than was asked for: asking again is of no use
//   denied       a certificate that is not trusted
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <vector>

#include "base/result.h"
#include "http/client.h"
#include "http/stream.h"

namespace valetkey::http {

using Endpoints = std::vector<asio::ip::tcp::endpoint>;

// The addresses that the URL's host stands for.
Task<Result<Endpoints>> resolve(asio::io_context& loop, Url url, milliseconds patience);

// A connection to the first of them that takes one. `url` names the server in errors.
Task<Result<std::unique_ptr<Stream>>> connect(asio::io_context& loop, Sweeper& sweeper, Url url,
                                              Endpoints endpoints, SteadyTime deadline);

// Why a handshake with the server failed.
Error tls_verdict(const Url& url, const TlsSession& session);

// A plain request came to a port that speaks TLS.
Error tls_instead(const Url& url);

// Nothing, or why what a server said first is no answer of an HTTP server.
std::optional<Error> not_http(const Url& url, std::string_view first);

}  // namespace valetkey::http
