// SPDX-License-Identifier: Apache-2.0
// Message heads: finding their end as bytes arrive, and reading them strictly. Pure.
// What another server on the way might read differently is refused, never guessed (RFC 9112
// section 11.2).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace valetkey::http {

// Finds the empty line that ends a head, looking at every byte once.
class HeadFinder {
 public:
  enum class Found : std::uint8_t { more, complete, malformed };  // malformed: LF without CR
  // `bytes` starts with the head and has grown since the last call.
  Found look(std::string_view bytes);
  std::size_t size() const { return size_; }  // of the complete head, its empty line included

 private:
  std::size_t looked_ = 0;
  std::size_t line_ = 0;
  std::size_t size_ = 0;
};

// How the message goes on after its head.
struct Framing {
  bool http11 = true;
  bool keep_alive = true;
  bool expects_continue = false;
  bool chunked = false;
  std::optional<std::uint64_t> content_length;
  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

enum class HeadFault : std::uint8_t { none, malformed, too_many_headers };

// Reads a complete head; fills method, target, path, query and headers of `request` (the rest
// stays) and `framing`. The views are into `head`.
HeadFault parse_request_head(std::string_view head, std::size_t max_headers, Request& request,
                             Framing& framing);

struct ResponseHead {
  int status = 0;
  std::vector<Header> headers;
};
// As above; content_length and chunked both absent mean: until the connection closes.
HeadFault parse_response_head(std::string_view head, std::size_t max_headers,
                              ResponseHead& response, Framing& framing);

}  // namespace valetkey::http
