// SPDX-License-Identifier: Apache-2.0
// GetObject and HeadObject short of the bytes: conditions, ranges, parts, response-* overrides,
// headers. Pure. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
#pragma once

#include "http/message.h"
#include "s3/authorize.h"
#include "s3/error.h"
#include "s3/range.h"
#include "storage/object_store.h"

namespace valetkey::s3 {

struct ObjectAnswer {
  http::Response response;   // status and headers, but for what follows
  std::string content_type;  // of the body
  Span span;                 // the bytes of the object in the body
  bool has_body = true;      // false: 304
};

// 200, 206 or 304; a Failure with 400, 403, 412, 416 or 501.
Answer<ObjectAnswer> answer_object(const Authorized& authorized, const http::Request& request,
                                   const storage::ObjectInfo& info);

}  // namespace valetkey::s3
