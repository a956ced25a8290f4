// SPDX-License-Identifier: Apache-2.0
// The one vocabulary for failure. Values, not exceptions: those are for broken invariants and
// start-up.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace valetkey {

enum class ErrorCode : std::uint8_t {
  invalid,         // the caller's input is wrong
  not_found,       // the named thing does not exist
  already_exists,  // the named thing exists
  denied,          // not allowed, by us or by the operating system
  unavailable,     // try again later
  busy,            // another holder has the lock
  too_large,       // over a limit
  full,            // no space left
  corrupt,         // stored bytes are not what was written
  io,              // the operating system failed
  internal,        // a bug
};

std::string_view name_of(ErrorCode code);

// `detail` is one sentence for operators that names the thing and, where there is one, the remedy.
// Never a secret, never sent to a client of a listener.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string detail;
};

// A value or the reason there is none.
template <class T, class E = Error>
class [[nodiscard]] Result : public std::expected<T, E> {
 public:
  using std::expected<T, E>::expected;
};

inline std::unexpected<Error> fail(ErrorCode code, std::string detail) {
  return std::unexpected(Error{code, std::move(detail)});
}

// An Error for the current errno: "<what>: <strerror>"; ENOSPC and EDQUOT are full, EACCES, EPERM
// and EROFS denied, ENOENT not_found, EEXIST already_exists, the rest io.
std::unexpected<Error> fail_errno(std::string_view what);

}  // namespace valetkey

// VALETKEY_TRY(auto x, f()): x is the value of f(), or this function returns its error.
#define VALETKEY_CONCAT_(a, b) a##b
#define VALETKEY_CONCAT(a, b) VALETKEY_CONCAT_(a, b)
#define VALETKEY_TRY(declaration, ...)                                            \
  auto VALETKEY_CONCAT(tried_, __LINE__) = (__VA_ARGS__);                         \
  if (!VALETKEY_CONCAT(tried_, __LINE__))                                         \
    return std::unexpected(std::move(VALETKEY_CONCAT(tried_, __LINE__)).error()); \
  declaration = std::move(*VALETKEY_CONCAT(tried_, __LINE__))
// The same for a Result<void>.
#define VALETKEY_CHECK(...) \
  if (auto tried = (__VA_ARGS__); !tried) return std::unexpected(std::move(tried).error())
