// SPDX-License-Identifier: Apache-2.0
#include "terminal/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <vector>

#include "terminal/size.h"
#include "terminal/width.h"

namespace valetkey::terminal {
namespace {

constexpr std::size_t kLeastBar = 8, kMostBar = 40;

std::string bar(double share, std::size_t columns) {
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(columns));
  return "[" + std::string(filled, '#') + std::string(columns - filled, '.') + "] ";
}

std::string time_left(double seconds) {
  if (seconds < 100) return fmt::format("{:.0f} s left", seconds);
  if (seconds < 6000) return fmt::format("{:.0f} min left", seconds / 60);
  return fmt::format("{:.0f} h left", seconds / 3600);
}

}  // namespace

std::string progress_text(const Amount& amount, std::chrono::duration<double> elapsed,
                          std::size_t columns) {
  const auto done = static_cast<double>(std::min(amount.bytes_done, amount.bytes));
  const auto all = static_cast<double>(amount.bytes);
  const double share = amount.bytes == 0 ? 1 : done / all;
  const double rate = static_cast<double>(amount.bytes_done) / std::max(0.001, elapsed.count());
  std::vector<std::string> parts{
      fmt::format("{:3.0f} %", share * 100),
      fmt::format("{} of {} files", amount.files_done, amount.files),
      fmt::format("{} of {}", size_text(amount.bytes_done), size_text(amount.bytes)),
      fmt::format("{}/s", size_text(static_cast<std::uint64_t>(rate)))};
  if (rate > 0) parts.push_back(time_left((all - done) / rate));
  const auto text = [&parts] { return fmt::format("{}", fmt::join(parts, ", ")); };
  while (parts.size() > 1 && width_of(text()) + kLeastBar + 3 > columns) parts.pop_back();
  const std::size_t taken = width_of(text()) + 3;
  if (taken + kLeastBar > columns) return cut(text(), columns);
  return bar(share, std::min(columns - taken, kMostBar)) + text();
}

Progress::Progress(std::ostream& out)
    : Progress(out, [watched = &out == &std::cerr]() -> std::optional<std::size_t> {
        return watched ? columns_of(STDERR_FILENO) : std::nullopt;
      }) {}

Progress::Progress(std::ostream& out, Columns columns) : out_(out), columns_(std::move(columns)) {}

void Progress::show(const Amount& amount) {
  using namespace std::chrono_literals;
  const auto now = std::chrono::steady_clock::now();
  const auto columns = columns_();
  if (!columns && !logged_) return;
  if (now - last_ < (columns ? std::chrono::milliseconds(100ms) : 10s)) return;
  last_ = now;
  if (columns)
    draw(progress_text(amount, now - started_, *columns - 1), *columns);
  else
    out_ << progress_text(amount, now - started_, 100) << std::endl;
}

void Progress::say(const std::string& text) {
  if (const auto columns = columns_()) draw(cut(printable(text), *columns - 1), *columns);
}

// Most terminals break what stands there anew when their window is made narrower.
void Progress::draw(const std::string& text, std::size_t columns) {
  const std::size_t lines_above = drawn_ == 0 ? 0 : (drawn_ - 1) / columns;
  if (lines_above > 0) out_ << fmt::format("\x1b[{}A", lines_above);
  out_ << (lines_above > 0 ? "\r\x1b[J" : "\r\x1b[K") << text << std::flush;
  drawn_ = width_of(text);
}

void Progress::clear() {
  if (drawn_ > 0) draw("", columns_().value_or(drawn_ + 1));
}

}  // namespace valetkey::terminal
