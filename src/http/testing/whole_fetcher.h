// SPDX-License-Identifier: Apache-2.0
// For tests: a fetcher that has each answer whole before its body is read.
#pragma once

#include <algorithm>
#include <memory>
#include <string_view>

#include "http/fetch.h"

namespace valetkey::http::testing {

class WholeDownload final : public Download {
 public:
  explicit WholeDownload(ClientResponse response) : response_(std::move(response)) {
    if (response_.status / 100 == 2) body_ = std::exchange(response_.body, {});
    rest_ = body_;
  }
  const ClientResponse& response() const override { return response_; }
  std::uint64_t announced() const override { return body_.size(); }
  // In pieces, as from a network.
  Result<std::size_t> read(std::span<char> out) override {
    const std::size_t count = rest_.copy(out.data(), std::min<std::size_t>(out.size(), 10'000));
    rest_.remove_prefix(count);
    return count;
  }
  std::size_t read_now(std::span<char> out) override {
    return read(out.first(std::min<std::size_t>(out.size(), 3'000))).value();
  }

 private:
  ClientResponse response_;
  std::string body_;
  std::string_view rest_;
};

class WholeFetcher : public Fetcher {
 public:
  Result<std::unique_ptr<Download>> open(ClientRequest request) override {
    VALETKEY_TRY(auto response, fetch(std::move(request)));
    return std::make_unique<WholeDownload>(std::move(response));
  }
};

}  // namespace valetkey::http::testing
