// SPDX-License-Identifier: Apache-2.0
#include "server/health.h"

#include <fmt/format.h>

namespace valetkey::server {
namespace {

constexpr milliseconds kStuckAfter{15'000};
constexpr std::chrono::days kCertificateWarning{14};

std::string in_mib(std::uint64_t bytes) { return fmt::format("{} MiB", bytes >> 20); }

}  // namespace

bool Health::above_watermark() const {
  if (disk_total_bytes == 0) return false;
  const double used = static_cast<double>(disk_total_bytes - disk_free_bytes);
  return used * 100 >=
         static_cast<double>(disk_total_bytes) * static_cast<double>(watermark_percent);
}

std::vector<std::string> Health::problems(Timestamp now) const {
  std::vector<std::string> out;
  if (stopping) out.emplace_back("the server is shutting down");
  if (now - looked > kStuckAfter) out.emplace_back("the server's own checks do not come back");
  if (!control_fresh)
    out.push_back("the control store has not been readable for 5 s" +
                  (control_problem.empty() ? "" : ": " + control_problem));
  if (!object_store_problem.empty())
    out.push_back("the object store cannot be read: " + object_store_problem);
  if (!no_key.empty()) out.push_back(no_key);
  if (disk_total_bytes > 0 && disk_free_bytes < min_free_bytes)
    out.push_back(fmt::format("the disk is full: {} free, {} needed", in_mib(disk_free_bytes),
                              in_mib(min_free_bytes)));
  if (exporting && !exporting->intake_problem.empty())
    out.push_back("events are not taken: " + exporting->intake_problem);
  return out;
}

std::vector<std::string> Health::warnings(Timestamp now) const {
  std::vector<std::string> out;
  if (above_watermark())
    out.push_back(fmt::format("the disk is filled above {} %: {} free", watermark_percent,
                              in_mib(disk_free_bytes)));
  if (!keyring_problem.empty())
    out.push_back("the keyring cannot be read again, the former one stays in force: " +
                  keyring_problem);
  if (exporting && !exporting->problem.empty())
    out.push_back("events are not exported, they wait: " + exporting->problem);
  if (certificate_not_after && *certificate_not_after <= now)
    out.push_back("the TLS certificate expired on " + format_iso8601(*certificate_not_after));
  else if (certificate_not_after && *certificate_not_after - now < kCertificateWarning)
    out.push_back("the TLS certificate expires on " + format_iso8601(*certificate_not_after));
  return out;
}

}  // namespace valetkey::server
