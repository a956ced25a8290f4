// SPDX-License-Identifier: Apache-2.0
// What happens at requests, turned into metrics, access log lines and audit records. Called on
// every loop.
#pragma once

#include "control/audit.h"
#include "http/server.h"
#include "s3/hooks.h"
#include "server/metrics.h"

namespace valetkey::server {

enum class LoggedRequests : std::uint8_t { all, errors, none };
LoggedRequests parse_logged_requests(std::string_view text);  // of [log] requests; checked before

class RequestRecorder final : public http::Observer, public s3::Hooks {
 public:
  RequestRecorder(Metrics& metrics, control::AuditLog& audit, LoggedRequests logged)
      : metrics_(metrics), audit_(audit), logged_(logged) {}
  void connections(std::string_view listener, int change) override;
  void finished(const http::Finished& finished) override;
  void refused(std::string_view reason, const http::Address& block, Timestamp now) override;
  void corrupt_object(std::string_view key) override;

 private:
  bool is_logged(const http::Finished& finished) const;
  Metrics& metrics_;
  control::AuditLog& audit_;
  LoggedRequests logged_;
};

// The audit log that the API writes to: counts its refusals on the way.
class CountingAudit final : public control::AuditLog {
 public:
  CountingAudit(control::AuditLog& log, Metrics& metrics) : log_(log), metrics_(metrics) {}
  void append(const control::AuditEntry& entry) override { log_.append(entry); }
  Result<void> append_durably(const control::AuditEntry& entry) override {
    return log_.append_durably(entry);
  }
  void refused(std::string_view reason, std::string_view block, Timestamp now) override {
    metrics_.refused("api", reason);
    log_.refused(reason, block, now);
  }

 private:
  control::AuditLog& log_;
  Metrics& metrics_;
};

}  // namespace valetkey::server
