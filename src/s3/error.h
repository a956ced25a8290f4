// SPDX-License-Identifier: Apache-2.0
// The errors of the S3 protocol: every code with its status and its sentence, and the one place
// where the refusals of the modules below become one. Pure. Thread-safe. Source:
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "access/credentials.h"
#include "base/result.h"
#include "http/message.h"
#include "sigv4/verify.h"

namespace valetkey::s3 {

enum class Code : std::uint8_t {
  access_denied,
  access_forbidden,
  authorization_header_malformed,
  authorization_query_parameters_error,
  bad_request,
  expired_token,
  internal_error,
  invalid_access_key_id,
  invalid_argument,
  invalid_part_number,
  invalid_range,
  invalid_request,
  invalid_token,
  invalid_uri,
  key_too_long,
  max_message_length_exceeded,
  method_not_allowed,
  no_such_key,
  not_implemented,
  precondition_failed,
  request_header_section_too_large,
  request_time_too_skewed,
  request_timeout,
  service_unavailable,
  signature_does_not_match,
  slow_down,
  x_amz_content_sha256_mismatch,
};

struct CodeInfo {
  int status;
  std::string_view name;     // as in <Code>
  std::string_view message;  // what is said unless the failure says more
};
const CodeInfo& info_of(Code code);

// Why a request is not answered as asked. Everything in it may reach the client but `reason`.
struct Failure {
  Code code = Code::internal_error;
  std::string message;          // empty: the code's own
  std::string details;          // further elements of the body, already XML
  std::string_view reason;      // a fixed word for audit, metrics and log; empty: not counted
  std::string content_range{};  // the header of a 416
};

template <class T>
using Answer = Result<T, Failure>;

std::unexpected<Failure> refuse(Code code, std::string message = {}, std::string details = {});
// 400 InvalidArgument that names the argument as S3 does.
std::unexpected<Failure> invalid_argument(std::string_view name, std::string_view value,
                                          std::string message);
Failure failure_of(sigv4::Refusal refusal);
Failure failure_of(access::SessionRefusal refusal);
// What the store could not do. `not_found` is NoSuchKey; all the rest says nothing of the inside.
Failure failure_of(const Error& error, std::string_view key);

// The whole answer: status, XML body, or no body for a HEAD.
http::Response error_response(const Failure& failure, http::Method method, std::string_view path,
                              std::string_view request_id, std::string_view host_id);

}  // namespace valetkey::s3
