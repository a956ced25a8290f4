// SPDX-License-Identifier: Apache-2.0
#include "server/progress_bar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace valetkey::server {

std::string ProgressBar::bytes_text(std::uint64_t bytes) {
  constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  auto value = static_cast<double>(bytes);
  for (; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, units[unit]);
}

void ProgressBar::show(std::uint64_t files, std::uint64_t files_done, std::uint64_t bytes,
                       std::uint64_t bytes_done) {
  const auto now = std::chrono::steady_clock::now();
  const auto period = terminal_ ? std::chrono::milliseconds(100) : std::chrono::seconds(10);
  if (now - last_ < period) return;
  last_ = now;
  const double elapsed = std::chrono::duration<double>(now - started_).count();
  const double share =
      bytes == 0 ? 0 : static_cast<double>(bytes_done) / static_cast<double>(bytes);
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(bytes_done) / elapsed);
  const auto filled = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * 24);
  const std::string line =
      fmt::format("[{}{}] {:3.0f} %  {} of {} files  {}  {}/s", std::string(filled, '#'),
                  std::string(24 - filled, '.'), share * 100, files_done, files,
                  bytes_text(bytes_done), bytes_text(rate));
  out_ << (terminal_ ? "\r\x1b[K" + line : line + "\n") << std::flush;
  drawn_ = terminal_;
}

void ProgressBar::clear() {
  if (drawn_) out_ << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

}  // namespace valetkey::server
