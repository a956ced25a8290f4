// SPDX-License-Identifier: Apache-2.0
#include "terminal/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>

namespace valetkey::terminal {
namespace {

constexpr std::string_view kMakeRoom = "make room in ";
constexpr std::size_t kMostWaiting = 64 << 10;

// Also where DuckDB met it, whose errors have no codes.
bool is_full(const Error& error) {
  return error.code == ErrorCode::full || error.detail.contains("No space left on device") ||
         error.detail.contains("Disk quota exceeded");
}

Result<void> written(const std::ostream& out) {
  if (out) return {};
  constexpr std::string_view kWhat = "the output cannot be written";
  if (errno == 0) return fail(ErrorCode::io, std::string(kWhat));
  return with_room_advice(fail_errno(kWhat), "what it goes to", "send it elsewhere");
}

}  // namespace

Result<void> with_room_advice(Result<void> done, const std::filesystem::path& folder,
                              std::string_view otherwise) {
  if (done || !is_full(done.error()) || done.error().detail.contains(kMakeRoom)) return done;
  Error error = std::move(done).error();
  error.code = ErrorCode::full;
  error.detail += fmt::format("; {}{}, or {}", kMakeRoom, folder.string(), otherwise);
  return std::unexpected(std::move(error));
}

StandardOutput::StandardOutput(int descriptor)
    : descriptor_(descriptor), former_(std::cout.rdbuf(this)) {}

StandardOutput::~StandardOutput() {
  StandardOutput::sync();
  std::cout.rdbuf(former_);
}

std::streamsize StandardOutput::xsputn(const char* bytes, std::streamsize count) {
  waiting_.append(bytes, static_cast<std::size_t>(count));
  return waiting_.size() < kMostWaiting || sync() == 0 ? count : 0;
}

int StandardOutput::overflow(int byte) {
  if (traits_type::eq_int_type(byte, traits_type::eof())) return sync();
  const char one = traits_type::to_char_type(byte);
  return xsputn(&one, 1) == 1 ? byte : traits_type::eof();
}

int StandardOutput::sync() {
  std::size_t gone = 0;
  bool failed = false;
  while (gone < waiting_.size() && !failed) {
    const auto n = ::write(descriptor_, waiting_.data() + gone, waiting_.size() - gone);
    if (n > 0) gone += static_cast<std::size_t>(n);
    failed = n < 0 && errno != EINTR;
  }
  waiting_.erase(0, gone);
  return failed ? -1 : 0;
}

Result<void> write_out(std::ostream& out, std::string_view bytes) {
  errno = 0;
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return written(out);
}

Result<void> flush_out(std::ostream& out) {
  errno = 0;
  const bool failed_before = !out;
  out.clear();  // what could not be written then tells its reason now
  out.flush();
  if (failed_before) out.setstate(std::ios::badbit);
  return written(out);
}

}  // namespace valetkey::terminal
