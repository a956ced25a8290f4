// SPDX-License-Identifier: Apache-2.0
// Conditional requests with S3's precedence: If-Match silences If-Unmodified-Since, If-None-Match
// silences If-Modified-Since. Dates count in whole seconds; a date that is none is ignored. Pure.
// Thread-safe. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
// ("Additional considerations about request headers"),
// https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2
#pragma once

#include <string_view>

#include "base/timestamp.h"
#include "http/message.h"

namespace valetkey::s3 {

struct Validators {
  std::string_view etag;  // without quotes
  Timestamp modified;
};

enum class Verdict : std::uint8_t { proceed, not_modified, failed };
struct Condition {
  Verdict verdict = Verdict::proceed;
  std::string_view header;  // which one failed
};

Condition check_conditions(const http::Request& request, const Validators& object);
// False: If-Range names another state of the object, so Range is to be ignored.
bool range_applies(const http::Request& request, const Validators& object);
// Whether the list of entity tags in an If-Match or If-None-Match names `etag`. S3 takes tags
// without quotes too. `weak`: W/"x" counts as "x".
bool names_etag(std::string_view list, std::string_view etag, bool weak);

}  // namespace valetkey::s3
