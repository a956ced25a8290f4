// SPDX-License-Identifier: Apache-2.0
// Requests to a bucket that are repeated where that helps: dropped connections, 5xx, SlowDown, own
// credentials that have ended. Thread-safe; blocks.
#pragma once

#include <memory>
#include <string>

#include "aws/kept_keys.h"
#include "aws/s3.h"
#include "base/clock.h"

namespace valetkey::bucket {

// How often and how long it is tried: five times, with pauses of 0.1 s and twice as much each time,
// half of it random.
inline constexpr int kAttempts = 5;
inline constexpr milliseconds kFirstPause{100};

class Calls {
 public:
  // All of them outlive it. `first_pause`: shorter in tests.
  Calls(const aws::S3& s3, aws::KeptKeys& keys, const Clock& clock,
        milliseconds first_pause = kFirstPause)
      : s3_(s3), keys_(keys), clock_(clock), first_pause_(first_pause) {}

  // The last answer, whatever it says; an error where none came.
  Result<http::ClientResponse> send(const aws::S3Request& request) const;
  // The same where anything but 2xx is an error: `not_found`, `denied`, `already_exists` (412),
  // `unavailable`, else `io`; one sentence.
  Result<http::ClientResponse> expect(const aws::S3Request& request) const;
  // As expect(), of a body that is read as it comes.
  Result<std::unique_ptr<http::Download>> open(const aws::S3Request& request) const;

 private:
  template <class Answer, class Ask>
  Result<Answer> repeat(Ask ask) const;
  Error refusal(const aws::S3Request& request, const http::ClientResponse& answer) const;

  const aws::S3& s3_;
  aws::KeptKeys& keys_;
  const Clock& clock_;
  const milliseconds first_pause_;
};

}  // namespace valetkey::bucket
