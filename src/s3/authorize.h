// SPDX-License-Identifier: Apache-2.0
// What is asked, and whether the session may: the third step, between authentication and any
// operation. Pure. Everything that is not allowed here is denied.
#pragma once

#include <string>
#include <string_view>

#include "s3/call.h"
#include "s3/error.h"
#include "s3/session_cache.h"

namespace valetkey::s3 {

enum class Operation : std::uint8_t {
  head_bucket,
  get_bucket_location,
  list_objects,
  read_object,      // GetObject, HeadObject
  not_implemented,  // allowed as far as the scope goes, but nothing we do
};

// Proof that a session may do what a call asks. Only authorize() makes one, and operations take
// nothing else, so an unchecked path does not compile.
class Authorized {
 public:
  Operation operation() const { return operation_; }
  const Call& call() const { return call_; }
  // The decoded key of read_object.
  const std::string& key() const { return call_.key; }
  // The prefix parameter of list_objects; it starts with one of the session's own.
  std::string_view prefix() const { return call_.value("prefix"); }
  const AccountId& account() const { return session_->scope.account(); }
  const SessionPtr& session() const { return session_; }

 private:
  friend Answer<Authorized> authorize(SessionPtr, Call, std::string_view);
  Authorized(Operation operation, Call call, SessionPtr session)
      : operation_(operation), call_(std::move(call)), session_(std::move(session)) {}
  Operation operation_;
  Call call_;
  SessionPtr session_;
};

// `bucket`: ours. Denies first and says what is not implemented only inside the scope.
Answer<Authorized> authorize(SessionPtr session, Call call, std::string_view bucket);

}  // namespace valetkey::s3
