// SPDX-License-Identifier: Apache-2.0
#include "server/request_recorder.h"

#include <cmath>

#include "base/log.h"

namespace valetkey::server {

LoggedRequests parse_logged_requests(std::string_view text) {
  if (text == "all") return LoggedRequests::all;
  return text == "none" ? LoggedRequests::none : LoggedRequests::errors;
}

void RequestRecorder::connections(std::string_view listener, int change) {
  metrics_.requests().add_connections(listener, change);
}

// What a log may hold of a path or a sentence: not kilobytes, and no token that was pasted where its
// id belongs.
std::string loggable(std::string_view text) {
  constexpr std::size_t kMost = 256;
  constexpr std::string_view kToken = "vkpat_";
  std::string out;
  while (!text.empty() && out.size() < kMost) {
    const auto token = text.find(kToken);
    out += text.substr(0, std::min(token, kMost - out.size()));
    if (token == std::string_view::npos) break;
    out += "vkpat_[secret]";
    text.remove_prefix(token + kToken.size());
    text.remove_prefix(std::min(text.find_first_of("/ "), text.size()));
  }
  return out;
}

// Nothing for a field that would be empty, so that the line leaves it out.
std::optional<std::string> or_nothing(std::string_view text) {
  if (text.empty()) return std::nullopt;
  return loggable(text);
}

bool RequestRecorder::is_logged(const http::Finished& f) const {
  if (logged_ == LoggedRequests::errors) return f.aborted || f.status >= 400;
  return logged_ == LoggedRequests::all;
}

void RequestRecorder::finished(const http::Finished& f) {
  metrics_.requests().add(f);
  if (!is_logged(f)) return;
  using Milliseconds = std::chrono::duration<double, std::milli>;
  log::info(f.listener, f.aborted ? "request aborted" : "request",
            {{"method", f.method_name},
             {"path", loggable(f.path)},
             {"status", f.status},
             {"bytes", f.bytes_sent},
             {"ms", std::round(Milliseconds(f.duration).count() * 1000) / 1000},
             {"client", f.client.str()},
             {"account", or_nothing(f.note.account)},
             {"token", or_nothing(f.note.token)},
             {"reason", or_nothing(f.note.reason)},
             {"detail", or_nothing(f.note.detail)},
             {"id", f.id}});
}

void RequestRecorder::refused(std::string_view reason, const http::Address& block, Timestamp now) {
  metrics_.refused("s3", reason);
  audit_.refused(reason, block.str(), now);
}

void RequestRecorder::corrupt_object(std::string_view key) {
  metrics_.corrupt_object();
  log::error("s3", "a stored object is corrupt; `valetkeyd check` names every one", {{"key", key}});
}

}  // namespace valetkey::server
