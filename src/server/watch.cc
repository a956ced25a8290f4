// SPDX-License-Identifier: Apache-2.0
#include "server/watch.h"

#include "base/log.h"

namespace valetkey::server {

LoggedRequests parse_logged_requests(std::string_view text) {
  if (text == "all") return LoggedRequests::all;
  return text == "none" ? LoggedRequests::none : LoggedRequests::errors;
}

void Watch::connections(std::string_view listener, int change) {
  metrics_.requests().add_connections(listener, change);
}

// What a log may hold of a path: not kilobytes, and no token that was pasted where its id belongs.
std::string loggable_path(std::string_view path) {
  constexpr std::size_t kMost = 256;
  constexpr std::string_view kToken = "vkpat_";
  std::string out;
  while (!path.empty() && out.size() < kMost) {
    const auto token = path.find(kToken);
    out += path.substr(0, std::min(token, kMost - out.size()));
    if (token == std::string_view::npos) break;
    out += "vkpat_[secret]";
    path.remove_prefix(token + kToken.size());
    path.remove_prefix(std::min(path.find('/'), path.size()));
  }
  return out;
}

bool Watch::is_logged(const http::Finished& f) const {
  if (logged_ == LoggedRequests::errors) return f.aborted || f.status >= 400;
  return logged_ == LoggedRequests::all;
}

void Watch::finished(const http::Finished& f) {
  metrics_.requests().add(f);
  if (!is_logged(f)) return;
  using Milliseconds = std::chrono::duration<double, std::milli>;
  log::info(f.listener, f.aborted ? "request aborted" : "request",
            {{"method", f.method_name},
             {"path", loggable_path(f.path)},
             {"status", f.status},
             {"bytes", f.bytes_sent},
             {"ms", fmt::format("{:.3f}", Milliseconds(f.duration).count())},
             {"client", f.client.str()},
             {"id", f.id}});
}

void Watch::refused(std::string_view reason, const http::Address& block, Timestamp now) {
  metrics_.refused("s3", reason);
  audit_.refused(reason, block.str(), now);
}

void Watch::corrupt_object(std::string_view key) {
  metrics_.corrupt_object();
  log::error("s3", "a stored object is corrupt; `valetkeyd check` names every one", {{"key", key}});
}

}  // namespace valetkey::server
