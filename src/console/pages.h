// SPDX-License-Identifier: Apache-2.0
// The console's files over HTTP, each with the policy that its kind needs: the document may run
// scripts of its own origin and nothing else; the worker that runs SQL may compile WebAssembly and
// reach the S3 endpoint. Pure. Thread-safe.
// Source: https://www.w3.org/TR/CSP3/
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "console/asset.h"
#include "http/message.h"

namespace valetkey::console {

class Pages {
 public:
  // `s3_endpoint` is the URL that the worker may reach.
  Pages(std::span<const Asset> assets, std::string_view s3_endpoint);
  bool empty() const { return document_ == nullptr; }
  // The answer, if the request is for a file, or is a browser's for one of the console's pages,
  // whose addresses the page itself understands. Nothing: it is somebody else's.
  std::optional<http::Response> answer(const http::Request& request) const;

 private:
  const Asset* find(std::string_view path) const;
  const Asset* choose(const http::Request& request) const;
  std::string_view policy_of(const Asset& asset) const;

  std::span<const Asset> assets_;
  const Asset* document_ = nullptr;  // index.html
  std::string worker_policy_;
};

// Whether `accept` (the header of that name, or of encodings) takes `name`, which a weight of zero
// denies.
bool accepts(std::string_view accept, std::string_view name);
// "https://s3.example.com/path" without what follows the host: what a policy may name.
std::string origin_of_url(std::string_view url);

}  // namespace valetkey::console
