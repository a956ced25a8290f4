// SPDX-License-Identifier: Apache-2.0
#include "console/pages.h"

#include <algorithm>

#include "base/text.h"

namespace valetkey::console {
namespace {

constexpr std::string_view kDocument = "/index.html";
constexpr std::string_view kWorkers = "/assets/query-worker";
constexpr std::string_view kDocumentPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types valetkey";
constexpr std::string_view kOtherPolicy = "default-src 'none'; sandbox";

// The addresses of pages have no dot in their last part; what has one names a file.
bool names_page(std::string_view path) {
  return !path.substr(path.rfind('/') + 1).contains('.') && path != "/v1" && path != "/v2" &&
         !path.starts_with("/v1/") && !path.starts_with("/v2/");
}

bool is_zero_weight(std::string_view parameters) {
  const std::string_view weight = trimmed(parameters, " \t");
  if (!weight.starts_with("q=0")) return false;
  return weight.find_first_not_of(".0", 3) == std::string_view::npos;
}

struct Form {
  std::string_view bytes;
  std::string_view encoding;  // empty: as it is
};

Form form_of(const Asset& asset, const http::Request& request) {
  const auto accepted = request.header("accept-encoding");
  if (accepted && !asset.brotli.empty() && accepts(*accepted, "br")) return {asset.brotli, "br"};
  if (accepted && !asset.gzip.empty() && accepts(*accepted, "gzip")) return {asset.gzip, "gzip"};
  return {asset.plain, ""};
}

}  // namespace

bool accepts(std::string_view accept, std::string_view name) {
  while (!accept.empty()) {
    const auto comma = accept.find(',');
    const std::string_view item = accept.substr(0, comma);
    const auto semicolon = item.find(';');
    if (equal_ignoring_case(trimmed(item.substr(0, semicolon), " \t"), name))
      return semicolon == std::string_view::npos || !is_zero_weight(item.substr(semicolon + 1));
    if (comma == std::string_view::npos) break;
    accept.remove_prefix(comma + 1);
  }
  return false;
}

std::string origin_of_url(std::string_view url) {
  const auto host = url.find("://");
  if (host == std::string_view::npos) return {};
  return std::string(url.substr(0, url.find('/', host + 3)));
}

Pages::Pages(std::span<const Asset> assets, std::string_view s3_endpoint) : assets_(assets) {
  document_ = find(kDocument);
  worker_policy_ = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";
  if (const std::string origin = origin_of_url(s3_endpoint); !origin.empty())
    worker_policy_ += " " + origin;
}

std::optional<http::Response> Pages::answer(const http::Request& request) const {
  if (request.method != http::Method::get && request.method != http::Method::head)
    return std::nullopt;
  const Asset* asset = choose(request);
  if (asset == nullptr) return std::nullopt;
  const auto known = request.header("if-none-match");
  const bool unchanged = known && known->contains(asset->etag);
  const Form form = form_of(*asset, request);
  http::Response response(unchanged ? 304 : 200);
  response.set("ETag", asset->etag).set("Vary", "Accept, Accept-Encoding");
  response.set("Cache-Control",
               asset->immutable ? "public, max-age=31536000, immutable" : "no-cache");
  response.set("Content-Security-Policy", policy_of(*asset));
  response.set("X-Content-Type-Options", "nosniff").set("Referrer-Policy", "no-referrer");
  response.set("Cross-Origin-Opener-Policy", "same-origin");
  response.set("Cross-Origin-Resource-Policy", "same-origin");
  if (asset == document_) response.set("X-Frame-Options", "DENY");
  if (unchanged) return std::move(response).length_only(form.bytes.size());
  if (!form.encoding.empty()) response.set("Content-Encoding", form.encoding);
  return std::move(response).body(std::string(form.bytes), asset->type);
}

const Asset* Pages::find(std::string_view path) const {
  const auto found = std::ranges::find(assets_, path, &Asset::path);
  return found == assets_.end() ? nullptr : &*found;
}

const Asset* Pages::choose(const http::Request& request) const {
  if (empty()) return nullptr;
  if (!names_page(request.path)) return request.path == kDocument ? document_ : find(request.path);
  const auto accepted = request.header("accept");
  return accepted && accepts(*accepted, "text/html") ? document_ : nullptr;
}

std::string_view Pages::policy_of(const Asset& asset) const {
  if (&asset == document_) return kDocumentPolicy;
  return asset.path.starts_with(kWorkers) ? std::string_view(worker_policy_) : kOtherPolicy;
}

}  // namespace valetkey::console
