// SPDX-License-Identifier: Apache-2.0
#include "http/internal/chunked.h"

#include <algorithm>

#include "base/text.h"

namespace valetkey::http {
namespace {

constexpr std::size_t kMaxOverhead = 8 * 1024;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

bool is_control(char c) {
  const auto u = static_cast<unsigned char>(c);
  return (u < 0x20 && c != '\t') || u == 0x7f;
}

}  // namespace

ChunkDecoder::State ChunkDecoder::feed(std::string_view& in, std::string& out) {
  while (!in.empty()) {
    if (at_ == At::data) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_, in.size()));
      out.append(in.substr(0, n));
      in.remove_prefix(n);
      chunk_ -= n;
      if (chunk_ == 0) at_ = At::data_cr;
      continue;
    }
    const char c = in.front();
    in.remove_prefix(1);
    if (const State state = step(c); state != State::more) return state;
  }
  return State::more;
}

ChunkDecoder::State ChunkDecoder::step(char c) {
  const auto expect = [this, c](char wanted, At next) {
    at_ = next;
    return c == wanted ? State::more : State::malformed;
  };
  switch (at_) {
    case At::size:
      return take_size(c);
    case At::extension:
      if (c == '\r') return expect('\r', At::size_lf);
      return is_control(c) || ++overhead_ > kMaxOverhead ? State::malformed : State::more;
    case At::size_lf:
      return c == '\n' ? end_size_line() : State::malformed;
    case At::data_cr:
      return expect('\r', At::data_lf);
    case At::data_lf:
      return expect('\n', At::size);
    case At::trailer:
      if (c == '\r') return expect('\r', At::trailer_lf);
      ++trailer_line_;
      return is_control(c) || ++overhead_ > kMaxOverhead ? State::malformed : State::more;
    case At::trailer_lf:
      if (c == '\n' && trailer_line_ == 0) return State::done;
      trailer_line_ = 0;
      return expect('\n', At::trailer);
    case At::data:
      break;
  }
  return State::malformed;
}

ChunkDecoder::State ChunkDecoder::take_size(char c) {
  if (const int digit = hex_digit(c); digit >= 0) {
    chunk_ = chunk_ << 4 | static_cast<unsigned>(digit);
    return ++digits_ > 16 ? State::malformed : State::more;
  }
  if (digits_ == 0) return State::malformed;
  if (c == '\r')
    at_ = At::size_lf;
  else if (c == ';')
    at_ = At::extension;
  else
    return State::malformed;
  return State::more;
}

ChunkDecoder::State ChunkDecoder::end_size_line() {
  digits_ = 0;
  if (chunk_ == 0) {
    at_ = At::trailer;
    return State::more;
  }
  if (chunk_ > left_) return State::too_large;
  left_ -= chunk_;
  at_ = At::data;
  return State::more;
}

}  // namespace valetkey::http
