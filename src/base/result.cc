// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <cerrno>
#include <system_error>

namespace valetkey {

std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid:
      return "invalid";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::already_exists:
      return "already_exists";
    case ErrorCode::denied:
      return "denied";
    case ErrorCode::unavailable:
      return "unavailable";
    case ErrorCode::busy:
      return "busy";
    case ErrorCode::too_large:
      return "too_large";
    case ErrorCode::full:
      return "full";
    case ErrorCode::corrupt:
      return "corrupt";
    case ErrorCode::io:
      return "io";
    case ErrorCode::internal:
      return "internal";
  }
  return "internal";
}

namespace {

ErrorCode code_of(int number) {
  switch (number) {
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::full;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::denied;
    case ENOENT:
      return ErrorCode::not_found;
    case EEXIST:
      return ErrorCode::already_exists;
    default:
      return ErrorCode::io;
  }
}

}  // namespace

std::unexpected<Error> fail_errno(std::string_view what) {
  const int number = errno;  // before anything that could change it
  return fail(code_of(number), std::string(what) + ": " + std::generic_category().message(number));
}

}  // namespace valetkey
