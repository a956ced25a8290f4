// SPDX-License-Identifier: Apache-2.0
#include "s3/meter.h"

namespace valetkey::s3 {
namespace {

constexpr std::uint64_t kReportBytes = 64 << 20;

}  // namespace

bool Meter::enter(limits::SteadyTime now) {
  return books_.accounts.enter(session_->use, now, running_);
}

Meter Meter::for_body() {
  Meter body(session_, came_, books_);
  body.running_ = std::move(running_);
  return body;
}

milliseconds Meter::pause(limits::SteadyTime now) const {
  return books_.accounts.pause(*session_->use, now);
}

void Meter::answered(const http::Address& client, std::uint64_t bytes,
                     std::optional<access::Sight> sight, limits::SteadyTime now) {
  if (bytes > 0) books_.accounts.sent(*session_->use, now, bytes);
  books_.usage.served(session_->scope.claims(), came_, client, bytes, sight);
}

void Meter::sent(std::uint64_t bytes, limits::SteadyTime now) {
  books_.accounts.sent(*session_->use, now, bytes);
  unreported_ += bytes;
  if (unreported_ >= kReportBytes) finish();
}

void Meter::finish() {
  if (unreported_ == 0) return;
  books_.usage.sent(session_->scope.claims(), came_, unreported_);
  unreported_ = 0;
}

}  // namespace valetkey::s3
