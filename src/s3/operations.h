// SPDX-License-Identifier: Apache-2.0
// The operations themselves. They take a proof that the request was authorised and nothing less.
#pragma once

#include <string>

#include "base/keyring.h"
#include "http/async.h"
#include "s3/authorize.h"
#include "s3/object_body.h"
#include "storage/object_store.h"

namespace valetkey::s3 {

class Operations {
 public:
  // All of these outlive the operations and the bodies that they return.
  Operations(storage::ObjectStore& store, const KeySource& keys, Oversight oversight,
             http::asio::thread_pool& blocking, std::string region)
      : store_(store),
        keys_(keys),
        oversight_(oversight),
        blocking_(blocking),
        region_(std::move(region)) {}

  // A body that is still to be read takes the meter's place; what is there already, the caller counts.
  http::Task<Answer<http::Response>> run(const Authorized& authorized, const http::Request& request,
                                         Meter& meter) const;

 private:
  Answer<http::Response> head_bucket() const;
  Answer<http::Response> get_bucket_location() const;
  http::Task<Answer<http::Response>> list(const Authorized& authorized, Timestamp now) const;
  http::Task<Result<std::unique_ptr<storage::ObjectReader>>> open(const std::string& key) const;
  http::Task<Answer<http::Response>> head_object(const Authorized& authorized,
                                                 const http::Request& request) const;
  http::Task<Answer<http::Response>> get_object(const Authorized& authorized,
                                                const http::Request& request, Meter& meter) const;

  storage::ObjectStore& store_;
  const KeySource& keys_;
  Oversight oversight_;
  http::asio::thread_pool& blocking_;
  std::string region_;
};

}  // namespace valetkey::s3
