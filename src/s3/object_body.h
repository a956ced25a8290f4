// SPDX-License-Identifier: Apache-2.0
// The body of a GET, read and decrypted batch by batch as the client takes it. It goes on asking
// whether the session still counts, paces itself to its account's bandwidth, and fails rather than
// send a wrong byte.
#pragma once

#include <memory>

#include "access/revocation.h"
#include "http/message.h"
#include "s3/hooks.h"
#include "s3/meter.h"
#include "s3/range.h"
#include "storage/object_store.h"

namespace valetkey::s3 {

// What rechecks and counts bodies; all of it outlives them.
struct Oversight {
  const access::RevocationCheck& revocation;
  Hooks& hooks;
};

class ObjectBody final : public http::BodySource {
 public:
  ObjectBody(std::unique_ptr<storage::ObjectReader> reader, Span span, Meter meter,
             Oversight oversight);
  ~ObjectBody() override;
  ObjectBody(const ObjectBody&) = delete;
  ObjectBody& operator=(const ObjectBody&) = delete;

  std::uint64_t size() const override { return span_.length; }
  Pull pull(std::span<char> out, bool may_block) override;
  std::string_view failure() const override { return failure_; }

 private:
  std::optional<Pull> hold(limits::SteadyTime now);
  std::span<char> batch(std::span<char> out) const;
  Pull failed(storage::ReadFailure failure);

  std::unique_ptr<storage::ObjectReader> reader_;
  Span span_;
  Meter meter_;
  Oversight oversight_;
  std::uint64_t sent_ = 0;
  std::string_view failure_ = "unreadable";
  std::optional<limits::SteadyTime>
      stale_since_;  // the control store has not been seen for too long
};

}  // namespace valetkey::s3
