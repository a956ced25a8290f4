// SPDX-License-Identifier: Apache-2.0
#include "s3/service.h"

#include "base/crypto.h"
#include "base/encoding.h"
#include "s3/authenticate.h"
#include "s3/authorize.h"
#include "s3/call.h"
#include "s3/cors.h"
#include "s3/error.h"
#include "s3/meter.h"
#include "s3/operations.h"

namespace valetkey::s3 {
namespace {

// Enough for the bodies that can be checked; whatever has one is refused anyway.
constexpr std::size_t kMaxBodyBytes = 16 * 1024;

Failure failure_of_status(int status) {
  switch (status) {
    case 400:
      return {Code::bad_request, {}, {}, {}};
    case 408:
      return {Code::request_timeout, {}, {}, {}};
    case 431:
      return {Code::request_header_section_too_large, {}, {}, {}};
    case 503:
      return {Code::slow_down, {}, {}, {}};
    default:
      return {Code::internal_error, {}, {}, {}};
  }
}

}  // namespace

class Service::Impl {
 public:
  Impl(storage::ObjectStore& store, const KeySource& keys,
       const access::RevocationCheck& revocation, access::Usage& usage, Hooks& hooks,
       http::asio::thread_pool& blocking, Options options)
      : options_(std::move(options)),
        accounts_(options_.limits),
        books_{accounts_, usage},
        hooks_(hooks),
        cors_(options_.cors_origins),
        host_id_(base64(random_bytes(48))),
        authenticator_(keys, revocation, accounts_, {options_.region, options_.strict_region}),
        operations_(store, keys, {revocation, hooks}, blocking, options_.region) {}

  http::Task<http::Response> handle(const http::Request& request) {
    http::Note note;
    Answer<http::Response> answer = co_await respond(request, note);
    http::Response response = answer ? std::move(*answer) : refuse_request(answer.error(), request);
    response.note().account = std::move(note.account);
    response.note().token = std::move(note.token);
    cors_.decorate(request, response);
    co_return sealed(std::move(response), request.id);
  }

  http::Response refuse(int status, const http::Request& head) const {
    http::Response response =
        error_response(failure_of_status(status), head.method, head.path, head.id, host_id_);
    cors_.decorate(head, response);
    return sealed(std::move(response), head.id);
  }

 private:
  // Everything between the request and its operation, in that order: parse, authenticate,
  // authorise.
  http::Task<Answer<http::Response>> respond(const http::Request& request, http::Note& note) {
    if (request.method == http::Method::options) co_return cors_.preflight(request);
    auto call = parse_call(request, options_.domain);
    if (!call) co_return std::unexpected(std::move(call).error());
    auto session = authenticator_.authenticate(request, note);
    if (!session) co_return std::unexpected(std::move(session).error());
    Meter meter(std::move(*session), request.now, books_);
    auto authorized = admit(meter, std::move(*call), request);
    if (!authorized) {
      meter.answered(request.client, 0, std::nullopt, steady_now());
      co_return std::unexpected(std::move(authorized).error());
    }
    auto answer = co_await operations_.run(*authorized, request, meter);
    meter.answered(request.client, answer ? answer->body_bytes().size() : 0,
                   answer ? sight_of(*authorized, request, *answer) : std::nullopt, steady_now());
    co_return answer;
  }

  Answer<Authorized> admit(Meter& meter, Call call, const http::Request& request) const {
    if (!meter.enter(steady_now())) return s3::refuse(Code::slow_down);
    VALETKEY_TRY(Authorized authorized,
                 authorize(meter.session(), std::move(call), options_.bucket));
    const auto owner = request.header("x-amz-expected-bucket-owner");
    if (owner && *owner != authorized.account().str()) return s3::refuse(Code::access_denied);
    if (!request.body_complete) return s3::refuse(Code::max_message_length_exceeded);
    return authorized;
  }

  static limits::SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

  static std::optional<access::Sight> sight_of(const Authorized& call, const http::Request& request,
                                               const http::Response& answer) {
    if (answer.status() >= 300) return std::nullopt;
    if (call.operation() == Operation::list_objects) return access::Sight::listing;
    if (call.operation() == Operation::read_object && request.method == http::Method::get)
      return access::Sight::bytes;
    return std::nullopt;
  }

  http::Response refuse_request(const Failure& failure, const http::Request& request) {
    if (!failure.reason.empty())
      hooks_.refused(failure.reason, request.client.block(), request.now);
    return error_response(failure, request.method, request.path, request.id, host_id_);
  }

  // What every answer carries. An object may be anything: browsers must not run or sniff it.
  http::Response sealed(http::Response response, std::string_view request_id) const {
    response.set("x-amz-request-id", request_id);
    response.set("x-amz-id-2", host_id_);
    response.set("Content-Security-Policy", "sandbox; default-src 'none'");
    response.set("X-Content-Type-Options", "nosniff");
    return response;
  }

  Options options_;
  limits::AccountTable accounts_;
  Books books_;
  Hooks& hooks_;
  Cors cors_;
  std::string host_id_;  // names this process, as S3's x-amz-id-2 names a host
  Authenticator authenticator_;
  Operations operations_;
};

Service::Service(storage::ObjectStore& store, const KeySource& keys,
                 const access::RevocationCheck& revocation, access::Usage& usage, Hooks& hooks,
                 http::asio::thread_pool& blocking, Options options)
    : impl_(std::make_unique<Impl>(store, keys, revocation, usage, hooks, blocking,
                                   std::move(options))) {}
Service::~Service() = default;

std::size_t Service::max_body_bytes(const http::Request&) const { return kMaxBodyBytes; }

http::Task<http::Response> Service::handle(const http::Request& request) {
  return impl_->handle(request);
}

http::Response Service::refuse(int status, const http::Request& head) const {
  return impl_->refuse(status, head);
}

}  // namespace valetkey::s3
