// SPDX-License-Identifier: Apache-2.0
// What one request costs its account: that it runs, how long a body must wait for its turn, and the bytes that are sent,
// which count for the account's limits and for its usage. It goes with the answer: a body that is still to be read has
// one of its own. For one thread at a time.
#pragma once

#include <optional>

#include "access/usage.h"
#include "http/message.h"
#include "limits/account_limits.h"
#include "s3/session_cache.h"

namespace valetkey::s3 {

// Where costs are kept; both outlive every meter.
struct Books {
  const limits::AccountTable& accounts;
  access::Usage& usage;
};

class Meter {
 public:
  // `came`: when the request did, for the usage.
  Meter(SessionPtr session, Timestamp came, const Books& books)
      : session_(std::move(session)), came_(came), books_(books) {}

  const SessionPtr& session() const { return session_; }
  // False: the account is over a limit, answer SlowDown. True: the request runs until this goes.
  bool enter(limits::SteadyTime now);
  // For a body that is still to be read: from here on the request runs until that one goes.
  Meter for_body();

  // How long the next bytes must wait; zero: not at all.
  milliseconds pause(limits::SteadyTime now) const;
  std::uint64_t bytes_per_s() const { return books_.accounts.limits().bytes_per_s; }  // 0: any

  // The request was answered, with so many bytes that are there already.
  void answered(const http::Address& client, std::uint64_t bytes,
                std::optional<access::Sight> sight, limits::SteadyTime now);
  // More bytes went, of a body that is read piece by piece.
  void sent(std::uint64_t bytes, limits::SteadyTime now);
  // Writes down what is not yet, of these; for when the body goes.
  void finish();

 private:
  SessionPtr session_;
  Timestamp came_;
  Books books_;
  limits::Running running_;
  std::uint64_t unreported_ = 0;
};

}  // namespace valetkey::s3
