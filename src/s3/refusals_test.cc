// SPDX-License-Identifier: Apache-2.0
// How a request is refused that is not signed as it must be.
#include <gtest/gtest.h>

#include <functional>

#include "base/text.h"
#include "s3/testing/world.h"

namespace valetkey::s3 {
namespace {

using namespace std::chrono_literals;

constexpr const char* kMine = "v1/account_id=12/type=events/date=2020-09-14/part-1";

class Refusals : public testing::Test {
 protected:
  Refusals() { world_.store.put(kMine, "content", world_.clock.now()); }

  World world_;
  Tenant me_ = world_.tenant("12");
};

// What clients act on, row by row.
struct Row {
  const char* name;
  int status;
  const char* code;
  std::function<Ask(World&, const Tenant&)> make;
};

Ask plain(World& world) {
  Ask ask;
  ask.path = world.path_of(kMine);
  return ask;
}
Ask without(Ask ask, std::string_view name) {
  std::erase_if(ask.headers, [&](const auto& h) { return equal_ignoring_case(h.first, name); });
  return ask;
}
Ask with(Ask ask, const std::string& name, const std::string& value) {
  ask.headers.emplace_back(name, value);
  return ask;
}
Ask replaced(Ask ask, const std::string& from, const std::string& to) {
  for (std::string* text : {&ask.query, &ask.headers.back().second})
    if (const auto at = text->find(from); at != std::string::npos)
      text->replace(at, from.size(), to);
  return ask;
}
Ask signed_at(World& world, const Tenant& me, milliseconds shift, bool presigned) {
  world.clock.advance(shift);
  Ask ask = presigned ? world.presign(me, plain(world), 60s) : world.sign(me, plain(world));
  world.clock.advance(-shift);
  return ask;
}

std::vector<Row> rows() {
  return {
      {"no credentials", 403, "AccessDenied",
       [](World& w, const Tenant&) { return with(plain(w), "Host", "h"); }},
      {"Signature Version 2", 400, "InvalidRequest",
       [](World& w, const Tenant&) {
         return with(with(plain(w), "Host", "h"), "Authorization", "AWS AKIA:abc=");
       }},
      {"no payload hash", 400, "InvalidRequest",
       [](World& w, const Tenant& me) {
         return without(w.sign(me, plain(w)), "x-amz-content-sha256");
       }},
      {"no payload hash that S3 knows", 400, "InvalidArgument",
       [](World& w, const Tenant& me) {
         Ask ask = w.sign(me, plain(w));
         for (auto& [name, value] : ask.headers)
           if (name == "x-amz-content-sha256") value = "STREAMING-SOMETHING-ELSE";
         return ask;
       }},
      {"clock behind", 403, "RequestTimeTooSkewed",
       [](World& w, const Tenant& me) { return signed_at(w, me, -16min, false); }},
      {"clock ahead", 403, "RequestTimeTooSkewed",
       [](World& w, const Tenant& me) { return signed_at(w, me, 16min, false); }},
      {"presigned URL past its time", 403, "AccessDenied",
       [](World& w, const Tenant& me) { return signed_at(w, me, -61s, true); }},
      {"presigned in the future", 403, "AccessDenied",
       [](World& w, const Tenant& me) { return signed_at(w, me, 16min, true); }},
      {"malformed Authorization", 400, "AuthorizationHeaderMalformed",
       [](World& w, const Tenant& me) {
         return replaced(w.sign(me, plain(w)), "SignedHeaders=", "Signed=");
       }},
      {"another service", 400, "AuthorizationHeaderMalformed",
       [](World& w, const Tenant& me) {
         return replaced(w.sign(me, plain(w)), "/s3/aws4_request", "/iam/aws4_request");
       }},
      {"another day in the scope", 400, "AuthorizationHeaderMalformed",
       [](World& w, const Tenant& me) {
         return replaced(w.sign(me, plain(w)), "/20200913/", "/20200912/");
       }},
      {"malformed presigned query", 400, "AuthorizationQueryParametersError",
       [](World& w, const Tenant& me) {
         return replaced(w.presign(me, plain(w)), "X-Amz-Expires=300", "X-Amz-Expires=x");
       }},
      {"unknown algorithm in the query", 400, "AuthorizationQueryParametersError",
       [](World& w, const Tenant& me) {
         return replaced(w.presign(me, plain(w)), "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512");
       }},
      {"both forms", 400, "InvalidArgument",
       [](World& w, const Tenant& me) {
         Ask ask = w.sign(me, plain(w));
         ask.query = w.presign(me, plain(w)).query;
         return ask;
       }},
      {"unsigned x-amz header", 403, "AccessDenied",
       [](World& w, const Tenant& me) {
         return with(w.sign(me, plain(w)), "x-amz-checksum-mode", "ENABLED");
       }},
      {"wrong signature", 403, "SignatureDoesNotMatch",
       [](World& w, const Tenant& me) {
         return replaced(w.sign(me, plain(w)), "Signature=", "Signature=0");
       }},
  };
}

TEST_F(Refusals, AnswersEveryRowOfTheErrorTable) {
  for (const Row& row : rows()) {
    Ask ask = row.make(world_, me_);
    if (std::string_view(row.name) == "wrong signature") ask.headers.back().second.pop_back();
    const Reply reply = world_.send(ask);
    EXPECT_EQ(reply.status, row.status) << row.name;
    EXPECT_EQ(reply.code(), row.code) << row.name;
    EXPECT_EQ(reply.header("Content-Type"), "application/xml") << row.name;
    EXPECT_EQ(reply.element("RequestId"), reply.header("x-amz-request-id")) << row.name;
    EXPECT_EQ(reply.element("Resource"), ask.path) << row.name;
  }
}

TEST_F(Refusals, SaysWhyAnExpiredUrlOrAnUnsignedHeaderIsDenied) {
  EXPECT_EQ(world_.send(signed_at(world_, me_, -61s, true)).element("Message"),
            "Request has expired");
  EXPECT_EQ(world_.send(signed_at(world_, me_, 16min, true)).element("Message"),
            "Request is not yet valid");
  EXPECT_EQ(
      world_.send(with(world_.sign(me_, plain(world_)), "x-amz-meta-a", "b")).element("Message"),
      "There were headers present in the request which were not signed");
}

}  // namespace
}  // namespace valetkey::s3
