// SPDX-License-Identifier: Apache-2.0
#include "s3/error.h"

#include <array>

#include "base/encoding.h"
#include "s3/xml.h"

namespace valetkey::s3 {
namespace {

// In the order of Code.
constexpr std::array kCodes{
    CodeInfo{403, "AccessDenied", "Access Denied"},
    CodeInfo{
        403, "AccessForbidden",
        "CORSResponse: This CORS request is not allowed. The origin, the method or a requested "
        "header is not among those that this server is configured for."},
    CodeInfo{400, "AuthorizationHeaderMalformed",
             "The authorization header that you provided is not valid: it must name one credential "
             "of the form <access key id>/<date of the request>/<region>/s3/aws4_request, the "
             "signed headers and the signature."},
    CodeInfo{400, "AuthorizationQueryParametersError",
             "The X-Amz-* query parameters of a presigned URL are missing or not valid."},
    CodeInfo{400, "BadRequest", "The request could not be read."},
    CodeInfo{400, "ExpiredToken", "The provided token has expired."},
    CodeInfo{500, "InternalError", "We encountered an internal error. Please try again."},
    CodeInfo{403, "InvalidAccessKeyId",
             "The AWS Access Key Id you provided does not exist in our records, or it is temporary "
             "and its session token is missing."},
    CodeInfo{400, "InvalidArgument", "Invalid Argument"},
    CodeInfo{416, "InvalidPartNumber", "The requested partnumber is not satisfiable"},
    CodeInfo{416, "InvalidRange", "The requested range is not satisfiable"},
    CodeInfo{400, "InvalidRequest", "Invalid Request"},
    CodeInfo{400, "InvalidToken", "The provided token is malformed or otherwise invalid."},
    CodeInfo{400, "InvalidURI", "Couldn't parse the specified URI."},
    CodeInfo{400, "KeyTooLongError", "Your key is too long"},
    CodeInfo{400, "MaxMessageLengthExceeded", "Your request was too big."},
    CodeInfo{405, "MethodNotAllowed", "The specified method is not allowed against this resource."},
    CodeInfo{404, "NoSuchKey", "The specified key does not exist."},
    CodeInfo{501, "NotImplemented",
             "A header or query parameter you provided implies functionality that is not "
             "implemented."},
    CodeInfo{412, "PreconditionFailed",
             "At least one of the pre-conditions you specified did not hold"},
    CodeInfo{431, "RequestHeaderSectionTooLarge",
             "Your request header section exceeds the maximum allowed request header section size"},
    CodeInfo{403, "RequestTimeTooSkewed",
             "The difference between the request time and the current time is too large."},
    CodeInfo{408, "RequestTimeout",
             "Your socket connection to the server was not read from or written to within the "
             "timeout period."},
    CodeInfo{503, "ServiceUnavailable", "Service is unable to handle request. Please try again."},
    CodeInfo{403, "SignatureDoesNotMatch",
             "The request signature we calculated does not match the signature you provided. Check "
             "your key and signing method."},
    CodeInfo{503, "SlowDown", "Please reduce your request rate."},
    CodeInfo{400, "XAmzContentSHA256Mismatch",
             "The provided 'x-amz-content-sha256' header does not match what was computed."},
};
static_assert(kCodes.size() == static_cast<std::size_t>(Code::x_amz_content_sha256_mismatch) + 1);

std::string error_xml(const Failure& failure, std::string_view path, std::string_view request_id,
                      std::string_view host_id) {
  const CodeInfo& info = info_of(failure.code);
  std::string xml(kXmlDeclaration);
  xml += "<Error>";
  append_element(xml, "Code", info.name);
  append_element(xml, "Message", failure.message.empty() ? info.message : failure.message);
  xml += failure.details;
  // What is no text shows as it was sent.
  append_element(xml, "Resource", is_utf8(path) ? std::string(path) : percent_encode(path, true));
  append_element(xml, "RequestId", request_id);
  append_element(xml, "HostId", host_id);
  xml += "</Error>";
  return xml;
}

}  // namespace

const CodeInfo& info_of(Code code) { return kCodes.at(static_cast<std::size_t>(code)); }

std::unexpected<Failure> refuse(Code code, std::string message, std::string details) {
  return std::unexpected(Failure{code, std::move(message), std::move(details), {}});
}

std::unexpected<Failure> invalid_argument(std::string_view name, std::string_view value,
                                          std::string message) {
  std::string details;
  append_element(details, "ArgumentName", name);
  append_element(details, "ArgumentValue", value);
  return refuse(Code::invalid_argument, std::move(message), std::move(details));
}

Failure failure_of(sigv4::Refusal refusal) {
  using enum sigv4::Refusal;
  switch (refusal) {
    case no_credentials:
      return {Code::access_denied, {}, {}, "no_credentials"};
    case unsupported:
      return {Code::invalid_request,
              "The authorization mechanism you have provided is not supported. Please use "
              "AWS4-HMAC-SHA256.",
              {},
              "unsupported_signature"};
    case malformed_header:
      return {Code::authorization_header_malformed, {}, {}, "malformed_credentials"};
    case malformed_query:
      return {Code::authorization_query_parameters_error, {}, {}, "malformed_credentials"};
    case both_forms:
      return {Code::invalid_argument,
              "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter or the "
              "Authorization header should be specified",
              {},
              "both_forms"};
    case repeated:
      return {Code::invalid_argument,
              "A query parameter, an x-amz-* header or the session token is given more than once.",
              {},
              "repeated"};
    case no_payload_hash:
      return {Code::invalid_request,
              "Missing required header for this request: x-amz-content-sha256 (UNSIGNED-PAYLOAD or "
              "the SHA-256 of the body in lower-case hex)",
              {},
              "no_payload_hash"};
    case payload_hash_form:
      return {Code::invalid_argument,
              "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
              "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, "
              "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, "
              "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
              "<ArgumentName>x-amz-content-sha256</ArgumentName>", "payload_hash_form"};
    case skewed:
      return {Code::request_time_too_skewed, {}, {}, "skewed"};
    case expired:
      return {Code::access_denied, "Request has expired", {}, "expired_url"};
    case not_yet_valid:
      return {Code::access_denied, "Request is not yet valid", {}, "skewed"};
    case unsigned_header:
      return {Code::access_denied,
              "There were headers present in the request which were not signed",
              {},
              "unsigned_header"};
    case mismatch:
      return {Code::signature_does_not_match, {}, {}, "signature_mismatch"};
    case bad_encoding:
      return {Code::invalid_uri, {}, {}, "bad_encoding"};
  }
  return {Code::access_denied, {}, {}, "unknown"};
}

Failure failure_of(access::SessionRefusal refusal) {
  if (refusal == access::SessionRefusal::expired)
    return {Code::expired_token, {}, {}, "expired_session"};
  return {Code::invalid_token, {}, {}, "invalid_session"};
}

Failure failure_of(const Error& error, std::string_view key) {
  switch (error.code) {
    case ErrorCode::not_found: {
      Failure failure{Code::no_such_key, {}, {}, {}};
      append_element(failure.details, "Key", key);
      return failure;
    }
    case ErrorCode::unavailable:
    case ErrorCode::busy:
      return {Code::service_unavailable, {}, {}, {}};
    default:
      return {Code::internal_error, {}, {}, {}};
  }
}

http::Response error_response(const Failure& failure, http::Method method, std::string_view path,
                              std::string_view request_id, std::string_view host_id) {
  http::Response response(info_of(failure.code).status);
  if (!failure.content_range.empty()) response.set("Content-Range", failure.content_range);
  if (response.status() == 503) response.set("Retry-After", "1");
  response.note().reason = failure.reason.empty() ? info_of(failure.code).name : failure.reason;
  response.note().detail = failure.message;
  std::string xml = error_xml(failure, path, request_id, host_id);
  if (method == http::Method::head)
    response.set("Content-Type", "application/xml").length_only(xml.size());
  else
    response.body(std::move(xml), "application/xml");
  return response;
}

}  // namespace valetkey::s3
