// SPDX-License-Identifier: Apache-2.0
// Request heads, query strings and chunked bodies: whatever comes, in whatever pieces, is read
// alike or refused.
#include <cstdint>
#include <cstdlib>

#include "http/internal/chunked.h"
#include "http/internal/head.h"

namespace {

using namespace valetkey::http;

void require(bool truth) {
  if (!truth) std::abort();
}

std::size_t find_end(std::string_view bytes, std::size_t step) {
  HeadFinder finder;
  for (std::size_t n = std::min(step, bytes.size());; n = std::min(n + step, bytes.size())) {
    const auto found = finder.look(bytes.substr(0, n));
    if (found == HeadFinder::Found::complete) return finder.size();
    if (found == HeadFinder::Found::malformed || n == bytes.size()) return 0;
  }
}

void check_head(std::string_view head) {
  Request request;
  Framing framing;
  if (parse_request_head(head, 50, request, framing) != HeadFault::none) return;
  require(!(framing.chunked && framing.content_length));
  require(request.count("host") <= 1 && request.count("content-length") <= 1);
  require(request.path.starts_with('/') || request.path == "*");
  for (const Header& h : request.headers) {
    require(h.value.data() >= head.data() &&
            h.value.data() + h.value.size() <= head.data() + head.size());
    require(h.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
  }
  (void)parse_query(request.query);
}

ChunkDecoder::State decode(std::string_view in, std::size_t step, std::string& out) {
  ChunkDecoder decoder(1000);
  auto state = ChunkDecoder::State::more;
  while (!in.empty() && state == ChunkDecoder::State::more) {
    std::string_view piece = in.substr(0, step);
    const std::size_t offered = piece.size();
    state = decoder.feed(piece, out);
    in.remove_prefix(offered - piece.size());
  }
  return state;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t end = find_end(bytes, size);
  require(end == find_end(bytes, 1));
  check_head(end > 0 ? bytes.substr(0, end) : bytes);
  (void)parse_query(bytes, size % 2 == 0);
  std::string whole;
  std::string slow;
  const std::string_view body = bytes.substr(end);
  require(decode(body, body.size(), whole) == decode(body, 1, slow));
  require(whole == slow && whole.size() <= 1000);
  return 0;
}
