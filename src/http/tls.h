// SPDX-License-Identifier: Apache-2.0
// Server-side TLS over memory BIOs (one send per batch; the transport stays replaceable), with
// certificates that can be exchanged while serving. Thread-safe.
#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"
#include "base/timestamp.h"

namespace valetkey::http {

class TlsContext {
 public:
  // PEM chain and key. TLS 1.2 and 1.3. The key file must not be readable by others (`denied`).
  static Result<std::shared_ptr<TlsContext>> load(std::filesystem::path certificate,
                                                  std::filesystem::path key);
  virtual ~TlsContext() = default;
  // Reads both files again; new connections use them. On failure the former pair stays in force.
  virtual Result<void> reload() = 0;
  virtual Timestamp not_after() const = 0;  // of the leaf certificate

 protected:
  TlsContext() = default;
};

}  // namespace valetkey::http
