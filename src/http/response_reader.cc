// SPDX-License-Identifier: Apache-2.0
#include "http/internal/response_reader.h"

#include <algorithm>

namespace valetkey::http {

ResponseReader::State ResponseReader::fail(const char* fault) {
  fault_ = fault;
  piece_ = {};
  phase_ = Phase::done;
  return State::failed;
}

ResponseReader::State ResponseReader::feed(std::string_view bytes) {
  piece_ = {};
  return phase_ == Phase::head ? feed_head(bytes) : feed_body(bytes);
}

// A head that comes whole, as most do, is read where it lies, and so is what follows it.
ResponseReader::State ResponseReader::feed_head(std::string_view bytes) {
  const bool held = !head_.empty();
  if (held) head_.append(bytes);
  std::string_view rest = held ? std::string_view(head_) : bytes;
  for (;;) {
    const auto found = finder_.look(rest);
    if (found == HeadFinder::Found::malformed) return fail("its head is not HTTP");
    const bool more = found == HeadFinder::Found::more;
    if ((more ? rest.size() : finder_.size()) > kMaxHeadBytes) return fail("its head is too large");
    if (more) {
      head_ = std::string(rest);
      return State::more;
    }
    if (const State state = read_head(rest.substr(0, finder_.size())); state != State::more)
      return state;
    rest.remove_prefix(finder_.size());
    finder_ = {};
    if (phase_ == Phase::head) continue;  // that was an interim answer
    if (held) {
      early_ = std::string(rest);
      rest = early_;
    }
    head_.clear();
    return phase_ == Phase::done ? finish(rest) : feed_body(rest);
  }
}

ResponseReader::State ResponseReader::read_head(std::string_view text) {
  ResponseHead head;
  switch (parse_response_head(text, kMaxHeaders, head, framing_)) {
    case HeadFault::malformed:
      return fail("its head is not HTTP");
    case HeadFault::too_many_headers:
      return fail("its head has too many headers");
    case HeadFault::none:
      break;
  }
  if (head.status < 100 || head.status == 101) return fail("its status is not one of HTTP/1.1");
  if (head.status < 200) return ++interim_ > 8 ? fail("it never comes to the point") : State::more;
  response_.status = head.status;
  for (const Header& h : head.headers) response_.headers.emplace_back(h.name, h.value);
  left_ = framing_.content_length.value_or(0);
  if (bodiless_ || head.status == 204 || head.status == 304)
    phase_ = Phase::done;
  else if (framing_.chunked)
    phase_ = Phase::chunked;
  else if (framing_.content_length)
    phase_ = left_ > 0 ? Phase::sized : Phase::done;
  else
    phase_ = Phase::until_close;
  if (phase_ == Phase::sized) announced_ = left_;
  response_.until_close = phase_ == Phase::until_close;
  return State::more;
}

ResponseReader::State ResponseReader::feed_body(std::string_view bytes) {
  switch (phase_) {
    case Phase::sized:
      piece_ = bytes.substr(0, left_);
      left_ -= piece_.size();
      return left_ == 0 ? finish(bytes.substr(piece_.size())) : State::more;
    case Phase::chunked: {
      std::string decoded;
      std::string_view rest = bytes;
      const auto state = chunks_.feed(rest, decoded);
      if (state == ChunkDecoder::State::malformed || state == ChunkDecoder::State::too_large)
        return fail("its chunks are malformed");
      const bool done = state == ChunkDecoder::State::done;
      const bool surplus = !rest.empty();  // `bytes` may be early_ itself
      early_ = std::move(decoded);
      piece_ = early_;
      if (!done) return State::more;
      surplus_ = surplus;
      phase_ = Phase::done;
      return State::done;
    }
    case Phase::until_close:
      piece_ = bytes;
      return State::more;
    default:
      surplus_ = !bytes.empty();
      return State::done;
  }
}

ResponseReader::State ResponseReader::finish(std::string_view rest) {
  surplus_ = !rest.empty();
  phase_ = Phase::done;
  return State::done;
}

ResponseReader::State ResponseReader::end() {
  piece_ = {};
  if (phase_ == Phase::until_close) return finish({});
  if (phase_ == Phase::head)
    return fail(head_.empty() ? "it ended before it answered" : "it ended within the head");
  return phase_ == Phase::done ? State::done : fail("it ended before the body was complete");
}

}  // namespace valetkey::http
