// SPDX-License-Identifier: Apache-2.0
#include "server/admin_service.h"

namespace valetkey::server {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kPrometheusText = "text/plain; version=0.0.4; charset=utf-8";

http::Response text(int status, std::string body, std::string_view type = kText) {
  http::Response out(status);
  out.set("Cache-Control", "no-store").set("X-Content-Type-Options", "nosniff");
  out.body(std::move(body), type);
  return out;
}

// The same head as a GET's, without the body.
http::Response without_body(const http::Response& full) {
  http::Response out(full.status());
  out.set("Cache-Control", "no-store").set("X-Content-Type-Options", "nosniff");
  out.set("Content-Type", kText).length_only(full.body_bytes().size());
  return out;
}

}  // namespace

http::Response AdminService::readiness(Timestamp now) const {
  const auto health = health_();
  const auto problems = health->problems(now);
  std::string body = problems.empty() ? "ready\n" : "not ready\n";
  for (const auto& problem : problems) body += problem + "\n";
  for (const auto& warning : health->warnings(now)) body += "warning: " + warning + "\n";
  return text(problems.empty() ? 200 : 503, std::move(body));
}

http::Response AdminService::answer(const http::Request& request) const {
  if (request.path == "/healthz") return text(200, "alive\n");
  if (request.path == "/readyz") return readiness(request.now);
  if (request.path == "/metrics")
    return text(200, metrics_.text(*health_(), request.now), kPrometheusText);
  return text(404, "not found; there are /healthz, /readyz and /metrics\n");
}

http::Task<http::Response> AdminService::handle(const http::Request& request) {
  if (request.method == http::Method::get) co_return answer(request);
  if (request.method == http::Method::head) co_return without_body(answer(request));
  auto out = text(405, "only GET and HEAD\n");
  out.set("Allow", "GET, HEAD");
  co_return out;
}

http::Response AdminService::refuse(int status, const http::Request&) const {
  return text(status, std::string(http::reason_phrase(status)) + "\n");
}

}  // namespace valetkey::server
