// SPDX-License-Identifier: Apache-2.0
// VALETKEY_TRY and VALETKEY_CHECK (base/result.h) for coroutines that answer a Result.
#pragma once

#include "base/result.h"

// VALETKEY_CO_TRY(auto x, co_await f()): x is the value of f(), or this coroutine returns its error.
#define VALETKEY_CO_TRY(declaration, ...)                                            \
  auto VALETKEY_CONCAT(tried_, __LINE__) = (__VA_ARGS__);                            \
  if (!VALETKEY_CONCAT(tried_, __LINE__))                                            \
    co_return std::unexpected(std::move(VALETKEY_CONCAT(tried_, __LINE__)).error()); \
  declaration = std::move(*VALETKEY_CONCAT(tried_, __LINE__))
// The same for a Result<void>.
#define VALETKEY_CO_CHECK(...) \
  if (auto tried = (__VA_ARGS__); !tried) co_return std::unexpected(std::move(tried).error())
