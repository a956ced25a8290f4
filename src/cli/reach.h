// SPDX-License-Identifier: Apache-2.0
// The steps to a server one by one, each with a limit; the error of a step says what to do about
// it.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/context.h"

namespace valetkey::cli {

using Endpoints = std::vector<asio::ip::tcp::endpoint>;

// The addresses that the name stands for; `unavailable`.
Task<Result<Endpoints>> resolve(asio::io_context& loop, http::Url url, milliseconds patience);
// The first of them that takes a TCP connection; `unavailable`.
Task<Result<asio::ip::tcp::endpoint>> connect(asio::io_context& loop, Endpoints endpoints,
                                              milliseconds patience);
// How far this machine's clock is ahead of the server that answers there, TLS included; nothing if
// it does not tell its time.
Task<Result<std::optional<milliseconds>>> ask_time(http::Client& http, http::Url url);

}  // namespace valetkey::cli
