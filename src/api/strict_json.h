// SPDX-License-Identifier: Apache-2.0
// A JSON object from a stranger, without the latitude that parsers usually give: RFC 8259 in UTF-8,
// no repeated names at any level, at most 8 levels. Pure. Callers bound the size of `text`.
#pragma once

#include <boost/json/object.hpp>

#include <expected>
#include <string>
#include <string_view>

#include "http/message.h"

namespace valetkey::api {

// On failure one sentence for the client that says what is wrong and where.
std::expected<boost::json::object, std::string> parse_strict_object(std::string_view text);

// Whether the request says that its body is JSON.
bool is_json(const http::Request& request);

// A name from a request as a message may repeat it: quoted, shortened to 60 bytes of whole
// characters.
std::string quote_name(std::string_view name);

}  // namespace valetkey::api
