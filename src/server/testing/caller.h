// SPDX-License-Identifier: Apache-2.0
// For tests: a client of a server on loopback.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/client.h"

namespace valetkey::server {

using Headers = std::vector<std::pair<std::string, std::string>>;

// One request at a time, on a loop of its own.
class Caller {
 public:
  http::ClientResponse get(const std::string& url, Headers headers = {}) {
    std::optional<Result<http::ClientResponse>> answer;
    const auto parsed = http::Url::parse(url);
    EXPECT_TRUE(parsed) << url;
    http::ClientRequest request{
        .method = "GET", .url = *parsed, .headers = std::move(headers), .body = {}};
    http::asio::co_spawn(
        loop_, client_.send(std::move(request), std::size_t{16} << 20),
        [&](const std::exception_ptr& thrown, Result<http::ClientResponse> result) {
          if (!thrown) answer = std::move(result);
          loop_.stop();
        });
    loop_.restart();
    loop_.run_for(std::chrono::seconds(30));
    if (answer && *answer) return std::move(**answer);
    http::ClientResponse failed;
    failed.body = answer ? answer->error().detail : "no answer";
    return failed;
  }

 private:
  http::asio::io_context loop_;
  http::Client client_{loop_};
};

}  // namespace valetkey::server
